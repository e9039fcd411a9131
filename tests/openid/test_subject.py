"""A person's `sub` by a function of the deployment's own (OpenID Connect Core section 2)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.core.checks import run_checks
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.logout.token import logout_token
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, answered
from tests.openid.conftest import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]


def by_name(user: Any, issuer: Any) -> str:
    return f"{issuer.settings.name}|{user.username}"


def of_nobody(user: Any, issuer: Any) -> str:
    raise AttributeError("profile")


def as_it_comes(user: Any, issuer: Any) -> Any:
    return user.first_name or user.pk


@pytest.fixture
def own(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"subject": f"{__name__}.by_name", "name": "site"}


@pytest.mark.usefixtures("own")
@pytest.mark.spec("OpenID Connect Core", "2")
@pytest.mark.parametrize("form", ["opaque", "at+jwt"])
def test_every_door_says_the_same(browser: Browser, user: Any, form: str) -> None:
    flow, told = Flow(ClientFactory(access_token_format=form), browser), f"site|{user.username}"
    tokens = flow.tokens(scope="openid")
    assert read(tokens["id_token"])["sub"] == told
    assert flow.userinfo(tokens["access_token"])["sub"] == told
    assert flow.introspect(tokens["access_token"])["sub"] == told
    assert flow.introspect(tokens["refresh_token"])["sub"] == told
    assert read(flow.refresh(tokens["refresh_token"]).json()["id_token"])["sub"] == told
    if form == "at+jwt":
        assert jose.unverified(tokens["access_token"])[1]["sub"] == told


@pytest.mark.usefixtures("own")
def test_an_id_token_is_a_hint_of_the_person(flow: Flow) -> None:
    hint = flow.tokens(scope="openid")["id_token"]
    assert "code" in answered(flow.authorize(scope="openid", prompt="none", id_token_hint=hint))
    flow.browser.force_login(UserFactory())
    assert answered(flow.authorize(scope="openid", prompt="none", id_token_hint=hint))["error"] == "login_required"


@pytest.mark.usefixtures("own")
def test_what_sites_cannot_compare_follows_from_it(browser: Browser, user: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": "a salt that nobody outside of here knows"}
    flow = Flow(ClientFactory(metadata__subject_type="pairwise"), browser)

    def told() -> str:
        return str(read(flow.tokens(scope="openid")["id_token"])["sub"])

    before = told()
    assert user.username not in before
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"name": "elsewhere"}
    assert told() != before


@pytest.mark.usefixtures("own")
@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.4")
def test_a_logout_token_names_the_person_while_there_is_one(user: Any, client_app: Any) -> None:
    def said() -> dict[str, Any]:
        issuer = default_issuer()
        made = logout_token(client_app, person, "a session", issuer, timezone.now())
        return dict(jose.unverified(made)[1])

    person = str(user.pk)
    assert said()["sub"] == f"site|{user.username}"
    user.delete()
    assert "sub" not in said()
    assert said()["sid"] == "a session"


@pytest.mark.parametrize(
    ("function", "first_name"),
    [("of_nobody", ""), ("as_it_comes", ""), ("as_it_comes", "Zoë"), ("as_it_comes", "a\nb")],
)
def test_what_is_no_identifier_names_nobody(
    flow: Flow, user: Any, settings: Any, function: str, first_name: str
) -> None:
    code = flow.code(scope="openid")
    type(user).objects.update(first_name=first_name)
    good = settings.OAUTH_SERVER
    settings.OAUTH_SERVER = good | {"subject": f"{__name__}.{function}"}
    assert flow.exchange(code).status_code == 503
    settings.OAUTH_SERVER = good
    assert flow.exchange(code).status_code == 200, "the code was not spent"


def test_a_client_of_the_same_name_gets_no_token_of_the_person(settings: Any, browser: Browser, user: Any) -> None:
    flow = Flow(ClientFactory(client_id=f"site|{user.username}"), browser)
    code = flow.code()
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"subject": f"{__name__}.by_name", "name": "site"}
    assert flow.exchange(code).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("function", "names", "fault"),
    [
        ("by_name", ["", ""], ""),
        ("of_nobody", [""], "AttributeError"),
        ("as_it_comes", [""], "int"),
        ("as_it_comes", ["Ann", "Ann"], "also"),
        ("as_it_comes", ["Zoë"], "ASCII"),
        ("new_each_time", [""], "each time"),
    ],
)
def test_a_function_that_looks_wrong_is_told_of(settings: Any, function: str, names: list[str], fault: str) -> None:
    for name in names:
        UserFactory(first_name=name)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"subject": f"{__name__}.{function}"}
    found = [one.msg for one in run_checks(databases=["default"]) if one.id == "oauth_server.E015"]
    assert len(found) == bool(fault)
    assert all(fault in message for message in found)


def new_each_time(user: Any, issuer: Any) -> str:
    return uuid4().hex
