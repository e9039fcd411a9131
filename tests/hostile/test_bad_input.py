"""Bad input gets its standard error, never a 500, and changes nothing."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.test import Client as Browser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import ClientFactory, UserFactory
from tests.flow import AUTHORIZE, INTROSPECT, REVOKE, TOKEN, VERIFIER, Flow

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
MACHINE = [TOKEN, REVOKE, INTROSPECT]
PUBLIC = ["/oauth/jwks", "/.well-known/oauth-authorization-server"]
BOUNDED = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def everything() -> list[Any]:
    models = apps.get_app_config("django_oauth_server").get_models()
    return [row for model in models for row in model.objects.order_by("pk").values()]


@pytest.fixture
def caller() -> Flow:
    """A confidential client that may use every grant, and a browser that shows 500s instead of raising them."""
    browser = Browser(raise_request_exception=False)
    browser.force_login(UserFactory())
    client = ClientFactory(metadata__grant_types=["authorization_code", "refresh_token", "client_credentials"])
    flow = Flow(client, browser)
    flow.server = Browser(raise_request_exception=False)
    return flow


@pytest.fixture
def unchanged(caller: Flow) -> Iterator[None]:
    """Whatever the test sends, no row comes, goes or changes."""
    flow_code = caller.code()
    caller.exchange(flow_code)
    before = everything()
    yield
    assert everything() == before


def basic(raw: bytes) -> str:
    return "Basic " + base64.b64encode(raw).decode()


BODIES = [
    b"",
    b"%",
    b"grant_type=%zz",
    b"grant_type=%ff%fe",
    b"grant_type=%00client_credentials",
    b"grant_type=client_credentials%00",
    b"grant_type=client_credentials&grant_type=client_credentials",
    b"grant_type=client_credentials&scope=a&scope=b",
    b"grant_type=&token=",
    b"token=a&token=b",
    b"token=%",
    b"token=%c3%28",
    b"\xff\xfe=\xff",
    b"=&=&=",
    b"&" * 5000,
    b"grant_type=" + b"x" * 1_000_000,
    b"token=" + b"x" * 3_000_000,
    b"a=" * 60_000,
    b'{"grant_type": "client_credentials"}',
]


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("body", BODIES, ids=[str(number) for number in range(len(BODIES))])
def test_malformed_bodies(caller: Flow, endpoint: str, body: bytes) -> None:
    headers = {"Authorization": basic(f"{caller.client.client_id}:{caller.client.secret}".encode())}
    response = caller.server.generic("POST", endpoint, body, content_type=FORM, headers=headers)
    assert response.status_code in {400, 401}
    assert response.json()["error"] in {"invalid_request", "invalid_client", "unsupported_grant_type"}


@pytest.mark.spec("RFC 6749", "3.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", "", "nonsense", "x" * 500]
)
def test_other_content_types(caller: Flow, endpoint: str, content_type: str) -> None:
    response = caller.server.generic(
        "POST", endpoint, b"grant_type=client_credentials&token=x", content_type=content_type
    )
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


HEADERS = [
    "Basic",
    "Basic ",
    "Basic !!!",
    "Basic é",
    basic(b"no colon"),
    basic(b":"),
    basic(b"a:b"),
    basic(b"\xff\xfe:\xff"),
    basic(b"%ff:%ff"),
    basic(b"%00:%00"),
    basic(b"a\x00b:c"),
    basic(b"%:%"),
    basic(b"x" * 100_000 + b":y"),
    "Basic  " + base64.b64encode(b"a:b").decode(),
    "Bearer x",
    "Digest x",
    "\x7f",
]


@pytest.mark.spec("RFC 6749", "2.3.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("header", HEADERS)
def test_broken_authorization_headers(caller: Flow, endpoint: str, header: str) -> None:
    response = caller.server.generic(
        "POST", endpoint, b"grant_type=client_credentials&token=x", content_type=FORM, headers={"Authorization": header}
    )
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", [*MACHINE, *PUBLIC])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "GET", "POST", "NONSENSE"])
def test_other_methods(caller: Flow, endpoint: str, method: str) -> None:
    if (method == "POST") == (endpoint in MACHINE) and method in {"POST", "GET"}:
        pytest.skip("its own method")
    response = caller.server.generic(method, endpoint)
    assert response.status_code == 405
    assert response["Allow"]


def test_queries_do_not_count_at_the_token_endpoint(caller: Flow) -> None:
    secret = urlencode(
        {
            "client_id": caller.client.client_id,
            "client_secret": caller.client.secret,
            "grant_type": "client_credentials",
        }
    )
    response = caller.server.generic("POST", f"{TOKEN}?{secret}", b"", content_type=FORM)
    assert response.status_code == 400


@pytest.mark.parametrize("handle", ["", "x", "\x00", "é", "x" * 100_000])
def test_made_up_decisions(caller: Flow, handle: str) -> None:
    response = caller.browser.post(f"{AUTHORIZE}/decision", {"interaction": handle, "decision": "allow"})
    assert response.status_code == 400


NAMES = st.sampled_from(
    ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "client_id", "client_secret",
     "token", "token_type_hint", "username", "password", "response_type", "response_mode", "state", "prompt", "code_challenge",
     "code_challenge_method", "user", "client", "scopes", "nonce", "request", "claims"]
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["authorization_code", "client_credentials", "refresh_token", "code", "token", "S256", "plain", "none", "consent", VERIFIER,
         "notes:read", "https://api.example/notes", "https://client.example/callback", "form_post", "query", "oas_at_x", "oas_rt_x", "a.b.c"]
    ),
)  # fmt: skip
PARAMETERS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@BOUNDED
@given(endpoint=st.sampled_from(MACHINE), parameters=PARAMETERS, authenticated=st.booleans())
def test_no_form_ever_breaks_an_endpoint(endpoint: str, parameters: list[tuple[str, str]], authenticated: bool) -> None:
    client = ClientFactory(metadata__grant_types=["authorization_code", "refresh_token"])
    headers = {"Authorization": basic(f"{client.client_id}:{client.secret}".encode())} if authenticated else {}
    body = urlencode(parameters, errors="replace")
    response = Browser(raise_request_exception=False).post(endpoint, body, content_type=FORM, headers=headers)
    assert response.status_code in {200, 400, 401}
    assert response.status_code != 200 or endpoint != TOKEN
    assert "error" in response.json() or response.json() in ({}, {"active": False})


@BOUNDED
@given(parameters=PARAMETERS)
def test_no_query_ever_breaks_the_authorization_endpoint(parameters: list[tuple[str, str]]) -> None:
    client = ClientFactory()
    browser = Browser(raise_request_exception=False)
    browser.force_login(UserFactory())
    known = [("client_id", client.client_id), ("redirect_uri", client.redirect_uris[0])]
    names = {name for name, _ in parameters}
    query = urlencode([*(pair for pair in known if pair[0] not in names), *parameters], errors="replace")
    response = browser.get(f"{AUTHORIZE}?{query}")
    assert response.status_code in {200, 303, 400}
    if response.status_code == 303:
        assert response["Location"].startswith(client.redirect_uris[0])


@BOUNDED
@given(raw=st.binary(max_size=200))
def test_no_bytes_ever_break_an_endpoint(raw: bytes) -> None:
    browser = Browser(raise_request_exception=False)
    for endpoint in MACHINE:
        assert browser.generic("POST", endpoint, raw, content_type=FORM).status_code in {400, 401}
    assert browser.get(AUTHORIZE, QUERY_STRING=raw.decode("latin-1")).status_code == 400
    assert browser.post(AUTHORIZE, raw, content_type=FORM).status_code == 400


@pytest.mark.parametrize("seed", range(40))
def test_a_mutated_request_buys_nothing_and_leaves_the_code_good(caller: Flow, seed: int) -> None:
    chance = random.Random(seed)
    code = caller.code()
    request = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": caller.redirect_uri,
        "code_verifier": VERIFIER,
    }
    name = chance.choice(list(request))
    at = chance.randrange(len(request[name]))
    other = chance.choice([one for one in "aZ9~%\x01é" if one != request[name][at]])
    mutated = request[name][:at] + other + request[name][at + 1 :]
    response = caller.token(**(request | {name: mutated}))
    assert response.status_code == 400
    assert caller.token(**request).status_code == 200
