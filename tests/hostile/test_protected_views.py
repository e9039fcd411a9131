"""A protected view: whatever is presented in place of a token is answered with a challenge (RFC 6750 section 3)."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.protocol.opaque import ACCESS_TOKEN
from tests.flow import Flow
from tests.hostile.conftest import everything
from tests.hostile.junk import BOUNDED, FORM, UNREADABLE, WRONG_TYPES, basic

VIEWS = ["/api/view", "/api/async-view", "/api/rest-view", "/oauth/userinfo"]


def ask(caller: Flow, path: str, method: str = "GET", body: bytes = b"", **more: Any) -> HttpResponse:
    more = {"content_type": FORM} | more
    return (
        _asked_async(path, method, body, **more)
        if "async" in path
        else caller.server.generic(method, path, body, **more)
    )


@async_to_sync
async def _asked_async(path: str, method: str, body: bytes, **more: Any) -> HttpResponse:
    return await AsyncClient(raise_request_exception=False).generic(method, path, body, **more)


def assert_challenged(response: HttpResponse, status: int, error: str) -> None:
    assert response.status_code == status
    assert response["WWW-Authenticate"].startswith("Bearer ")
    assert (
        (f'error="{error}"' in response["WWW-Authenticate"]) if error else ("error" not in response["WWW-Authenticate"])
    )


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize(
    ("header", "status", "error"),
    [
        ("", 401, ""),
        ("Basic YTpi", 401, ""),
        (basic(b"\xff"), 401, ""),
        ("nonsense", 401, ""),
        ("Bearer", 400, "invalid_request"),
        ("Bearer ", 400, "invalid_request"),
        ("Bearer a b", 400, "invalid_request"),
        ("bearer x", 401, "invalid_token"),
        ("Bearer  x", 401, "invalid_token"),
        ("Bearer \u00e9", 401, "invalid_token"),
        ("Bearer \x7f", 401, "invalid_token"),
        ("Bearer ,", 401, "invalid_token"),
        ("Bearer a,b", 401, "invalid_token"),
        (f"Bearer {ACCESS_TOKEN}", 401, "invalid_token"),
        (f"Bearer {ACCESS_TOKEN}made-up", 401, "invalid_token"),
        ("Bearer oas_rt_made-up", 401, "invalid_token"),
        ("Bearer a.b.c", 401, "invalid_token"),
        ("Bearer ..", 401, "invalid_token"),
        ("Bearer eyJhbGciOiJub25lIn0.e30.", 401, "invalid_token"),
        ("Bearer W10.W10.W10", 401, "invalid_token"),
        ("Bearer " + "x" * 1_000_000, 401, "invalid_token"),
        ("Bearer " + "x" * 100_000 + ".x.x", 401, "invalid_token"),
    ],
)
def test_what_is_no_token(caller: Flow, path: str, header: str, status: int, error: str) -> None:
    headers = {"Authorization": header} if header else {}
    assert_challenged(ask(caller, path, headers=headers), status, error)


@pytest.mark.spec("RFC 6750", "2.2")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("token", [b"made-up", b"%C3%BC", b"%00", b"%ff", b"%zz", b"%", b"x" * 100_000])
def test_what_is_no_token_in_a_form(caller: Flow, path: str, token: bytes) -> None:
    assert_challenged(ask(caller, path, "POST", b"access_token=" + token), 401, "invalid_token")


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", VIEWS)
def test_two_tokens_at_once(caller: Flow, path: str) -> None:
    response = ask(caller, path, "POST", b"access_token=a", headers={"Authorization": "Bearer a"})
    assert_challenged(response, 400, "invalid_request")
    assert_challenged(ask(caller, path, "POST", b"access_token=a&access_token=a"), 400, "invalid_request")


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_cannot_be_read_is_no_token(caller: Flow, path: str, body: bytes) -> None:
    response = ask(caller, path, "POST", body)
    assert response.status_code in {400, 401, 413}
    if response.status_code == 401:
        assert_challenged(response, 401, "")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", ["/api/view", "/api/rest-view"])
@pytest.mark.parametrize("content_type", WRONG_TYPES.values(), ids=WRONG_TYPES.keys())
def test_a_body_of_another_type_holds_no_token(caller: Flow, path: str, content_type: str) -> None:
    response = ask(caller, path, "POST", b"access_token=x", content_type=content_type)
    assert_challenged(response, 401, "")


@pytest.mark.spec("OAuth 2.1", "5.1")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", VIEWS)
@pytest.mark.parametrize("query", ["access_token=x", "access_token=x&access_token=y", "access_token=%zz", "%00"])
def test_a_query_holds_no_token(caller: Flow, path: str, query: str) -> None:
    assert_challenged(ask(caller, f"{path}?{query}"), 401, "")


@BOUNDED
@given(
    path=st.sampled_from(VIEWS),
    token=st.text(st.characters(max_codepoint=0xFF, exclude_characters="\r\n"), max_size=80),
)
def test_no_credentials_ever_break_a_view(caller: Flow, path: str, token: str) -> None:
    before = everything()
    response = ask(caller, path, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code in {400, 401}
    assert response["WWW-Authenticate"].startswith("Bearer ")
    assert everything() == before
