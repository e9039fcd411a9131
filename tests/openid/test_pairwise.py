"""Pairwise subject identifiers (OpenID Connect Core section 8.1), and the addresses that say which sites share them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Browser

from django_oauth_server.clients import sectors
from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import review, validate
from django_oauth_server.errors import InvalidClientMetadata
from django_oauth_server.models import Client
from django_oauth_server.outbound import Fetched
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from django_oauth_server.tokens.subject import subject
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, answered
from tests.openid.conftest import read
from tests.outbound.server import WebServer, as_json
from tests.registration.conftest import Registrant
from tests.waiting import SOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

SALT = "a salt that nobody outside of these tests knows"
HERE, THERE = "https://here.example/callback", "https://there.example/callback"


@pytest.fixture
def pairwise(settings: Any, openid_connect: None) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": SALT}


def client_at(*redirect_uris: str, **more: Any) -> Any:
    metadata = {"metadata__subject_type": "pairwise", "metadata__redirect_uris": list(redirect_uris)}
    return ClientFactory(**metadata, **more)


def subject_at(client: Any, browser: Browser) -> str:
    return str(read(Flow(client, browser).tokens(scope="openid")["id_token"])["sub"])


@pytest.mark.usefixtures("pairwise")
@pytest.mark.spec("OpenID Connect Core", "8.1")
def test_two_sites_cannot_compare_and_one_site_can(browser: Browser, user: Any) -> None:
    here, there, again = client_at(HERE), client_at(THERE), client_at(f"{HERE}/other")
    subjects = [subject_at(client, browser) for client in (here, there, again)]
    assert subjects[0] != subjects[1] and subjects[0] == subjects[2]
    assert str(user.pk) not in subjects and len(subjects[0]) == 43
    assert subject_at(here, browser) == subjects[0]


@pytest.mark.usefixtures("pairwise")
def test_two_people_are_never_one(browser: Browser) -> None:
    client = client_at(HERE)
    assert len({subject(UserFactory.build(pk=pk), client, default_issuer()) for pk in range(1, 50)}) == 49


@pytest.mark.usefixtures("pairwise")
@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/callback", "http://localhost:8000/", "app.example:/cb", "app.example://cb"]
)
def test_apps_on_a_device_share_no_host(browser: Browser, uri: str) -> None:
    assert subject_at(client_at(uri), browser) != subject_at(client_at(uri, public=True), browser)


@pytest.mark.usefixtures("pairwise")
def test_a_client_that_did_not_ask_for_it_knows_the_public_one(rp: Flow, user: Any) -> None:
    assert subject_at(rp.client, rp.browser) == str(user.pk)


@pytest.mark.usefixtures("pairwise")
@pytest.mark.requirement(35)
@pytest.mark.parametrize("form", ["opaque", "at+jwt"])
def test_every_door_says_the_same_and_finds_the_person(browser: Browser, user: Any, form: str) -> None:
    flow = Flow(client_at(HERE, access_token_format=form), browser)
    tokens = flow.tokens(scope="openid profile")
    told = read(tokens["id_token"])["sub"]
    claims = flow.userinfo(tokens["access_token"])
    assert claims == {"sub": told, "preferred_username": user.username}
    introspected = flow.introspect(tokens["access_token"])
    assert introspected["sub"] == told
    assert "username" not in introspected
    assert read(flow.refresh(tokens["refresh_token"]).json()["id_token"])["sub"] == told
    if form == "at+jwt":
        assert jose.unverified(tokens["access_token"])[1]["sub"] == told


@pytest.mark.usefixtures("pairwise")
@pytest.mark.requirement(21)
def test_an_id_token_is_a_hint_by_its_own_subject(browser: Browser) -> None:
    flow = Flow(client_at(HERE), browser)
    hint = flow.tokens(scope="openid")["id_token"]
    assert "code" in answered(flow.authorize(scope="openid", prompt="none", id_token_hint=hint))


@pytest.mark.requirement(6)
def test_it_is_offered_where_there_is_a_salt(settings: Any, client: Browser) -> None:
    def offered() -> list[str]:
        return client.get("/.well-known/openid-configuration").json()["subject_types_supported"]

    assert offered() == ["public"]
    with pytest.raises(InvalidClientMetadata):
        validate({"subject_type": "pairwise", "redirect_uris": [HERE]}, terms_of(default_issuer()))
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": SALT}
    assert offered() == ["public", "pairwise"]


@pytest.mark.parametrize(("salt", "warned"), [("", False), ("guess me", True), ("x" * 31, True), ("x" * 32, False)])
def test_a_salt_that_could_be_guessed_is_told_of(settings: Any, salt: str, warned: bool) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": salt}
    found = [message for message in run_checks(tags=["security"]) if message.id == "oauth_server.W008"]
    assert bool(found) is warned
    assert all(salt not in str(message) for message in found if salt)


@pytest.fixture
def registrant() -> Registrant:
    return Registrant()


@pytest.fixture
def server(certificate: Path, settings: Any, pairwise: None) -> Iterator[WebServer]:
    """Says which redirect URIs are of one sector."""
    server = WebServer(certificate)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "outbound_private_hosts": [f"127.0.0.1:{server.port}"],
        "outbound_ca_bundle": str(certificate),
    }
    server.pages["/sector"] = as_json([HERE, THERE, "https://elsewhere.example/callback"])
    yield server
    server.stop()


def document(*redirect_uris: str, **members: Any) -> dict[str, Any]:
    return {"redirect_uris": list(redirect_uris), "subject_type": "pairwise", "scope": "openid", **members}


def refusals(**members: Any) -> dict[str, str]:
    given = document(*members.pop("redirect_uris", [HERE, THERE]), **members)
    return dict(review(given, terms_of(default_issuer()), operator=True)[1])


@pytest.mark.requirement(42)
@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "5")
def test_a_sector_that_lists_every_redirect_uri_is_accepted(server: WebServer) -> None:
    assert refusals(sector_identifier_uri=server.url("/sector")) == {}
    assert server.calls["/sector"] == 1


PAGES: dict[str, Any] = {
    "a redirect URI is missing": as_json([HERE]),
    "none is there": as_json([]),
    "no array": as_json({"redirect_uris": [HERE, THERE]}),
    "no strings": as_json([1, None, [HERE, THERE]]),
    "almost the same": as_json([HERE + "/", THERE.upper()]),
    "no JSON": (200, {"Content-Type": "application/json"}, b"<html>"),
    "not UTF-8": (200, {}, b'["\xff"]'),
    "deep": (200, {}, b"[" * 20_000),
    "too long": as_json([HERE, THERE, "x" * 70_000]),
    "elsewhere": (302, {"Location": "/sector"}, b""),
    "an error": (500, {}, b""),
}


@pytest.mark.requirement(42)
@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "5")
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_a_sector_that_does_not_is_refused(server: WebServer, page: Any) -> None:
    server.pages["/other"] = page
    assert list(refusals(sector_identifier_uri=server.url("/other"))) == ["sector_identifier_uri"]


@pytest.mark.usefixtures("pairwise")
@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:9/sector", "https://10.0.0.1/sector", "https://169.254.169.254/latest"]
)
def test_an_address_that_may_not_be_asked_is_refused(url: str, caplog: pytest.LogCaptureFixture) -> None:
    assert list(refusals(sector_identifier_uri=url)) == ["sector_identifier_uri"]
    assert "sector_identifier_uri" in caplog.text


@pytest.mark.parametrize(
    "url", ["http://here.example/sector", "http://localhost/sector", "here.example/sector", "https://here.example/#x"]
)
@pytest.mark.usefixtures("pairwise")
def test_it_is_an_https_address(url: str) -> None:
    assert list(refusals(sector_identifier_uri=url)) == ["sector_identifier_uri"]


@pytest.mark.usefixtures("pairwise")
@pytest.mark.requirement(42)
@pytest.mark.spec("OpenID Connect Core", "8.1")
def test_redirect_uris_on_several_hosts_need_a_sector() -> None:
    assert list(refusals()) == ["sector_identifier_uri"]
    assert refusals(redirect_uris=[HERE, f"{HERE}/other"]) == {}
    assert refusals(subject_type="public") == {}


def test_nobody_is_asked_about_a_document_that_is_refused_anyway(server: WebServer) -> None:
    given = {"sector_identifier_uri": server.url("/sector"), "id_token_encrypted_response_enc": "A128GCM"}
    assert list(refusals(**given)) == ["id_token_encrypted_response_enc"]
    assert not server.calls


def test_a_slow_address_holds_nobody_for_longer_than_the_timeout(server: WebServer, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=0.3)}
    server.released.clear()
    began = time.monotonic()
    assert refusals(sector_identifier_uri=server.url("/sector"))
    assert time.monotonic() - began < SOON


def test_clients_of_one_sector_know_a_person_by_the_same_subject(server: WebServer, browser: Browser) -> None:
    sector = {"metadata__sector_identifier_uri": server.url("/sector")}
    here, there = client_at(HERE, **sector), client_at(THERE, **sector)
    assert subject_at(here, browser) == subject_at(there, browser) != subject_at(client_at(HERE), browser)


def test_the_command_asks_it(server: WebServer, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--redirect-uri", HERE, "--redirect-uri", THERE, "--subject-type", "pairwise", "--sector-identifier-uri"]
    call_command("createclient", *flags, server.url("/sector"))
    assert server.calls["/sector"] == 1
    server.pages["/sector"] = as_json([HERE])
    with pytest.raises(CommandError, match="sector_identifier_uri: .*there.example"):
        call_command("createclient", *flags, server.url("/sector"))


def test_the_admin_asks_it(server: WebServer, admin_client: Browser) -> None:
    form = {
        "redirect_uris": f"{HERE}\n{THERE}",
        "subject_type": "pairwise",
        "sector_identifier_uri": server.url("/nowhere"),
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "scope": ["openid"],
    }
    page = admin_client.post("/admin/django_oauth_server/client/add/", form)
    assert page.status_code == 200 and "JSON array of redirect URIs" in page.content.decode()
    assert not Client.objects.exists()
    admin_client.post("/admin/django_oauth_server/client/add/", form | {"sector_identifier_uri": server.url("/sector")})
    assert Client.objects.get().metadata["sector_identifier_uri"] == server.url("/sector")


@pytest.mark.requirement(42)
def test_registration_asks_it(server: WebServer, registrant: Registrant) -> None:
    chosen = {"redirect_uris": [HERE, THERE], "subject_type": "pairwise"}
    refused = registrant.register(**chosen, sector_identifier_uri=server.url("/nowhere"))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    assert "sector_identifier_uri" in refused.json()["error_description"]
    registered = registrant.registered(**chosen, sector_identifier_uri=server.url("/sector"))
    assert registered["subject_type"] == "pairwise"
    assert registered["sector_identifier_uri"] == server.url("/sector")
    assert registrant.update(redirect_uris=[HERE, "https://new.example/callback"]).status_code == 400


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("pairwise")
def test_no_transaction_waits_for_the_answer(registrant: Registrant, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []

    def answer(*args: Any, **kwargs: Any) -> Fetched:
        waited.append(connection.in_atomic_block)
        return Fetched(json.dumps([HERE, THERE]).encode(), "application/json", None)

    monkeypatch.setattr(sectors, "fetch", answer)
    chosen = {"redirect_uris": [HERE, THERE], "sector_identifier_uri": "https://here.example/sector"}
    registrant.registered(**chosen | {"redirect_uris": [HERE]})
    assert registrant.update(redirect_uris=[HERE, THERE]).status_code == 200
    assert waited == [False, False]


def test_it_is_asked_again_only_for_what_is_new(server: WebServer, registrant: Registrant) -> None:
    address = server.url("/sector")
    chosen = {"redirect_uris": [HERE, THERE], "sector_identifier_uri": address, "subject_type": "pairwise"}
    registrant.registered(**chosen)
    for changes in ({"client_name": "Another"}, {}, {"redirect_uris": [THERE]}):
        assert registrant.update(**changes).status_code == 200
    assert server.calls["/sector"] == 1
    assert registrant.update(**chosen).status_code == 200
    assert server.calls["/sector"] == 2


def test_the_admin_asks_it_again_only_for_what_is_new(server: WebServer, admin_client: Browser) -> None:
    metadata = {"redirect_uris": [HERE], "sector_identifier_uri": server.url("/sector"), "subject_type": "pairwise"}
    client = ClientFactory(**{f"metadata__{name}": value for name, value in metadata.items()})
    path = f"/admin/django_oauth_server/client/{client.pk}/change/"
    form = {**metadata, "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["authorization_code"]}
    form |= {"response_types": ["code"], "scope": ["openid"], "client_name": "Another", "redirect_uris": HERE}
    assert admin_client.post(path, form).status_code == 302
    assert not server.calls["/sector"]
    assert admin_client.post(path, form | {"redirect_uris": f"{HERE}\n{THERE}"}).status_code == 302
    assert server.calls["/sector"] == 1


def test_a_salt_that_is_gone_names_nobody_rather_than_somebody(
    browser: Browser, client: Browser, settings: Any
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": SALT}
    flow = Flow(client_at(HERE), browser)
    tokens, code = flow.tokens(scope="openid"), flow.code(scope="openid")
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": ""}
    assert flow.exchange(code).status_code == 503
    userinfo = client.get("/oauth/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert userinfo.status_code == 503
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": SALT}
    assert flow.exchange(code).status_code == 200, "the code was not spent"
