"""Requests in a JWT that the client has signed: by value and by reference (OpenID Connect Core section 6, RFC 9101)."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server import outbound
from django_oauth_server.authorization.sources import request_uri as by_reference
from django_oauth_server.authorization.turn import Turn, read_turn
from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import review
from django_oauth_server.models import Authorization
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.registry import default_issuer, issuers
from tests.assertions import ISSUER, KEY, assertion, jwks, signed
from tests.factories import AuthorizationFactory, ClientFactory
from tests.flow import AUTHORIZE, Flow, answered
from tests.openid.conftest import read
from tests.outbound.server import WebServer, as_json

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

PAIRS = {alg: SigningKeyPair.generate(alg) for alg in ("RS256", "PS256", "EdDSA")} | {"ES256": KEY}
FOREIGN = SigningKeyPair.generate("ES256")
OTHER_URI = "https://rp.example/other"
BARE: dict[str, Any] = dict.fromkeys(
    ("response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
)
"""A query with nothing in it but the client."""


@pytest.fixture
def relying_party(relying_party: Any) -> Any:
    return registered(relying_party, jwks=jwks(*PAIRS.values()))


@pytest.fixture
def remembered(relying_party: Any, user: Any) -> Any:
    """The person allowed everything before, so that the answer comes at once."""
    return AuthorizationFactory(client=relying_party, user=user)


@pytest.fixture
def strict(relying_party: Any) -> Any:
    return registered(relying_party, require_signed_request_object=True)


def registered(client: Any, **metadata: Any) -> Any:
    client.metadata |= metadata
    client.save()
    return client


def whole(client: Any, **said: Any) -> dict[str, Any]:
    """All of a request, as claims. One set to None is left out."""
    claims = {
        "iss": client.client_id,
        "aud": ISSUER,
        "client_id": client.client_id,
        "response_type": "code",
        "redirect_uri": client.redirect_uris[0],
        "scope": "openid",
        "state": "signed",
    }
    return {name: value for name, value in (claims | said).items() if value is not None}


def request_object(
    client: Any, pair: SigningKeyPair = KEY, /, header: dict[str, Any] | None = None, **said: Any
) -> str:
    return signed(whole(client, **said), pair, **({"typ": "JWT"} | (header or {})))


def page_of(response: HttpResponse) -> str:
    assert response.status_code == 400, response
    assert "Location" not in response
    return response.content.decode()


def next_of(response: HttpResponse) -> str:
    """The address to come back to, from the sign-in page."""
    assert urlsplit(response["Location"]).path == "/accounts/login/"
    return dict(parse_qsl(urlsplit(response["Location"]).query))["next"]


# -- what counts -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement(25)
@pytest.mark.spec("OpenID Connect Core", "6.1")
def test_what_the_object_says_wins_over_the_query(rp: Flow, remembered: Any) -> None:
    jwt = request_object(rp.client, nonce="inside")
    response = rp.authorize(request=jwt, scope="openid email", state="outside", nonce="outside")
    assert answered(response)["state"] == "signed"
    tokens = rp.exchange(answered(response)["code"]).json()
    assert read(tokens["id_token"])["nonce"] == "inside"
    assert tokens.get("scope", "openid") == "openid"


@pytest.mark.spec("OpenID Connect Core", "6.1")
def test_what_it_does_not_say_the_query_says(rp: Flow, remembered: Any) -> None:
    response = rp.authorize(request=request_object(rp.client, state=None, scope=None), scope="openid", nonce="n")
    assert answered(response)["state"] == "xyz"
    assert read(rp.exchange(answered(response)["code"]).json()["id_token"])["nonce"] == "n"


OWN_TYPE = pytest.mark.parametrize(
    "typ", ["oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "OAuth-Authz-Req+JWT"]
)


@OWN_TYPE
@pytest.mark.spec("RFC 9101", "6.3")
def test_beside_an_object_of_its_own_type_nothing_counts(rp: Flow, remembered: Any, typ: str) -> None:
    jwt = request_object(rp.client, header={"typ": typ}, state=None)
    beside = {"scope": "openid email", "nonce": "n", "max_age": "0", "prompt": "login", "response_mode": "fragment"}
    response = rp.authorize(request=jwt, response_type="code id_token", state="outside", **beside)
    assert "#" not in response["Location"]
    assert answered(response).keys() == {"code", "iss", "session_state"}
    assert "nonce" not in read(rp.exchange(answered(response)["code"], code_verifier=None).json()["id_token"])


@OWN_TYPE
@pytest.mark.spec("RFC 9101", "6.3")
@pytest.mark.parametrize(("left_out", "error"), [("response_type", "invalid_request"), ("scope", "invalid_scope")])
def test_nor_does_it_complete_one(rp: Flow, remembered: Any, typ: str, left_out: str, error: str) -> None:
    rp.client.metadata |= {"scope": "openid"}
    rp.client.save()
    jwt = request_object(rp.client, header={"typ": typ}, **{left_out: None})
    refusal = answered(rp.authorize(request=jwt, scope="openid"))
    assert (refusal["error"], refusal["state"]) == (error, "signed")


@OWN_TYPE
@pytest.mark.spec("RFC 9101", "6.3")
def test_nor_does_a_redirect_uri_outside_it(rp: Flow, remembered: Any, typ: str) -> None:
    page = page_of(rp.authorize(request=request_object(rp.client, header={"typ": typ}, redirect_uri=None)))
    assert "redirect_uri" in page


@OWN_TYPE
@pytest.mark.spec("RFC 9101", "5")
def test_its_client_is_still_the_one_of_the_query(rp: Flow, remembered: Any, typ: str) -> None:
    jwt = request_object(rp.client, header={"typ": typ}, client_id="another")
    assert answered(rp.authorize(request=jwt))["error"] == "invalid_request_object"


@pytest.mark.spec("RFC 9101", "5")
def test_beside_the_client_nothing_need_be_in_the_query(rp: Flow, remembered: Any) -> None:
    assert answered(rp.authorize(**BARE, request=request_object(rp.client)))["state"] == "signed"
    assert answered(rp.authorize(method="post", **BARE, request=request_object(rp.client)))["state"] == "signed"


@pytest.mark.requirement(8)
@pytest.mark.requirement(25)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", sorted(PAIRS))
@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "application/oauth-authz-req+jwt", "JWT", None])
def test_it_may_be_signed_with_what_is_offered(rp: Flow, remembered: Any, alg: str, typ: str | None) -> None:
    jwt = request_object(rp.client, PAIRS[alg], header={"typ": typ})
    assert answered(rp.authorize(request=jwt))["state"] == "signed"


@pytest.mark.requirement(8)
def test_what_is_offered_is_advertised(client: Browser) -> None:
    document = client.get("/.well-known/openid-configuration").json()
    assert document["request_object_signing_alg_values_supported"] == ["RS256", "ES256", "PS256", "EdDSA", "Ed25519"]
    assert document["request_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is True
    assert document["require_request_uri_registration"] is True


def test_the_redirect_uri_may_be_inside_alone(rp: Flow, remembered: Any) -> None:
    registered(rp.client, redirect_uris=["https://rp.example/callback", OTHER_URI])
    response = rp.authorize(**BARE, request=request_object(rp.client, redirect_uri=OTHER_URI))
    assert response["Location"].startswith(f"{OTHER_URI}?")


@pytest.mark.spec("RFC 9101", "4")
def test_values_may_be_json(rp: Flow, user: Any, remembered: Any) -> None:
    user.email = "alice@example.com"
    user.save()
    jwt = request_object(
        rp.client,
        scope="openid email",
        claims={"id_token": {"email": {"essential": True}}},
        max_age=3600,
        resource=["https://api.example/notes", "https://api.example/mail"],
        nonce=None,
        display={"unknown": [1]},
        something_else="\0",
    )
    remembered.resources = ["https://api.example/notes", "https://api.example/mail"]
    remembered.save()
    code = answered(rp.authorize(request=jwt))["code"]
    tokens = rp.exchange(code, resource="https://api.example/notes").json()
    assert read(tokens["id_token"])["email"] == "alice@example.com"


def test_who_is_asked_is_asked_for_what_is_inside(rp: Flow) -> None:
    page = rp.authorize(request=request_object(rp.client, scope="openid notes:read"), scope="openid notes:write")
    words = page.content.decode().lower()
    assert "see your notes" in words and "delete your notes" not in words
    assert answered(rp.decide(page))["state"] == "signed"
    assert Authorization.objects.get().scopes == {"openid", "notes:read"}


def test_the_language_may_be_asked_for_inside(rp: Flow, settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    page = rp.authorize(request=request_object(rp.client, ui_locales="de"))
    assert page.cookies["django_language"].value == "de"


def test_the_keys_may_be_published(rp: Flow, remembered: Any, server: WebServer) -> None:
    server.pages["/jwks"] = as_json(jwks(KEY))
    rp.client.metadata.pop("jwks")
    registered(rp.client, jwks_uri=server.url("/jwks"))
    assert answered(rp.authorize(request=request_object(rp.client)))["state"] == "signed"
    server.pages["/jwks"] = (404, {}, b"")
    assert server.calls["/jwks"] == 1


# -- what is refused ---------------------------------------------------------------------------------------------------

NOW = int(time.time())


@pytest.mark.requirement(25)
@pytest.mark.spec("OpenID Connect Core", "6.1")
@pytest.mark.spec("RFC 9101", "6.3")
@pytest.mark.parametrize(
    "said",
    [
        {"iss": "another"},
        {"iss": 7},
        {"aud": "https://other.example"},
        {"aud": []},
        {"aud": {"https://as.example": 1}},
        {"aud": f"{ISSUER}/"},
        {"exp": NOW - 1},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": float("nan")},
        {"nbf": NOW + 3600},
        {"nbf": "now"},
        {"client_id": "another"},
        {"client_id": ["client"]},
        {"response_type": "code id_token"},
        {"response_type": ["code"]},
        {"request": "x"},
        {"request": ""},
        {"request_uri": "https://rp.example/object"},
        {"state": "\0"},
        {"state": "\ud800"},
        {"state": float("inf")},
    ],
)
def test_what_the_object_must_not_say(rp: Flow, remembered: Any, said: dict[str, Any]) -> None:
    refusal = answered(rp.authorize(request=request_object(rp.client, **said)))
    assert refusal["error"] == "invalid_request_object"
    assert refusal["state"] == "xyz"


@pytest.mark.parametrize(
    "said",
    [
        {"iss": None, "aud": None, "client_id": None},
        {"aud": ["https://other.example", ISSUER]},
        {"exp": NOW + 3600, "nbf": NOW - 60, "iat": NOW, "jti": "x"},
        {"nbf": NOW + 8},
        {"exp": 10**400},
        {"sub": "somebody"},
        {"response_type": None},
    ],
)
def test_what_it_may_say_and_leave_out(rp: Flow, remembered: Any, said: dict[str, Any]) -> None:
    assert answered(rp.authorize(request=request_object(rp.client, **said)))["state"] == "signed"


@pytest.mark.spec("RFC 9101", "10.8")
def test_a_client_assertion_is_no_request_object(rp: Flow) -> None:
    refusal = answered(rp.authorize(request=assertion(rp.client)))
    assert refusal["error"] == "invalid_request_object"


def unsigned(client: Any, **said: Any) -> str:
    parts = ({"alg": "none"}, whole(client, **said))
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def tampered(client: Any) -> str:
    header, _, signature = request_object(client).split(".")
    return f"{header}.{unsigned(client, state='tampered').split('.')[1]}.{signature}"


@pytest.mark.requirement(8)
@pytest.mark.requirement(25)
@pytest.mark.parametrize(
    "make",
    [
        unsigned,
        tampered,
        lambda client: request_object(client, FOREIGN),
        lambda client: request_object(client, FOREIGN, header={"kid": KEY.kid}),
        lambda client: request_object(client, header={"typ": "at+jwt"}),
        lambda client: request_object(client, header={"typ": "client-authentication+jwt"}),
        lambda client: "junk",
        lambda client: "a.b.c.d.e",
        lambda client: "..",
    ],
    ids=["none", "tampered", "foreign", "kid", "at+jwt", "assertion", "junk", "encrypted", "dots"],
)
def test_what_the_client_has_not_signed_is_refused(rp: Flow, make: Callable[[Any], str]) -> None:
    assert answered(rp.authorize(request=make(rp.client)))["error"] == "invalid_request_object"


def test_a_client_without_keys_signs_nothing(rp: Flow) -> None:
    del rp.client.metadata["jwks"]
    rp.client.save()
    assert answered(rp.authorize(request=request_object(rp.client)))["error"] == "invalid_request_object"


@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "2")
def test_a_client_is_held_to_the_algorithm_that_it_registered(rp: Flow, remembered: Any) -> None:
    registered(rp.client, request_object_signing_alg="PS256")
    assert answered(rp.authorize(request=request_object(rp.client)))["error"] == "invalid_request_object"
    assert answered(rp.authorize(request=request_object(rp.client, PAIRS["PS256"])))["code"]


@pytest.mark.spec("RFC 9101", "5")
@pytest.mark.parametrize(
    "query", ["request=a&request_uri=https://rp.example/o", "request=a&request=b", "request_uri=a&request_uri=b"]
)
def test_there_is_one_object_or_none(rp: Flow, query: str) -> None:
    rest = {"client_id": rp.client.client_id, "redirect_uri": rp.redirect_uri, "response_type": "code"}
    refusal = answered(rp.browser.get(f"{AUTHORIZE}?{query}&{urlencode(rest)}"))
    assert refusal["error"] == "invalid_request"


def test_beside_an_object_nothing_is_repeated(rp: Flow) -> None:
    query = {"client_id": rp.client.client_id, "redirect_uri": rp.redirect_uri, "request": request_object(rp.client)}
    refusal = answered(rp.browser.get(f"{AUTHORIZE}?{urlencode(query)}&state=a&state=b"))
    assert refusal["error"] == "invalid_request"


@pytest.mark.requirement(25)
@pytest.mark.parametrize("name", ["request", "request_uri"])
@pytest.mark.parametrize("value", ["junk", "https://rp.example/object"])
def test_where_it_is_not_offered_a_client_is_told(browser: Browser, settings: Any, name: str, value: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}}
    flow = Flow(ClientFactory(), browser)
    refusal = answered(flow.authorize(scope="notes:read", **{name: value}))
    assert refusal["error"] == f"{name}_not_supported"
    assert "request_parameter_supported" not in browser.get("/.well-known/oauth-authorization-server").json()


@pytest.mark.requirement(14)
def test_nobody_is_sent_to_where_only_a_refused_object_says(rp: Flow) -> None:
    registered(rp.client, redirect_uris=["https://rp.example/callback", OTHER_URI])
    refused = request_object(rp.client, FOREIGN, redirect_uri=OTHER_URI)
    assert "invalid_request_object" in page_of(rp.authorize(**BARE, request=refused))
    assert "invalid_request_object" in page_of(rp.authorize(request=refused, redirect_uri="https://evil.example"))
    assert answered(rp.authorize(request=refused))["error"] == "invalid_request_object"


@pytest.mark.requirement(14)
def test_nobody_is_sent_to_what_is_not_registered_however_it_is_signed(rp: Flow) -> None:
    page_of(rp.authorize(request=request_object(rp.client, redirect_uri="https://evil.example/callback")))


def test_what_is_asked_for_inside_is_judged_as_ever(rp: Flow, remembered: Any) -> None:
    def refusal(**said: Any) -> str:
        return answered(rp.authorize(request=request_object(rp.client, **said)))["error"]

    assert refusal(scope="notes:read admin") == "invalid_scope"
    assert refusal(scope=["openid"]) == "invalid_scope"
    assert refusal(prompt="none login") == "invalid_request"
    assert refusal(max_age="soon") == "invalid_request"
    assert refusal(resource="https://unknown.example") == "invalid_target"


def test_an_object_is_never_logged(rp: Flow, caplog: pytest.LogCaptureFixture) -> None:
    jwt = request_object(rp.client, FOREIGN, login_hint="alice@example.com")
    with caplog.at_level(logging.DEBUG, "django_oauth_server"):
        rp.authorize(request=jwt)
        rp.authorize(request=request_object(rp.client, aud="x"))
    assert "invalid_request_object" in caplog.text
    assert not any(part in caplog.text for part in jwt.split("."))


@pytest.mark.spec("RFC 9700", "4.11.2")
def test_who_is_not_signed_in_is_not_sent_away_by_a_bad_object(relying_party: Any, user: Any) -> None:
    flow = Flow(relying_party, Browser())
    back = next_of(flow.authorize(request="junk"))
    flow.browser.force_login(user)
    assert answered(flow.browser.get(back))["error"] == "invalid_request_object"


# -- who signs, signs all ----------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9101", "10.5")
def test_who_demands_signatures_is_asked_for_one(rp: Flow, strict: Any) -> None:
    for params in (
        {},
        {"turn": "x"},
        {"turn": Turn(taken_up=True).seal(Parameters([("state", "x")]), default_issuer())},
    ):
        assert answered(rp.authorize(scope="openid", **params))["error"] == "invalid_request"
    assert rp.authorize(request=request_object(strict)).status_code == 200


@pytest.mark.spec("RFC 9101", "6.3")
def test_of_who_demands_signatures_nothing_else_counts(rp: Flow, strict: Any, remembered: Any) -> None:
    response = rp.authorize(request=request_object(strict, state=None), state="added", prompt="consent")
    assert "state" not in answered(response)
    missing = rp.authorize(request=request_object(strict, scope=None), scope="openid email")
    assert answered(missing)["error"] == "invalid_scope"


@pytest.mark.parametrize("said", [{}, {"prompt": "login"}, {"max_age": 10}, {"prompt": "select_account consent"}])
def test_an_object_is_read_once_whatever_becomes_of_it_while_a_person_signs_in(
    strict: Any, user: Any, said: dict[str, Any]
) -> None:
    flow = Flow(strict, Browser())
    back = next_of(flow.authorize(**BARE, request=request_object(strict, **said)))
    registered(strict, jwks=jwks(FOREIGN))
    flow.browser.force_login(user)
    assert answered(flow.decide(flow.browser.get(back)))["state"] == "signed"


def test_what_comes_back_is_what_was_signed(strict: Any, user: Any) -> None:
    flow = Flow(strict, Browser())
    back = next_of(flow.authorize(**BARE, request=request_object(strict)))
    flow.browser.force_login(user)
    for changed in (back.replace("scope=openid", "scope=openid+email"), back + "&prompt=none", back + "&nonce=n"):
        assert changed != back
        assert answered(flow.browser.get(changed))["error"] == "invalid_request"
    assert flow.browser.get(back).status_code == 200


def test_choosing_another_account_keeps_the_signature(rp: Flow, strict: Any, user: Any) -> None:
    page = rp.authorize(**BARE, request=request_object(strict, prompt="select_account"))
    chosen = rp.decide(page, "continue")
    consent = rp.browser.get(chosen["Location"])
    assert answered(rp.decide(consent))["state"] == "signed"
    page = rp.authorize(**BARE, request=request_object(strict, prompt="select_account"))
    back = next_of(rp.decide(page, "switch"))
    rp.browser.force_login(user)
    assert answered(rp.browser.get(back))["state"] == "signed"


def test_an_answer_that_means_nothing_asks_anew_with_the_signature(rp: Flow, strict: Any) -> None:
    page = rp.authorize(**BARE, request=request_object(strict))
    anew = rp.browser.get(rp.decide(page, "perhaps")["Location"])
    assert answered(rp.decide(anew, "deny"))["error"] == "access_denied"


def test_a_waiting_request_is_refused_where_the_client_demands_signatures_by_now(rp: Flow) -> None:
    page = rp.authorize(scope="openid")
    registered(rp.client, require_signed_request_object=True)
    assert answered(rp.decide(page))["error"] == "invalid_request"


def test_what_was_signed_for_one_issuer_was_not_for_another(settings: Any) -> None:
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, settings.OAUTH_SERVER | {"issuer": "https://as.example/tenants/a"}]
    one, other = issuers()
    params = Parameters([("client_id", "same"), ("state", "x")])
    assert read_turn(Turn(taken_up=True).seal(params, one), params, one).taken_up
    assert not read_turn(Turn(taken_up=True).seal(params, one), params, other).taken_up


# -- by reference ------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(certificate: Path, settings: Any) -> Iterator[WebServer]:
    """The relying party's own."""
    server = WebServer(certificate)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "outbound_private_hosts": [f"127.0.0.1:{server.port}"],
        "outbound_ca_bundle": str(certificate),
    }
    yield server
    server.stop()


@pytest.fixture
def published(server: WebServer, relying_party: Any) -> Callable[..., str]:
    """Puts a request object on the server, at an address that is registered; returns that, with the digest."""
    registered(relying_party, request_uris=[server.url("/object")])

    def publish(**said: Any) -> str:
        jwt = request_object(relying_party, **said)
        server.pages["/object"] = (200, {"Content-Type": "application/oauth-authz-req+jwt"}, jwt.encode())
        return f"{server.url('/object')}#{digest_of(jwt)}"

    return publish


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Put the clock by which answers are kept forward."""
    passed, real = 0.0, time.monotonic

    def put_forward(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(by_reference, "monotonic", lambda: real() + passed)
    outbound.forget()
    return put_forward


def digest_of(content: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()


@pytest.mark.requirement(25)
@pytest.mark.spec("OpenID Connect Core", "6.2")
def test_an_object_may_be_fetched(rp: Flow, remembered: Any, published: Any, server: WebServer) -> None:
    address = published()
    assert answered(rp.authorize(request_uri=address, state="outside"))["state"] == "signed"
    assert answered(rp.authorize(**BARE, request_uri=address.partition("#")[0]))["state"] == "signed"
    assert server.asked[0][1]["accept"].startswith("application/oauth-authz-req+jwt")


@pytest.mark.spec("RFC 9101", "6.3")
def test_beside_a_fetched_one_of_its_own_type_nothing_counts(rp: Flow, remembered: Any, published: Any) -> None:
    address = published(header={"typ": "oauth-authz-req+jwt"}, state=None)
    response = rp.authorize(request_uri=address, state="outside", scope="openid email")
    assert "state" not in answered(response)


def test_a_registered_fragment_means_nothing(rp: Flow, remembered: Any, published: Any) -> None:
    address = published()
    registered(rp.client, request_uris=[address])
    again = published(nonce="n")
    assert address != again
    assert answered(rp.authorize(request_uri=again))["state"] == "signed"


@pytest.mark.spec("OpenID Connect Core", "6.2")
def test_what_is_not_registered_is_not_asked(rp: Flow, published: Any, server: WebServer) -> None:
    address = published().partition("#")[0]
    for other in (f"{address}/", f"{address}?x=1", f"{address}x", address.upper(), "urn:x", "http://127.0.0.1/object"):
        assert answered(rp.authorize(request_uri=other))["error"] == "invalid_request_uri"
    rp.client.metadata.pop("request_uris")
    rp.client.save()
    assert answered(rp.authorize(request_uri=address))["error"] == "invalid_request_uri"
    assert not server.calls


@pytest.mark.requirement(25)
@pytest.mark.spec("OpenID Connect Core", "6.2")
def test_a_fragment_need_not_be_the_digest_of_what_is_found(
    rp: Flow, remembered: Any, published: Any, server: WebServer
) -> None:
    """A client registers it before it knows what it will ask for; what is found is signed."""
    address = published().partition("#")[0] + "#" + digest_of("something else")
    registered(rp.client, request_uris=[address])
    for _ in range(2):
        assert answered(rp.authorize(request_uri=address))["state"] == "signed"
    assert server.calls["/object"] == 1


def test_fragments_that_anybody_makes_up_have_no_address_asked_more_often_and_keep_nobody_from_being_answered(
    rp: Flow, remembered: Any, published: Any, server: WebServer, later: Any
) -> None:
    address, other = published(state="first").partition("#")[0], digest_of("something else")
    for fragment in ("a", other, "b", "c", other):
        assert answered(rp.authorize(request_uri=f"{address}#{fragment}"))["state"] == "first"
    assert server.calls["/object"] == 1
    published(state="second")
    later(by_reference.PAUSE + 0.1)
    assert answered(rp.authorize(request_uri=f"{address}#{other}"))["state"] == "second"
    assert server.calls["/object"] == 2


@pytest.mark.spec("RFC 9101", "10.4")
@pytest.mark.parametrize(
    "page",
    [
        (404, {}, b""),
        (302, {"Location": "https://127.0.0.1/object"}, b""),
        (200, {}, b"x" * 70_000),
        (200, {"X-Drip": "yes"}, b"x" * 1000),
    ],
    ids=["missing", "redirect", "too long", "slow"],
)
def test_an_address_that_plays_tricks(rp: Flow, published: Any, server: WebServer, settings: Any, page: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=0.5)}
    address = published().partition("#")[0]
    server.pages["/object"] = page
    assert answered(rp.authorize(request_uri=address))["error"] == "invalid_request_uri"


def test_the_inner_network_is_not_asked(rp: Flow, published: Any, server: WebServer, settings: Any) -> None:
    address = published()
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": []}
    assert answered(rp.authorize(request_uri=address))["error"] == "invalid_request_uri"
    assert not server.connected


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff\xfe", b"{}"])
def test_what_is_found_and_is_no_object(rp: Flow, published: Any, server: WebServer, content: bytes) -> None:
    address = published().partition("#")[0]
    server.pages["/object"] = (200, {}, content)
    assert answered(rp.authorize(request_uri=address))["error"] == "invalid_request_object"


def test_an_address_is_not_asked_by_everybody_who_comes(
    rp: Flow, remembered: Any, published: Any, server: WebServer, later: Any
) -> None:
    address = published()
    for uri in (address, address, address.partition("#")[0], f"{address}x"):
        rp.authorize(request_uri=uri)
    assert server.calls["/object"] == 1
    later(by_reference.PAUSE + 0.1)
    assert answered(rp.authorize(request_uri=address))["code"]
    assert server.calls["/object"] == 2


def test_what_an_address_lets_be_kept_is_kept(
    rp: Flow, remembered: Any, published: Any, server: WebServer, later: Any
) -> None:
    address = published()
    status, headers, body = server.pages["/object"]
    server.pages["/object"] = (status, {**headers, "Cache-Control": "max-age=3600"}, body)
    rp.authorize(request_uri=address)
    later(by_reference.LONGEST_KEPT - 5)
    rp.authorize(request_uri=address)
    assert server.calls["/object"] == 1
    later(10)
    rp.authorize(request_uri=address)
    assert server.calls["/object"] == 2


@pytest.mark.spec("OpenID Connect Core", "6.2")
def test_another_fragment_says_that_there_is_something_new(
    rp: Flow, remembered: Any, published: Any, server: WebServer, later: Any
) -> None:
    first = published(state="first")
    status, headers, body = server.pages["/object"]
    server.pages["/object"] = (status, {**headers, "Cache-Control": "max-age=3600"}, body)
    assert answered(rp.authorize(request_uri=first))["state"] == "first"
    second = published(state="second")
    later(by_reference.PAUSE + 0.1)
    assert answered(rp.authorize(request_uri=second))["state"] == "second"


def test_an_address_that_fails_is_left_alone_for_a_moment(
    rp: Flow, remembered: Any, published: Any, server: WebServer, later: Any
) -> None:
    address = published()
    good, server.pages["/object"] = server.pages["/object"], (500, {}, b"")
    for _ in range(3):
        assert answered(rp.authorize(request_uri=address))["error"] == "invalid_request_uri"
    assert server.calls["/object"] == 1
    server.pages["/object"] = good
    later(by_reference.PAUSE + 0.1)
    assert answered(rp.authorize(request_uri=address))["code"]


def test_what_was_fetched_is_not_fetched_again_when_somebody_has_signed_in(
    strict: Any, user: Any, published: Any, server: WebServer
) -> None:
    flow = Flow(strict, Browser())
    back = next_of(flow.authorize(**BARE, request_uri=published()))
    outbound.forget()
    server.pages.clear()
    flow.browser.force_login(user)
    assert answered(flow.decide(flow.browser.get(back)))["state"] == "signed"
    assert server.calls["/object"] == 1


# -- what a client may register ----------------------------------------------------------------------------------------


@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "2")
@pytest.mark.parametrize(
    "metadata, member",
    [
        ({"request_uris": ["http://rp.example/object"]}, "request_uris"),
        ({"request_uris": ["https://rp.example/object#part"]}, "request_uris"),
        ({"request_uris": ["/object"]}, "request_uris"),
        ({"request_uris": "https://rp.example/object"}, "request_uris"),
        ({"request_object_signing_alg": "none"}, "request_object_signing_alg"),
        ({"request_object_signing_alg": "HS256"}, "request_object_signing_alg"),
        ({"require_signed_request_object": "yes"}, "require_signed_request_object"),
        ({"require_signed_request_object": True}, "jwks"),
        ({"require_signed_request_object": True, "jwks": jwks(KEY)}, ""),
        ({"request_uris": ["https://rp.example/object", f"https://rp.example/o#{digest_of('')}"]}, ""),
        ({"request_object_signing_alg": "RS256"}, ""),
    ],
)
def test_what_a_client_may_register(metadata: dict[str, Any], member: str) -> None:
    document = {"redirect_uris": ["https://rp.example/callback"], "scope": "openid"} | metadata
    _, refusals = review(document, terms_of(default_issuer()), operator=False)
    assert set(refusals) == ({member} if member else set())
