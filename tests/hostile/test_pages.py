"""What people see: bad input shows them a page, redirects nobody, and changes nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.models import Authorization
from django_oauth_server.protocol.pkce import challenge_of
from tests.flow import AUTHORIZE, END_SESSION, VERIFIER, Flow
from tests.hostile.conftest import everything
from tests.hostile.junk import BOUNDED, FORM, LENGTHS, MEANINGLESS, MEGABYTE, UNREADABLE, WRONG_TYPES

DECISION = f"{AUTHORIZE}/decision"
CONNECTED = "/oauth/connected-apps/"
NOT_CONNECTED = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


def assert_page(response: HttpResponse, status: int = 400) -> None:
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    assert "Location" not in response


def assert_our_page(response: HttpResponse) -> None:
    assert_page(response)
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "no-store"


@pytest.mark.spec("RFC 6749", "4.1.2.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("junk", (UNREADABLE | MEANINGLESS).values(), ids=(UNREADABLE | MEANINGLESS).keys())
def test_junk_at_the_authorization_endpoint(caller: Flow, junk: bytes) -> None:
    assert_our_page(caller.browser.get(AUTHORIZE, QUERY_STRING=junk.decode("latin-1")))
    assert_our_page(caller.browser.generic("POST", AUTHORIZE, junk, content_type=FORM))


@pytest.mark.spec("RFC 6749", "4.1.2.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("junk", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_junk_behind_a_good_request(caller: Flow, junk: bytes) -> None:
    query = urlencode({"client_id": caller.client.client_id, "redirect_uri": caller.redirect_uri}) + "&"
    assert_our_page(caller.browser.get(AUTHORIZE, QUERY_STRING=query + junk.decode("latin-1")))


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("content_type", WRONG_TYPES.values(), ids=WRONG_TYPES.keys())
def test_another_content_type_at_the_authorization_endpoint(caller: Flow, content_type: str) -> None:
    body = urlencode({"client_id": caller.client.client_id, "response_type": "code"}).encode()
    assert_our_page(caller.browser.generic("POST", AUTHORIZE, body, content_type=content_type))


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS.keys())
def test_a_length_that_is_not_the_bodys(caller: Flow, length: dict[str, Any]) -> None:
    body = urlencode({"client_id": caller.client.client_id, "response_type": "code"}).encode()
    assert_our_page(caller.browser.generic("POST", AUTHORIZE, body, content_type=FORM, **length))


@pytest.mark.requirement(44)
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("junk", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_junk_at_the_end_session_endpoint(caller: Flow, junk: bytes) -> None:
    assert_our_page(caller.browser.get(END_SESSION, QUERY_STRING=junk.decode("latin-1")))
    assert_our_page(caller.browser.generic("POST", END_SESSION, junk, content_type=FORM))


@pytest.mark.spec("RFC 6749", "3.1")
def test_the_body_of_a_get_and_the_query_of_a_post_do_not_count(caller: Flow) -> None:
    said = urlencode({"client_id": caller.client.client_id, "response_type": "code"})
    assert_our_page(caller.browser.generic("GET", AUTHORIZE, said.encode(), content_type=FORM))
    assert_our_page(caller.browser.generic("POST", f"{AUTHORIZE}?{said}", b"", content_type=FORM))


HANDLES = {
    "none": None,
    "empty": "",
    "made up": "oas_in_x",
    "NUL": "\x00",
    "not ASCII": "\u00e9",
    "emoji": "\U0001f600" * 40,
    "long": "x" * 100_000,
    "longer": "x" * MEGABYTE,
    "a list": ["a", "b"],
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("handle", HANDLES.values(), ids=HANDLES.keys())
@pytest.mark.parametrize("decision", ["allow", "deny", "switch", "", "\x00", "ALLOW"])
def test_a_decision_about_nothing(caller: Flow, handle: Any, decision: str) -> None:
    form = {"decision": decision} if handle is None else {"decision": decision, "interaction": handle}
    assert_our_page(caller.browser.post(DECISION, urlencode(form, doseq=True), content_type=FORM))


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("junk", (UNREADABLE | MEANINGLESS).values(), ids=(UNREADABLE | MEANINGLESS).keys())
def test_junk_as_a_decision(caller: Flow, junk: bytes) -> None:
    assert_page(caller.browser.generic("POST", DECISION, junk, content_type=FORM))


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("content_type", WRONG_TYPES.values(), ids=WRONG_TYPES.keys())
def test_another_content_type_as_a_decision(caller: Flow, content_type: str) -> None:
    assert_page(caller.browser.generic("POST", DECISION, b"interaction=x&decision=allow", content_type=content_type))


@pytest.mark.parametrize("answer", ["", "perhaps", "\x00", "ALLOW", "x" * 10_000])
def test_a_decision_that_is_none_is_asked_anew(caller: Flow, answer: str) -> None:
    page = caller.authorize(prompt="consent")
    before = everything()
    response = caller.decide(page, answer)
    assert response.status_code == 303
    assert urlsplit(response["Location"]).path == AUTHORIZE
    assert everything() == before


def test_somebody_elses_page_is_asked_anew(caller: Flow, admin_user: Any) -> None:
    page, before = caller.authorize(prompt="consent"), len(Authorization.objects.all())
    caller.browser = Browser(raise_request_exception=False)
    caller.browser.force_login(admin_user)
    assert urlsplit(caller.decide(page)["Location"]).path == AUTHORIZE
    assert len(Authorization.objects.all()) == before


@pytest.mark.spec("OAuth 2.1", "7.11")
@pytest.mark.parametrize("path", [DECISION, f"/oauth/connected-apps/{NOT_CONNECTED}/remove"])
def test_another_site_cannot_decide(caller: Flow, path: str) -> None:
    strict = Browser(enforce_csrf_checks=True, raise_request_exception=False)
    strict.cookies = caller.browser.cookies
    before = everything()
    assert strict.post(path, {"interaction": "x", "decision": "allow"}).status_code == 403
    assert everything() == before


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("junk", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_junk_at_connected_apps_is_ignored(caller: Flow, junk: bytes) -> None:
    assert_page(caller.browser.get(CONNECTED, QUERY_STRING=junk.decode("latin-1")), 200)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "name", [NOT_CONNECTED, "x", "%00", "%ff", "..", "x" * 5000, "00000000-0000-0000-0000-00000000000g"]
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_app_that_is_not_connected(caller: Flow, name: str, method: str) -> None:
    assert getattr(caller.browser, method)(f"{CONNECTED}{name}/remove").status_code == 404


@pytest.mark.parametrize("path", ["/oauth/jwks", "/.well-known/oauth-authorization-server"])
@pytest.mark.parametrize("junk", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_junk_at_a_public_document_is_ignored(caller: Flow, path: str, junk: bytes) -> None:
    expected = caller.server.get(path).json()
    before = everything()
    assert caller.server.get(path, QUERY_STRING=junk.decode("latin-1")).json() == expected
    assert everything() == before


NAMES = st.sampled_from(
    ["client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "resource", "prompt", "code_challenge",
     "code_challenge_method", "nonce", "request", "request_uri", "claims", "user", "max_age", "turn", "id_token_hint", "acr_values", "login_hint",
     "ui_locales", "claims_locales", "display"]
)  # fmt: skip
VALUES = st.text(max_size=60) | st.sampled_from(
    ["code", "token", "S256", "plain", "none", "consent", "login", VERIFIER, challenge_of(VERIFIER), "notes:read",
     "https://api.example/notes", "https://client.example/callback", "form_post", "query", "fragment",
     "openid", "openid email", "id_token", "code id_token", "select_account", "0", "de fr", "a.b.c", "{}", "[]",
     '{"id_token": {"sub": {"value": 1}, "acr": {"essential": true, "values": [{}]}}}']
)  # fmt: skip


@BOUNDED
@given(parameters=st.lists(st.tuples(NAMES, VALUES), max_size=8), post=st.booleans(), signed_in=st.booleans())
def test_no_request_ever_breaks_the_authorization_endpoint(
    caller: Flow, parameters: list[tuple[str, str]], post: bool, signed_in: bool
) -> None:
    said = {
        "client_id": caller.client.client_id,
        "redirect_uri": caller.redirect_uri,
        "response_type": "code",
        "scope": "notes:read",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    kept = [pair for pair in said.items() if pair[0] not in dict(parameters)]
    query = urlencode(kept + parameters, errors="replace")
    browser = caller.browser if signed_in else caller.server
    response = browser.post(AUTHORIZE, query, content_type=FORM) if post else browser.get(f"{AUTHORIZE}?{query}")
    if response.headers.get("Location", "").startswith(AUTHORIZE):
        assert post and not signed_in, "by GET first, with which the session's cookie comes"
        response = browser.get(response["Location"])
    if response.status_code == 303:
        there = response["Location"].startswith(caller.redirect_uri)
        may_ask = not signed_in or not {"prompt", "max_age", "acr_values", "claims"}.isdisjoint(dict(parameters))
        assert there or (may_ask and response["Location"].startswith("/accounts/login/?next=/oauth/authorize"))
        assert not (there and not signed_in and "code=" in response["Location"])
    else:
        assert response.status_code in {200, 400}
        assert not re.search(r"<script(?! src=)|javascript:", response.content.decode())
