"""Every endpoint to which clients post a form: bad input gets its standard error, never a 500, and changes nothing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.http import HttpResponse
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.endpoints.metadata import document
from django_oauth_server.protocol.parameters import MAX_LENGTH
from django_oauth_server.registry import default_issuer
from tests.flow import TOKEN, VERIFIER, Flow
from tests.hostile.conftest import everything
from tests.hostile.junk import BOUNDED, FORM, LENGTHS, MEANINGLESS, UNREADABLE, WRONG_TYPES, basic

OTHERS = {"authorization_endpoint", "end_session_endpoint", "registration_endpoint", "userinfo_endpoint"}
MACHINE = [
    urlsplit(str(url)).path
    for name, url in document(default_issuer()).items()
    if name.endswith("_endpoint") and name not in OTHERS
]
SENSIBLE = b"grant_type=client_credentials&scope=notes:read&token=x"


def proof(caller: Flow) -> str:
    return basic(f"{caller.client.client_id}:{caller.client.secret}".encode())


def post(caller: Flow, endpoint: str, body: bytes, content_type: str = FORM, **more: Any) -> HttpResponse:
    return caller.server.generic("POST", endpoint, body, content_type=content_type, **more)


def lacking(endpoint: str, response: HttpResponse) -> str:
    """What is told of a request that names nothing. A device's needs no parameter: where it can be read, its client is told that it may not ask."""
    is_read = endpoint == "/oauth/device_authorization" and response.json()["error"] == "unauthorized_client"
    return "unauthorized_client" if is_read else "invalid_request"


def assert_refused(response: HttpResponse, status: int, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert set(response.json()) <= {"error", "error_description", "error_reference"}


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("authenticated", [True, False])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read(caller: Flow, endpoint: str, body: bytes, authenticated: bool) -> None:
    headers = {"Authorization": proof(caller)} if authenticated else {}
    status = 413 if len(body) > MAX_LENGTH else 400
    assert_refused(post(caller, endpoint, body, headers=headers), status, "invalid_request")


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("body", MEANINGLESS.values(), ids=MEANINGLESS.keys())
def test_what_names_nothing_that_is_needed(caller: Flow, endpoint: str, body: bytes) -> None:
    response = post(caller, endpoint, body, headers={"Authorization": proof(caller)})
    unknown = (endpoint, body) == (TOKEN, MEANINGLESS["semicolons"])
    assert_refused(response, 400, "unsupported_grant_type" if unknown else lacking(endpoint, response))


@pytest.mark.spec("RFC 6749", "3.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("name", ["grant_type", "scope", "token", "client_id", "anything", "%C3%BC"])
def test_what_is_said_twice(caller: Flow, endpoint: str, name: str) -> None:
    twice = f"&{name}=x&{name}=x".encode()
    response = post(caller, endpoint, SENSIBLE + twice, headers={"Authorization": proof(caller)})
    assert_refused(response, 400, "invalid_request")


@pytest.mark.spec("RFC 6749", "3.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("content_type", WRONG_TYPES.values(), ids=WRONG_TYPES.keys())
def test_another_content_type(caller: Flow, endpoint: str, content_type: str) -> None:
    response = post(caller, endpoint, SENSIBLE, content_type, headers={"Authorization": proof(caller)})
    assert_refused(response, 400, "invalid_request")


@pytest.mark.spec("RFC 6749", "B")
@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "iso-8859-1", "utf-16", "utf-7", "nonsense"])
def test_a_form_is_utf_8_whatever_charset_it_names(caller: Flow, charset: str) -> None:
    body = SENSIBLE.replace(b"token=x", "token=ü".encode())
    response = post(caller, TOKEN, body, f"{FORM}; charset={charset}", headers={"Authorization": proof(caller)})
    assert response.status_code == 200


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS.keys())
def test_a_length_that_is_not_the_bodys(caller: Flow, endpoint: str, length: dict[str, Any]) -> None:
    response = post(caller, endpoint, SENSIBLE, headers={"Authorization": proof(caller)}, **length)
    huge = length == LENGTHS["huge"]
    assert_refused(response, 413 if huge else 400, "invalid_request" if huge else lacking(endpoint, response))


BROKEN = {
    "the scheme alone": "Basic",
    "nothing behind the scheme": "Basic ",
    "not base64": "Basic !!!",
    "not ASCII": "Basic \u00e9",
    "no colon": basic(b"no colon"),
    "a colon alone": basic(b":"),
    "nobody": basic(b"a:b"),
    "not UTF-8": basic(b"\xff\xfe:\xff"),
    "escapes that are not UTF-8": basic(b"%ff:%ff"),
    "escaped NULs": basic(b"%00:%00"),
    "NUL": basic(b"a\x00b:c"),
    "lone percent signs": basic(b"%:%"),
    "huge": basic(b"x" * 100_000 + b":y"),
    "a huge secret": basic(b"a:" + b"x" * 100_000),
    "two spaces": basic(b"a:b").replace(" ", "  "),
    "a tab": basic(b"a:b").replace(" ", "\t"),
    "lower case": basic(b"a:b").lower(),
    "two headers, joined": f"{basic(b'a:b')}, {basic(b'a:b')}",
    "parameters behind": basic(b"a:b") + ", realm=x",
    "Bearer": "Bearer x",
    "Digest": 'Digest username="x"',
    "no scheme": "YTpi",
    "DEL": "\x7f",
}


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
@pytest.mark.parametrize("header", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_authorization_header(caller: Flow, endpoint: str, header: str) -> None:
    response = post(caller, endpoint, SENSIBLE, headers={"Authorization": header})
    assert_refused(response, 401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.spec("RFC 6749", "2.3")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
def test_good_credentials_beside_others(caller: Flow, endpoint: str) -> None:
    doubled = post(caller, endpoint, SENSIBLE, headers={"Authorization": f"{proof(caller)}, {proof(caller)}"})
    assert_refused(doubled, 401, "invalid_client")
    both = SENSIBLE + f"&client_id={caller.client.client_id}&client_secret={caller.client.secret}".encode()
    assert_refused(post(caller, endpoint, both, headers={"Authorization": proof(caller)}), 400, "invalid_request")


@pytest.mark.spec("RFC 6749", "3.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("endpoint", MACHINE)
def test_the_query_does_not_count(caller: Flow, endpoint: str) -> None:
    said = {"client_id": caller.client.client_id, "client_secret": caller.client.secret, "token": "x"}
    query = urlencode(said | {"grant_type": "client_credentials", "scope": "notes:read"})
    assert post(caller, f"{endpoint}?{query}", b"").status_code in {400, 401}
    assert post(caller, f"{endpoint}?%zz=%00&\xff", b"").status_code in {400, 401}


TOKENS = {
    "dots": "..",
    "many dots": "." * 1000,
    "three words": "a.b.c",
    "not ASCII": "\u00e9.\u00e9.\u00e9",
    "no JSON": "eyJ.eyJ.eyJ",
    "empty header": "e30.e30.e30",
    "no algorithm": "eyJhbGciOiJub25lIn0.e30.",
    "header is a list": "W10.W10.W10",
    "header is a number": "MQ.MQ.MQ",
    "deep": "W" * 3000 + ".e30.e30",
    "a prefix alone": "oas_at_",
    "another prefix": "oas_cs_x",
    "control characters": "oas_at_\r\n\t\x7f",
    "emoji": "oas_rt_\U0001f600",
    "long": "oas_at_" + "x" * 50_000,
    "a long JWT": "a." + "x" * 50_000 + ".c",
    "SQL": "oas_at_' OR 1=1 --",
}


@pytest.mark.spec("RFC 7662", "2.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS.keys())
def test_a_token_that_somebody_made_up(caller: Flow, token: str) -> None:
    assert caller.introspect(token) == {"active": False}
    assert caller.revoke(token).status_code == 200
    assert caller.refresh(token).json()["error"] == "invalid_grant"
    assert caller.exchange(token).json()["error"] == "invalid_grant"


NAMES = st.sampled_from(
    ["grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "client_id", "client_secret",
     "token", "token_type_hint", "username", "password", "user", "client", "scopes", "request", "claims"]
)  # fmt: skip
VALUES = st.text(max_size=60) | st.sampled_from(
    ["authorization_code", "client_credentials", "refresh_token", "password", VERIFIER, "notes:read", "https://api.example/notes",
     "https://client.example/callback", "oas_at_x", "oas_rt_x", "oas_ac_x", "a.b.c"]
)  # fmt: skip


@BOUNDED
@given(
    endpoint=st.sampled_from(MACHINE),
    parameters=st.lists(st.tuples(NAMES, VALUES), max_size=8),
    header=st.sampled_from([None, "good", "Basic x", "Bearer x"]),
)
def test_no_form_ever_breaks_an_endpoint(
    caller: Flow, endpoint: str, parameters: list[tuple[str, str]], header: str | None
) -> None:
    before = everything()
    headers = {"Authorization": proof(caller) if header == "good" else header} if header else {}
    response = post(caller, endpoint, urlencode(parameters, errors="replace").encode(), headers=headers)
    if response.status_code == 200 and endpoint == TOKEN:
        assert dict(parameters)["grant_type"] == "client_credentials"
        assert header == "good"
    elif response.status_code == 200:
        assert response.json() in ({}, {"active": False})
        assert everything() == before
    else:
        assert response.status_code in {400, 401}
        assert response.json()["error"]
        assert everything() == before


@BOUNDED
@given(endpoint=st.sampled_from(MACHINE), raw=st.binary(max_size=300), header=st.binary(max_size=60))
def test_no_bytes_ever_break_an_endpoint(caller: Flow, endpoint: str, raw: bytes, header: bytes) -> None:
    before = everything()
    response = post(caller, endpoint, raw, headers={"Authorization": basic(header)})
    assert response.status_code in {400, 401}
    assert response.json()["error"] in {"invalid_request", "invalid_client", "unsupported_grant_type"}
    assert everything() == before
