"""A response that is streamed for an hour: it ends when the person takes back what they allowed, and holds no connection to the database."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.urls import include, path

from django_oauth_server.resource import asgi
from django_oauth_server.resource.asgi import asgi_view
from django_oauth_server.resource.mcp import protected_mcp
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.testing.tokens import issue_token
from tests.races.doors import Threads
from tests.races.test_revocation import take_back
from tests.resource.mcp_urls import EVENTS
from tests.waiting import PATIENCE, until

FORMATS = pytest.mark.parametrize("format", ["opaque", "at+jwt"])
SYNC_OR_NOT = pytest.mark.parametrize("middleware", [[], ["tests.resource.test_asgi.sync_only"]])


async def stream(scope: Any, receive: Any, send: Any) -> None:
    """Goes on, and asks the database now and then."""
    assert scope["type"] == "http"  # it knows no lifespan
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    while True:
        people = await sync_to_async(_count_people)()
        await send({"type": "http.response.body", "body": b"%d" % people, "more_body": True})
        await asyncio.sleep(0.05)


def _count_people() -> int:
    try:
        return User.objects.count()
    finally:
        connections.close_all()


seen: list[object] = []


def set_role() -> None:
    """Stands for what decides what is seen through a connection."""
    connections["default"].ensure_connection()
    seen[:] = [connections["default"].connection]


def with_role(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        set_role()
        return get_response(request)

    return middleware


def with_role_too(get_response: Any) -> Any:
    async def middleware(request: Any) -> Any:
        await sync_to_async(set_role)()
        return await get_response(request)

    return middleware


with_role_too.async_capable, with_role_too.sync_capable = True, False  # type: ignore[attr-defined]


async def asking(scope: Any, receive: Any, send: Any) -> None:
    """Asks the database through whichever connection it has."""
    assert scope["type"] == "http"
    seen.append(await sync_to_async(lambda: connections["default"].connection)())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def with_role_of_caller(view: Any) -> Any:
    """Once it is known who calls, on the connection that was opened to find that out."""

    async def protected(request: Any) -> Any:
        await sync_to_async(set_role_by_query)()
        return await view(request)

    return protected


def set_role_by_query() -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")  # where there are roles: SET ROLE
    set_role()


@dataclass(frozen=True, slots=True)
class IsKnownHere(Requirement):
    """Asks the database about the caller."""

    def judge(self, token: VerifiedToken) -> None:
        assert not User.objects.filter(username=token.client_id).exists()

    def __str__(self) -> str:
        return "known here"


async def working_on(scope: Any, receive: Any, send: Any) -> None:
    """Asks the database when its response has long been sent."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})
    await asyncio.sleep(0.1)
    seen.append(await User.objects.acount())


left: set[asyncio.Task[None]] = set()


async def leaving_behind(scope: Any, receive: Any, send: Any) -> None:
    """Ends before what it began, as where a tool goes on whose caller has gone."""
    assert scope["type"] == "http"

    async def go_on() -> None:
        for _ in range(2):
            await asyncio.sleep(0.1)
            seen.append(await User.objects.acount())
        seen.append(open_connections())

    await User.objects.acount()
    left.add(begun := asyncio.create_task(go_on()))
    begun.add_done_callback(left.discard)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def open_connections() -> int:
    """Of all threads."""
    return sum(isinstance(one, BaseDatabaseWrapper) and one.connection is not None for one in gc.get_objects())


urlpatterns = [
    path("", include("tests.races.urls")),
    path("mcp", protected_mcp("notes:read")(asgi_view(lambda: stream))),
    path("working-on", protected_mcp("notes:read")(asgi_view(lambda: working_on))),
    path("leaving-behind", protected_mcp("notes:read")(asgi_view(lambda: leaving_behind))),
    path("asking", protected_mcp("notes:read")(asgi_view(lambda: asking))),
    path("asking-for-caller", protected_mcp("notes:read")(with_role_of_caller(asgi_view(lambda: asking)))),
]


@pytest.fixture(autouse=True)
def _served_here(settings: Any, _unlimited: None) -> None:
    settings.ROOT_URLCONF = __name__
    seen.clear()


@pytest.fixture
def quiet_collector() -> Iterator[None]:
    """A pool of connections would not get back what is only collected."""
    gc.disable()
    yield
    gc.enable()


def listen(token: str, begun: Event, address: str = "/mcp") -> bytes:
    """All that is streamed."""

    async def heard() -> bytes:
        headers = [(b"host", b"testserver"), (b"authorization", f"Bearer {token}".encode())]
        scope = {"type": "http", "method": "GET", "path": address, "query_string": b"", "headers": headers}
        caller = ApplicationCommunicator(get_asgi_application(), scope)
        await caller.send_input({"type": "http.request", "body": b""})
        start = await caller.receive_output(PATIENCE)
        assert start["status"] == 200, start
        body, more = b"", True
        while more:
            message = await caller.receive_output(PATIENCE)
            body, more = body + message.get("body", b""), message.get("more_body")
            begun.set()
        await caller.wait(PATIENCE)
        while asgi._at_work or left:
            await asyncio.sleep(0.01)
        return body

    return asyncio.run(asyncio.wait_for(heard(), PATIENCE))


@FORMATS
def test_a_stream_ends_when_the_person_takes_back_what_they_allowed(
    person: Any, monkeypatch: pytest.MonkeyPatch, format: Any
) -> None:
    monkeypatch.setattr(asgi, "JUDGED_ANEW", 0.3)
    token, begun = issue_token(scopes="notes:read", user=person, format=format), Event()
    before = open_connections()
    with ThreadPoolExecutor(1) as threads:
        streamed = threads.submit(listen, token, begun)
        assert begun.wait(PATIENCE)
        with pytest.raises(TimeoutError):
            streamed.result(1)
        until(lambda: open_connections() == before)  # one is open at moments
        take_back(Threads().browser(person), {})
        assert set(streamed.result(PATIENCE)) == {ord("1")}


@pytest.mark.parametrize("middleware", [with_role, with_role_too])
def test_an_application_uses_the_connection_that_a_middleware_has_set_up(settings: Any, middleware: Any) -> None:
    """With another it might see what others own."""
    settings.MIDDLEWARE = [f"{__name__}.{middleware.__name__}"]
    listen(issue_token(scopes="notes:read"), Event(), "/asking")
    set_up, used = seen
    assert used is set_up


@SYNC_OR_NOT
def test_an_application_uses_the_connection_that_was_set_up_for_its_caller(settings: Any, middleware: Any) -> None:
    settings.MIDDLEWARE = middleware
    listen(issue_token(scopes="notes:read"), Event(), "/asking-for-caller")
    set_up, used = seen
    assert used is set_up


def test_a_connection_that_only_told_whether_the_caller_may_is_not_kept(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {
        **getattr(settings, "OAUTH_RESOURCE_SERVER", {}),
        "protected_prefixes": {"/asking/": IsKnownHere()},
    }
    settings.MIDDLEWARE = [
        "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware",
        "tests.resource.test_asgi.sync_only",
    ]
    listen(issue_token(scopes="notes:read"), Event(), "/asking")
    assert seen == [None]


@SYNC_OR_NOT
def test_an_application_that_works_on_leaves_no_connection_behind(
    settings: Any, quiet_collector: None, middleware: Any
) -> None:
    settings.MIDDLEWARE = middleware
    token, before = issue_token(scopes="notes:read"), open_connections()
    listen(token, Event(), "/working-on")
    assert (seen, open_connections() - before) == ([0], 0)


@SYNC_OR_NOT
def test_what_an_application_leaves_behind_holds_no_connection(
    settings: Any, quiet_collector: None, middleware: Any
) -> None:
    settings.MIDDLEWARE = middleware
    token, before = issue_token(scopes="notes:read"), open_connections()
    listen(token, Event(), "/leaving-behind")
    assert seen == [0, 0, before]
