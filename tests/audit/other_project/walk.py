"""The figure in that project; run by tests/audit/test_other_project.py, in a process that has its settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver

from django_oauth_server.clients.registration import create_client
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.registry import default_issuer
from tests.audit.other_project.models import Member
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "elsewhere"])


@pytest.fixture
def member() -> Member:
    return Member.objects.create(nickname="ada", password="unusable")


@pytest.fixture
def browser(member: Member) -> Browser:
    browser = Browser()
    browser.force_login(member, backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.fixture(params=["opaque", "at+jwt", "at+jwt with a key file"])
def _token_format(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> None:
    chosen, _, key_file = request.param.partition(" ")
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": chosen}
    if key_file:
        path = tmp_path / "key.json"
        path.write_bytes(SigningKeyPair.generate("ES256").dump())
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"signing_key_files": [str(path)]}


@pytest.mark.usefixtures("_token_format")
@pytest.mark.parametrize("public", [False, True])
def test_the_figure(browser: Browser, public: bool) -> None:
    flow = Flow(ClientFactory(public=public), browser)
    bought = flow.tokens()
    api = {"Authorization": f"Bearer {bought['access_token']}"}
    assert Browser().get("/api/whoami", headers=api).json() == {"subject": "ada", "user": "ada"}
    if not public:
        assert flow.introspect(bought["access_token"])["sub"] == "ada"
    assert bought["expires_in"] == 900
    refreshed = flow.refresh(bought["refresh_token"]).json()
    assert flow.revoke(refreshed["access_token"]).status_code == 200
    assert flow.revoke(refreshed.get("refresh_token", bought["refresh_token"])).status_code == 200
    assert flow.refresh(bought["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.usefixtures("_token_format")
def test_a_client_for_itself(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), browser)
    token = flow.token(grant_type="client_credentials", scope="notes:read").json()["access_token"]
    assert flow.introspect(token)["sub"] == flow.client.client_id
    api = {"Authorization": f"Bearer {token}"}
    assert Browser().get("/api/whoami", headers=api).json() == {"subject": None, "user": "AnonymousUser"}
    flow.revoke(token)
    assert not flow.is_active(token)


def test_a_replayed_code_takes_back_what_it_bought_in_spite_of_the_transaction(browser: Browser) -> None:
    flow = Flow(ClientFactory(), browser)
    code = flow.code()
    bought = flow.exchange(code).json()
    assert flow.exchange(code).json()["error"] == "invalid_grant"
    assert not flow.is_active(bought["access_token"])


def test_a_refusal_that_comes_late_leaves_the_code_to_its_owner(browser: Browser) -> None:
    flow = Flow(ClientFactory(), browser)
    code = flow.code()
    assert flow.exchange(code, resource="https://api.example/unknown").json()["error"] == "invalid_target"
    assert flow.exchange(code).status_code == 200


def test_no_view_is_in_a_transaction_that_it_cannot_do_anew() -> None:
    patterns = [*_patterns(get_resolver("django_oauth_server.urls"))]
    assert "token" in {pattern.name for pattern in patterns}
    for pattern in patterns:
        assert BaseHandler().make_view_atomic(pattern.callback) is pattern.callback, pattern


def _patterns(below: URLResolver) -> Iterator[URLPattern]:
    for one in below.url_patterns:
        if isinstance(one, URLResolver):
            yield from _patterns(one)
        else:
            yield one


def test_connected_apps(browser: Browser) -> None:
    flow = Flow(ClientFactory(), browser)
    bought = flow.tokens()
    page = browser.get("/oauth/connected-apps/").content.decode()
    remove = page.split("/remove")[0].split('"')[-1] + "/remove"
    assert browser.get(remove).status_code == 200
    assert browser.post(remove).status_code == 302
    assert "Notebook" not in browser.get("/oauth/connected-apps/").content.decode()
    assert not flow.is_active(bought["access_token"])


def test_a_client_is_not_given_a_persons_identifier(member: Member) -> None:
    document = {"client_name": "Ada?", "redirect_uris": ["https://client.example/callback"]}
    with pytest.raises(InvalidClientMetadata, match="client_id"):
        create_client(document, default_issuer(), client_id=member.nickname)


def test_a_person_who_took_a_clients_identifier_gets_no_token_that_says_to_be_the_client(browser: Browser) -> None:
    flow = Flow(ClientFactory(client_id="ada"), browser)
    assert flow.exchange(flow.code()).json()["error"] == "invalid_grant"
