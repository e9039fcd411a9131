"""What each request costs the database: a statement more fails here.

Each statement is named by its verb and table. Transaction control is left out: how a transaction begins is the database's matter, and the
tests' own transaction would turn it into savepoints.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone

from django_oauth_server.keys.rotation import rotate_all
from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import Client, Token
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.registry import default_issuer
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.storage.clients import delete_client
from django_oauth_server.storage.refusals import FROM_ONE_ADDRESS
from tests.assertions import KEY, assertion, jwks, key_client, proof, secret_client, signed
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory
from tests.flow import Flow

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

_CONTROL = re.compile(r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE", re.IGNORECASE)
_WRITTEN = re.compile(r"(UPDATE|INSERT)(?: INTO)? \"(?:django_oauth_server_)?(\w+)")
_TABLE = re.compile(r"(?:FROM|INTO|UPDATE) [\"`](?:django_oauth_server_)?(\w+)")


@protected_resource("notes:read")
def whoami(http: HttpRequest) -> HttpResponse:
    """A protected view that makes no statement of its own."""
    return HttpResponse(http.auth.subject or http.auth.client_id)


urlpatterns = [path("", include("tests.urls")), path("whoami", whoami)]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Those that are made meanwhile: `SELECT client`, `INSERT token` …"""
    made: list[str] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        if sql.startswith("WITH"):
            made.append(", ".join(f"{verb} {table}" for verb, table in _WRITTEN.findall(sql)))
        elif not _CONTROL.match(sql):
            made.append(f"{sql.split()[0]} {_TABLE.search(sql)[1]}")
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield made


def tokens_for(table: str) -> list[str]:
    """What uses up a row of *table*, and stores what is bought with it: one statement where the database can."""
    if connection.vendor == "postgresql":
        return [f"UPDATE {table}, INSERT token"]
    return [f"UPDATE {table}", "INSERT token"]


@pytest.fixture
def signing() -> None:
    """A process that knows its keys, as it does from its first JWT on."""
    rotate_all(default_issuer(), now=timezone.now(), at_once=True)
    signing_key(default_issuer())


def machine(**more: object) -> Flow:
    """A client that acts for itself."""
    return Flow(ClientFactory(metadata__grant_types=["client_credentials"], **more), Browser())


def call(token: str) -> HttpResponse:
    return Browser().get("/whoami", headers={"Authorization": f"Bearer {token}"})


def userinfo(token: str) -> dict[str, object]:
    return Browser().get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json()


def test_a_protected_call_with_an_opaque_token():
    token = TokenFactory()
    with statements() as made:
        assert call(token.value).status_code == 200
    assert made == ["SELECT token"]


def test_a_protected_call_with_a_jwt(flow, client_app, signing):
    Client.objects.filter(pk=client_app.pk).update(access_token_format="at+jwt")
    token = flow.tokens()["access_token"]
    with statements() as made:
        assert call(token).status_code == 200
    assert made == ["SELECT revocation"]  # the first in five seconds
    with statements() as made:
        assert call(token).status_code == 200
    assert made == []


def test_userinfo_with_an_opaque_token():
    token = TokenFactory()
    with statements() as made:
        assert userinfo(token.value)["sub"] == str(token.authorization.user_id)
    assert made == ["SELECT token"]


def test_userinfo_with_a_jwt_asks_for_the_person_alone(flow, client_app, signing):
    Client.objects.filter(pk=client_app.pk).update(access_token_format="at+jwt")
    token = flow.tokens(scope="openid profile")["access_token"]
    call(token)  # reads the revocations, as the first in five seconds does
    with statements() as made:
        assert userinfo(token)["preferred_username"]
    assert made == ["SELECT authorization"]


@pytest.mark.parametrize(("form", "stored"), [("opaque", ["INSERT token"]), ("at+jwt", [])])
def test_client_credentials(signing, form, stored):
    """The client is read once in `client_cache_lifetime`."""
    flow = machine(access_token_format=form)
    for read in (["SELECT client"], []):
        with statements() as made:
            assert flow.token(grant_type="client_credentials", scope="notes:read").status_code == 200
        assert made == [*read, *stored]


def test_a_refusal_is_of_the_client_as_it_is_now():
    """A stranger who guesses costs no more than one to whom the client was not remembered, but that it is kept now and then what they did."""
    flow = machine()
    for kept in [["INSERT refusal"]] * FROM_ONE_ADDRESS.count + [[]] * 2:
        with statements() as made:
            assert flow.token(grant_type="client_credentials", scope="unheard-of").status_code == 400
        assert made == ["SELECT client", *kept]


@pytest.mark.parametrize("client", [key_client, secret_client])
def test_authenticating_by_assertion_notes_that_it_was_used(client):
    flow = Flow(client(), Browser())
    for read in (["SELECT client"], []):
        with statements() as made:
            asked = {"grant_type": "client_credentials", "scope": "notes:read", **proof(assertion(flow.client))}
            assert flow.token(authorization=None, **asked).status_code == 200
        assert made == [*read, "INSERT usedassertion", "INSERT token"]


def test_authorize_with_remembered_consent(flow, browser, user, client_app):
    AuthorizationFactory(client=client_app, user=user)
    with statements() as made:
        flow.code()
    assert made == [
        "SELECT django_session",
        "SELECT auth_user",
        "SELECT client",  # with what the person allows it
        "INSERT ticket",
    ]


def test_remembered_consent_needs_no_transaction(flow, browser, user, client_app):
    AuthorizationFactory(client=client_app, user=user)
    with CaptureQueriesContext(connection) as made:
        flow.code()
    assert not [one["sql"] for one in made if one["sql"].startswith("SAVEPOINT")]


def test_asking_for_consent(flow):
    with statements() as made:
        assert flow.authorize().status_code == 200
    assert made == [
        "SELECT django_session",
        "SELECT auth_user",
        "SELECT client",  # with what the person allows it
        "SELECT ticket",  # whether the person has too many pages open
        "INSERT ticket",
    ]


@pytest.mark.parametrize(
    ("length", "kept"), [(10, []), (7000, ["INSERT waitingrequest", "DELETE waitingrequest"])], ids=["short", "long"]
)
def test_sending_a_stranger_to_sign_in(client_app, length, kept):
    flow = Flow(client_app, Browser())
    with statements() as made:
        assert flow.authorize(state="s" * length).status_code == 303
    assert made == ["SELECT client", *kept]


def test_authorize_with_a_request_object(flow, browser, user, client_app):
    client_app.metadata["jwks"] = jwks(KEY)
    client_app.save()
    AuthorizationFactory(client=client_app, user=user)
    with statements() as made:
        flow.code(request=signed({"iss": client_app.client_id, "scope": "notes:read"}))
    assert made == [
        "SELECT django_session",
        "SELECT auth_user",
        "SELECT client",  # with what the person allows it
        "INSERT ticket",
    ]


def test_exchanging_a_code(flow):
    for read in (["SELECT client"], []):
        code = flow.code()
        with statements() as made:
            assert flow.exchange(code).status_code == 200
        assert made == [*read, "SELECT ticket", *tokens_for("ticket")]


@pytest.mark.spec("OpenID Connect Core", "3.1.3")
def test_an_openid_request_costs_no_statement_more(flow, browser, user, client_app, signing):
    AuthorizationFactory(client=client_app, user=user)
    with statements() as made:
        code = flow.code(scope="openid email", claims='{"id_token": {"email": null}}')
    assert made == [
        "SELECT django_session",
        "SELECT auth_user",
        "SELECT client",  # with what the person allows it
        "INSERT ticket",
    ]
    with statements() as made:
        assert "id_token" in flow.exchange(code).json()
    assert made == ["SELECT client", "SELECT ticket", *tokens_for("ticket")]


def test_exchanging_a_code_for_a_jwt(flow, client_app, signing):
    Client.objects.filter(pk=client_app.pk).update(access_token_format="at+jwt")
    code = flow.code()
    with statements() as made:
        assert flow.exchange(code).status_code == 200
    assert made == ["SELECT client", "SELECT ticket", *tokens_for("ticket")]


@pytest.mark.parametrize("public", [False, True], ids=["kept", "rotated"])
def test_refreshing(browser, public):
    flow = Flow(ClientFactory(public=public), browser)
    refresh_token = flow.tokens()["refresh_token"]
    with statements() as made:
        assert flow.refresh(refresh_token).status_code == 200
    assert made == ["SELECT token", *tokens_for("token")]


def test_introspecting(flow, client_app):
    token = TokenFactory(authorization__client=client_app)
    for expected in (["SELECT client", "SELECT token"], ["SELECT token"]):  # the caller is remembered from then on
        with statements() as made:
            assert flow.is_active(token.value)
        assert made == expected


def test_introspecting_a_jwt(flow, client_app, signing):
    Client.objects.filter(pk=client_app.pk).update(access_token_format="at+jwt")
    token = flow.tokens()["access_token"]
    assert flow.is_active(token)  # reads the revocations, as the first in a few seconds does
    with statements() as made:
        assert flow.is_active(token)
    assert made == ["SELECT token"]


def test_introspecting_what_is_no_token(flow):
    with statements() as made:
        assert not flow.is_active("made-up")
    assert made == ["SELECT client"]


def test_revoking_an_access_token(flow, client_app):
    token = TokenFactory(authorization__client=client_app)
    with statements() as made:
        flow.revoke(token.value)
    assert made == ["SELECT client", "SELECT token", "UPDATE token"]


def test_revoking_a_jwt(flow, client_app, signing):
    Client.objects.filter(pk=client_app.pk).update(access_token_format="at+jwt")
    token = flow.tokens()["access_token"]
    with statements() as made:
        flow.revoke(token)
    assert made == ["SELECT client", "SELECT token", "UPDATE token", "INSERT revocation"]


def test_saving_a_user_asks_nothing_more(user):
    with statements() as made:
        user.save()
        user.save(update_fields=["last_login"])
    assert made == ["UPDATE auth_user", "UPDATE auth_user"]


@pytest.mark.parametrize(("form", "marked"), [("opaque", []), ("at+jwt", ["INSERT revocation"])])
def test_revoking_a_refresh_token_ends_its_family_and_looks_once_more(flow, client_app, signing, form, marked):
    Client.objects.filter(pk=client_app.pk).update(access_token_format=form)
    refresh_token = flow.tokens()["refresh_token"]
    with statements() as made:
        flow.revoke(refresh_token)
    assert made[:4] == ["SELECT client", "SELECT token", "UPDATE token", "UPDATE token"]
    assert made[4:] == ["SELECT token", *marked]
    assert not Token.objects.filter(revoked_at=None).exists()
    with statements() as made:
        flow.revoke(refresh_token)
    assert made == ["SELECT client", "SELECT token", "UPDATE token"]  # there is nothing left to end


def test_authorizing_for_a_client_that_is_told_of_sign_outs(browser, user):
    flow = Flow(ClientFactory(metadata__backchannel_logout_uri="https://client.example/out"), browser)
    AuthorizationFactory(client=flow.client, user=user)
    flow.code(scope="openid")
    with statements() as made:
        flow.code(scope="openid")
    assert made[-2:] == ["INSERT participation", "INSERT ticket"] and len(made) == 5


def test_signing_out_of_a_session_that_nobody_is_to_be_told_of(browser):
    with statements() as made:
        browser.logout()
    assert made.count("SELECT participation") <= 1 and "INSERT logoutdelivery" not in made


@pytest.mark.usefixtures("signing")
def test_the_key_set_is_read_once() -> None:
    with statements() as made:
        assert Browser().get("/oauth/jwks").status_code == 200
    assert made == ["SELECT signingkey"]


@pytest.mark.parametrize("people", [1, 30])
def test_deleting_a_client_costs_as_much_for_many_people_as_for_one(people):
    client = ClientFactory()
    for _ in range(people):
        TokenFactory(authorization=AuthorizationFactory(client=client))
    with statements() as made:
        delete_client(client, timezone.now())
    assert len(made) <= 24, made  # each table that refers to a client, or to what people allowed it, costs one more
    assert Revocation.objects.count() == people + 1


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize("kind", ["authorization", "token"])
def test_revoking_many_in_the_admin_costs_as_much_as_revoking_one(admin_client, kind, rows):
    tokens = [TokenFactory() for _ in range(rows)]
    chosen = [one.authorization_id if kind == "authorization" else one.pk for one in tokens]
    form = {"action": "revoke", "_selected_action": chosen, "confirmed": "1", "index": "0"}
    with statements() as made:
        assert admin_client.post(f"/admin/django_oauth_server/{kind}/", form).status_code == 302
    ours = [one for one in made if one.split()[1] in {"authorization", "token", "revocation", "client"}]
    assert len(ours) <= 10, ours
    assert Revocation.objects.count() == rows


def test_signing_out_looks_for_what_is_bound_to_the_session(flow, browser):
    flow.tokens(scope="openid")
    with statements() as made:
        browser.logout()
    ours = [one for one in made if one.split()[1] in {"ticket", "token", "participation"}]
    assert ours == [
        "SELECT ticket",
        "SELECT token",
        "UPDATE token",
        "UPDATE token",
        "SELECT participation",
    ]


DEVICE_GRANT, FORM = "urn:ietf:params:oauth:grant-type:device_code", "application/x-www-form-urlencoded"


def television() -> Flow:
    return Flow(ClientFactory(public=True, metadata__grant_types=[DEVICE_GRANT, "refresh_token"]), Browser())


@pytest.mark.spec("RFC 8628", "3.5")
def test_a_poll_of_a_device_is_one_statement(monkeypatch):
    """Once this process remembers the client, which the first one brings about. What is handed out is for the client as it is now."""
    monkeypatch.setattr("django_oauth_server.storage.device_requests.randrange", lambda most: 1)
    flow = television()
    body = {"client_id": flow.client.client_id, "scope": "notes:read"}
    with statements() as made:
        codes = flow.server.post("/oauth/device_authorization", urlencode(body), FORM).json()
    assert made == ["SELECT client", "INSERT devicerequest"]
    for error, before, after in (
        ("authorization_pending", ["SELECT client"], []),
        ("authorization_pending", [], []),
        ("slow_down", [], ["SELECT client", "SELECT devicerequest", "UPDATE devicerequest"]),
    ):
        if error == "authorization_pending":
            DeviceRequest.objects.update(polls_from=0)
        with statements() as made:
            assert flow.token(grant_type=DEVICE_GRANT, device_code=codes["device_code"]).json()["error"] == error
        assert made == [*before, "UPDATE devicerequest", *after]
    allowed = AuthorizationFactory(client=flow.client)
    granted = {"scopes": ["notes:read"], "resources": [], "facts": {}}
    DeviceRequest.objects.update(decided_at=timezone.now(), authorization=allowed, granted=granted)
    with statements() as made:
        assert flow.token(grant_type=DEVICE_GRANT, device_code=codes["device_code"]).status_code == 200
    assert made == [
        "UPDATE devicerequest",
        "SELECT client",
        "SELECT devicerequest",
        *tokens_for("devicerequest"),
    ]
