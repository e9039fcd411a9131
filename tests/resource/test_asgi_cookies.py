"""The cookies that an ASGI application sets reach the caller as the application has written them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.core.asgi import get_asgi_application
from django.urls import path
from django.utils.decorators import async_only_middleware

from django_oauth_server.resource.asgi import asgi_view
from tests.waiting import PATIENCE

pytestmark = pytest.mark.urls(__name__)

WRITTEN: list[str] = []
"""What the application sends."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        headers = [(b"set-cookie", one.encode("latin-1")) for one in WRITTEN]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})


urlpatterns = [path("async/cookies", asgi_view(lambda: app))]


@pytest.fixture(autouse=True)
def _written():
    yield
    WRITTEN.clear()


@async_to_sync
async def sent() -> list[str]:
    """The Set-Cookie headers that a server is given to send."""
    caller = ApplicationCommunicator(
        get_asgi_application(),
        {
            "type": "http",
            "method": "GET",
            "path": "/async/cookies",
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
        },
    )
    await caller.send_input({"type": "http.request"})
    start = await caller.receive_output(PATIENCE)
    await caller.wait(PATIENCE)
    assert start["status"] == 200
    return [value.decode() for name, value in start["headers"] if name == b"Set-Cookie"]


def parts(cookie: str) -> tuple[str, set[str]]:
    """The name with the value, and the attributes: their order and case mean nothing (RFC 6265 section 5.2)."""
    pair, *attributes = cookie.split("; ")
    return pair, {name.lower() + is_pair + value for name, is_pair, value in (one.partition("=") for one in attributes)}


@pytest.mark.parametrize(
    "written",
    [
        ["sid=1; Path=/; HttpOnly; Partitioned; SameSite=None; Secure"],
        ["sid=1; Priority=High; Secure"],
        ["sid=1; Path=/a", "sid=2; Path=/b", "sid=3; Path=/c"],
        ["one=1", "two=2; Max-Age=0", "three=3; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Domain=example.com"],
        ["sid=; path=/; httponly"],
        ['json={"a": [1, 2], "b": "c=d"}; Secure'],
        [r'quoted="a\054b\073c"', "padded=YQ=="],
        ["sid=1; Path; SameSite; Comment"],
    ],
    ids=str,
)
def test_every_cookie_is_sent_with_all_that_was_written(written):
    WRITTEN.extend(written)
    assert [parts(one) for one in sent()] == [parts(one) for one in written]


@pytest.mark.parametrize(
    "written",
    ["s3cret", "=s3cret", "a name=s3cret", "Path=s3cret", "sid=s3cret\xe9", "sid=s3cret\r\nX-More: 1", "sid=s3cret\0"],
    ids=ascii,
)
def test_one_that_cannot_be_sent_so_is_an_error_that_does_not_tell_its_value(call, caplog, written):
    WRITTEN.append(written)
    response = call("/async/cookies")
    assert (response.status_code, list(response.cookies)) == (500, [])
    assert "CookieError" in caplog.text
    assert "s3cret" not in caplog.text
    assert not response.has_header("X-More")


@async_only_middleware
def all_secure(get_response: Any) -> Any:
    """A middleware, as projects have it."""

    async def middleware(request: Any) -> Any:
        response = await get_response(request)
        for cookie in response.cookies.values():
            cookie["secure"] = True
        response.set_cookie("two", "changed")
        return response

    return middleware


def test_a_middleware_may_change_them(settings):
    settings.MIDDLEWARE = [f"{__name__}.all_secure"]
    WRITTEN.extend(["one=1; Priority=High; Path=/", "one=2; Path=/b", "two=2"])
    assert [parts(one) for one in sent()] == [
        ("one=1", {"priority=High", "path=/", "secure"}),
        ("one=2", {"path=/b", "secure"}),
        ("two=changed", {"path=/", "secure"}),
    ]


def test_they_are_stored_with_the_response(call):
    WRITTEN.extend(["sid=1; Partitioned; Priority=High; Max-Age=5", "sid=2; Path=/b"])
    kept = pickle.loads(pickle.dumps(call("/async/cookies").cookies))
    assert [parts(one.OutputString()) for one in kept.values()] == [parts(one) for one in WRITTEN]
    assert kept["sid"]["max-age"] == "5"
