"""ASGI applications behind Django views: what they see, how long they live, and who waits for whom."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.db import connections
from django.http import BadHeaderError
from django.test import AsyncClient, Client

from django_oauth_server.resource import asgi
from django_oauth_server.resource.asgi import NOT_UNDER_WSGI
from django_oauth_server.resource.challenge import INSUFFICIENT_SCOPE, Challenge
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import CannotVerify, InvalidToken
from tests.factories import UserFactory
from tests.resource import verifiers
from tests.resource.mcp_urls import happened
from tests.resource.verifiers import MAIL, Person, Staff, make_token
from tests.waiting import PATIENCE, until_so

pytestmark = pytest.mark.urls("tests.resource.mcp_urls")


@pytest.fixture(autouse=True)
def _nothing_yet():
    happened.clear()


def http(path: str, **headers: str) -> dict[str, Any]:
    """The scope of a request as a server makes it."""
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"testserver"), *((name.encode(), value.encode()) for name, value in headers.items())],
    }


def test_the_application_is_mounted_and_told_who_calls(call):
    response = call("/async/red/app", "POST", authorization="Bearer lazy", data="x", content_type="text/plain")
    assert response.json() == {
        "client": "app",
        "user": "alice",
        "path": ["/async/red/app", "/async/red/app/", "/async/red/app/"],
        "body": "x",
        "state": {"since": "startup"},
        "path_params": {"team": "red"},
    }


def test_the_response_is_the_applications_own(call):
    response = call("/async/open", "POST")
    assert (response.status_code, response["Content-Type"], response["X-Two"]) == (201, "application/json", "a, b")
    assert {name: one.value for name, one in response.cookies.items()} == {"one": "1", "two": "2"}
    assert response.cookies["one"]["httponly"]
    of_the_connection = ["Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"]
    assert not any(map(response.has_header, of_the_connection))


def test_a_caller_without_a_good_token_never_reaches_it(call):
    response = call("/async/red/app", "POST", authorization="Bearer expired")
    assert (response.status_code, happened["startup"]) == (401, 0)


@pytest.mark.parametrize("size", [0, 64 * 1024, 64 * 1024 + 1, 3_000_000])
def test_a_body_comes_whole(call, size):
    response = call("/async/open", "POST", data=b"x" * size, content_type="application/octet-stream")
    assert response.json()["body"] in (size, "x" * size)


def test_it_is_started_once_for_all_who_come_together_and_ends_with_the_loop():
    async def calls() -> list[int]:
        client = AsyncClient()
        responses = await asyncio.gather(*(client.get("/async/open") for _ in range(20)))
        return [one.status_code for one in responses]

    assert asyncio.run(calls()) == [201] * 20
    assert (happened["startup"], happened["shutdown"]) == (1, 1)
    assert happened["after the response"] == 20
    assert asyncio.run(calls()) == [201] * 20
    assert (happened["startup"], happened["shutdown"]) == (2, 2), "another loop, another application"


def test_one_that_cannot_start_is_tried_again_and_said_to_whom_it_concerns():
    async def calls() -> None:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="cannot start: no disk"):
                await AsyncClient().get("/async/cannot-start")

    asyncio.run(calls())
    assert happened["failed"] == 2


def test_one_whose_lifespan_fails_later_is_begun_anew(caplog):
    async def calls() -> list[int]:
        return [(await AsyncClient().get("/async/short-lived")).status_code for _ in range(3)]

    assert asyncio.run(calls()) == [200] * 3
    assert happened["begun"] == 3
    assert "the lifespan of an ASGI application ended in an error" in caplog.text


@pytest.mark.parametrize(
    "path, error",
    [
        ("/async/broken", ZeroDivisionError),
        ("/async/silent", RuntimeError),
        ("/async/half", RuntimeError),
        ("/async/given-up", RuntimeError),
        ("/async/given-up-at-once", RuntimeError),
        ("/async/misspelt", BadHeaderError),
    ],
)
def test_what_goes_wrong_inside_is_djangos_to_tell(path, error):
    async def ask() -> list[bytes]:
        response = await AsyncClient().get(path)
        return [chunk async for chunk in response]

    async def ask_and_look() -> None:
        with pytest.raises(error):
            await asyncio.wait_for(ask(), PATIENCE)
        await until_so(lambda: not asgi._at_work)  # nothing is left behind

    asyncio.run(ask_and_look())


def test_what_the_server_offers_beyond_the_protocol_is_not_passed_on():
    async def ask() -> bytes:
        scope = {**http("/async/extended"), "extensions": {"http.response.pathsend": {}}}
        caller = ApplicationCommunicator(get_asgi_application(), scope)
        await caller.send_input({"type": "http.request", "body": b""})
        await caller.receive_output(PATIENCE)
        return (await caller.receive_output(PATIENCE))["body"]

    assert asyncio.run(ask()) == b"[]"


def test_a_stream_goes_out_as_it_comes_and_no_further_than_it_is_read():
    async def listen() -> tuple[bytes, int]:
        application = get_asgi_application()
        caller = ApplicationCommunicator(application, http("/async/streaming"))
        await caller.send_input({"type": "http.request", "body": b""})
        start = await caller.receive_output(PATIENCE)
        assert (start["status"], dict(start["headers"])[b"content-type"]) == (200, b"text/event-stream")
        heard = b""
        while len(heard) < 100:
            heard += (await caller.receive_output(PATIENCE))["body"]
        await caller.send_input({"type": "http.disconnect"})
        await caller.wait(PATIENCE)
        await until_so(lambda: happened["cancelled"])
        return heard, happened["sent"]

    heard, _ = asyncio.run(listen())
    assert heard.startswith(b"data: 0\n\ndata: 1\n\n")
    assert happened["cancelled"] == 1, "the application learns that the caller has gone"


def test_no_middleware_holds_a_stream_back(settings):
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware"]

    async def listen() -> bytes:
        response = await AsyncClient().get("/async/streaming", headers={"Accept-Encoding": "gzip"})
        heard = b""
        async for chunk in response:
            heard += chunk
            if len(heard) > 100:
                break
        response.close()
        await until_so(lambda: not asgi._at_work)
        return heard

    assert asyncio.run(listen()).startswith(b"data: 0\n\ndata: 1\n\n")


def test_an_application_does_not_run_ahead_of_a_caller_who_does_not_read():
    async def listen() -> int:
        response = await AsyncClient().get("/async/streaming")
        for _ in range(50):
            await asyncio.sleep(0)
        sent = happened["sent"]
        response.close()
        await until_so(lambda: happened["cancelled"])
        return sent

    assert asyncio.run(listen()) <= 4
    assert happened["cancelled"] == 1, "what nobody reads is ended"


def test_a_stream_ends_when_its_token_does():
    async def listen() -> list[bytes]:
        headers = {"Authorization": "Bearer soon"}
        response = await AsyncClient().get("/async/protected-waiting", headers=headers)
        return [chunk async for chunk in response]

    heard = b"".join(asyncio.run(asyncio.wait_for(listen(), PATIENCE)))
    assert heard in {b"data: 0\n\n", b""}, "on a busy machine the token expires first"
    assert happened["cancelled"] == 1


def test_a_stream_without_a_pause_ends_when_its_token_does_too():
    async def listen() -> None:
        headers = {"Authorization": "Bearer soon"}
        response = await AsyncClient().get("/async/protected-chattering", headers=headers)
        async for _ in response:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(listen(), PATIENCE))
    assert happened["cancelled"] == 1


def test_a_stream_that_nobody_reads_ends_when_its_token_does_too():
    async def stall() -> list[bytes]:
        response = await AsyncClient().get("/async/protected-chattering", headers={"Authorization": "Bearer soon"})
        await until_so(lambda: happened["cancelled"])
        return [chunk async for chunk in response]

    assert len(asyncio.run(asyncio.wait_for(stall(), PATIENCE))) <= 1


def heard_while(
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[str], VerifiedToken],
    path: str,
    token: str = "reader",
    **sent: Any,
) -> bytes:
    """What is streamed for a token that was good at first, of which *later* says what it is when it is judged anew."""
    monkeypatch.setattr(asgi, "JUDGED_ANEW", 0.02)

    async def listen() -> bytes:
        headers = {"Authorization": f"Bearer {token}"}
        response = await AsyncClient().generic("POST" if sent else "GET", f"/async/{path}", headers=headers, **sent)
        monkeypatch.setattr(verifiers, "known_token", later)
        heard = b""
        async with asyncio.timeout(PATIENCE):
            async for chunk in response:
                heard += chunk
                await asyncio.sleep(0)
        return heard

    return asyncio.run(listen())


def refuse(token: str) -> NoReturn:
    raise InvalidToken("revoked")


@pytest.mark.parametrize("path", ["waiting", "chattering"])
def test_a_stream_ends_soon_after_its_token_is_revoked(monkeypatch, caplog, path):
    with caplog.at_level(logging.INFO, "django_oauth_server.resource"):
        heard_while(monkeypatch, refuse, f"protected-{path}")
    assert happened["cancelled"] == 1
    assert f"what is streamed at /async/protected-{path} ends: revoked" in caplog.text


def test_a_stream_ends_when_its_token_is_meant_for_others(monkeypatch):
    heard_while(monkeypatch, lambda token: make_token("notes:read", audience=MAIL), "protected-waiting")
    assert happened["cancelled"] == 1


def test_a_stream_ends_when_its_token_allows_less(monkeypatch, caplog):
    with caplog.at_level(logging.INFO, "django_oauth_server.resource"):
        heard_while(monkeypatch, lambda token: make_token("mail:read"), "protected-waiting")
    assert happened["cancelled"] == 1
    assert "ends: The access token does not allow this request." in caplog.text


@pytest.mark.parametrize("token, later", [("soon", verifiers.known_token), ("reader", refuse)])
def test_a_download_is_broken_off_when_its_token_is_not_good_any_more(monkeypatch, token, later):
    """Whoever reads would take what ends in order for the whole."""
    with pytest.raises(RuntimeError, match="not whole"):
        heard_while(monkeypatch, later, "protected-downloading", token)
    assert happened["cancelled"] == 1


def test_a_stream_ends_when_its_token_does_not_allow_the_operation_any_more(monkeypatch):
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "write"}}
    heard_while(monkeypatch, lambda token: make_token("notes:read"), "protected-mcp", "writer", data=json.dumps(call))
    assert happened["cancelled"] == 1


def test_a_stream_ends_when_a_condition_of_the_project_is_not_met_any_more(monkeypatch, settings):
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/async/": Pays()}}
    settings.MIDDLEWARE = ["django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"]
    heard_while(monkeypatch, lambda token: make_token("notes:read", user=Staff()), "protected-waiting")
    assert happened["cancelled"] == 1


@dataclass(frozen=True, slots=True)
class Pays(Requirement):
    """Everybody does but the staff."""

    def judge(self, token: VerifiedToken) -> Challenge | None:
        return INSUFFICIENT_SCOPE if isinstance(token.user, Staff) else None

    def __str__(self) -> str:
        return "pays"


@pytest.mark.parametrize("token, later", [("soon", verifiers.known_token), ("reader", refuse)])
def test_a_stream_that_only_a_prefix_protects_ends_with_the_token_too(monkeypatch, settings, token, later):
    """Its view has asked for no token."""
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/async/": requires("notes:read")}}
    settings.MIDDLEWARE = ["django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"]
    heard_while(monkeypatch, later, "listening", token)
    assert happened["cancelled"] == 1


def test_a_stream_ends_where_its_token_cannot_be_judged_at_all(monkeypatch, caplog):
    def fail(token: str) -> NoReturn:
        raise ZeroDivisionError

    heard_while(monkeypatch, fail, "protected-waiting")
    assert happened["cancelled"] == 1
    assert "its token cannot be judged" in caplog.text


def test_a_stream_goes_on_while_its_token_is_good_or_nobody_can_tell(monkeypatch):
    asked = Counter[str]()

    def tell(token: str) -> VerifiedToken:
        asked[token] += 1
        if asked[token] == 6:
            raise InvalidToken("revoked")
        if asked[token] % 2:
            raise CannotVerify("the issuer is down")
        return make_token("notes:read")

    heard_while(monkeypatch, tell, "protected-waiting")
    assert asked["reader"] == 6


def test_a_stream_ends_with_its_token_while_the_verifier_does_not_answer(monkeypatch):
    async def hang(verifier: object, token: str) -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets the event")

    async def listen() -> None:
        response = await AsyncClient().get("/async/protected-waiting", headers={"Authorization": "Bearer soon"})
        monkeypatch.setattr(verifiers.KnownTokens, "averify", hang)
        async with asyncio.timeout(PATIENCE):
            async for _ in response:
                pass

    monkeypatch.setattr(asgi, "JUDGED_ANEW", 0.01)
    asyncio.run(listen())
    assert happened["cancelled"] == 1


tenant = ContextVar[str]("tenant")


def of_tenant(get_response: Any) -> Any:
    """As a middleware of a project that serves several."""

    async def middleware(request: Any) -> Any:
        tenant.set("red")
        return await get_response(request)

    return middleware


of_tenant.async_capable, of_tenant.sync_capable = True, False  # type: ignore[attr-defined]


def of_tenant_in_a_thread(get_response: Any) -> Any:
    def middleware(request: Any) -> Any:
        tenant.set("red")
        return get_response(request)

    return middleware


@pytest.mark.parametrize("middleware", [of_tenant, of_tenant_in_a_thread])
@pytest.mark.parametrize("served", [True, False])
def test_a_verifier_is_asked_again_in_the_context_of_the_request(settings, monkeypatch, middleware, served):
    settings.MIDDLEWARE = [f"{__name__}.{middleware.__name__}"]
    monkeypatch.setattr(asgi, "JUDGED_ANEW", 0.01)
    asked: list[str] = []

    async def averify(verifier: object, token: str) -> VerifiedToken:
        asked.append(await sync_to_async(tenant.get)("none"))
        return make_token("notes:read")

    monkeypatch.setattr(verifiers.KnownTokens, "averify", averify)

    async def asked_often() -> None:
        while len(asked) < 3:
            await asyncio.sleep(0.01)

    async def listen() -> None:
        if served:
            caller = ApplicationCommunicator(
                get_asgi_application(), http("/async/protected-waiting", authorization="Bearer reader")
            )
            await caller.send_input({"type": "http.request", "body": b""})
            assert (await caller.receive_output(PATIENCE))["status"] == 200
            await asked_often()
            await caller.send_input({"type": "http.disconnect"})
            await caller.wait(PATIENCE)
        else:
            response = await AsyncClient().get("/async/protected-waiting", headers={"Authorization": "Bearer reader"})
            await asked_often()
            response.close()
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(listen(), PATIENCE))
    assert set(asked) == {"red"}


def knows_by_itself(get_response: Any) -> Any:
    """As behind a gateway that has verified the token, and does not pass it on."""

    async def middleware(request: Any) -> Any:
        async def auser() -> Person:
            return Person()

        request.auth, request.auser = make_token("notes:read"), auser
        return await get_response(request)

    return middleware


knows_by_itself.async_capable, knows_by_itself.sync_capable = True, False  # type: ignore[attr-defined]


def test_a_stream_goes_on_where_the_project_knows_the_caller_by_itself(settings, monkeypatch):
    settings.MIDDLEWARE = [f"{__name__}.knows_by_itself"]
    monkeypatch.setattr(asgi, "JUDGED_ANEW", 0.01)

    async def listen() -> None:
        response = await AsyncClient().get("/async/listening")
        async with asyncio.timeout(0.2):
            async for _ in response:
                pass

    with pytest.raises(TimeoutError):
        asyncio.run(listen())


def test_a_response_that_is_no_stream_is_not_judged_twice(monkeypatch, call):
    monkeypatch.setattr(asgi, "JUDGED_ANEW", 0.0)
    monkeypatch.setattr(asgi, "is_still_good", refuse)
    assert call("/async/red/app", "POST", authorization="Bearer reader").status_code == 201


def test_a_response_that_nobody_takes_ends_the_application(settings):
    """A sync middleware goes on when the caller has gone, and Django drops what it returns."""
    settings.MIDDLEWARE = ["tests.resource.test_asgi.slow_afterwards"]

    async def leave() -> None:
        caller = ApplicationCommunicator(get_asgi_application(), http("/async/streaming"))
        await caller.send_input({"type": "http.request", "body": b""})
        while not happened["sent"]:
            await asyncio.sleep(0.001)
        await caller.send_input({"type": "http.disconnect"})
        await caller.wait(PATIENCE)

        def is_left() -> bool:
            gc.collect()
            return not asgi._at_work

        await until_so(is_left)

    asyncio.run(leave())
    assert happened["cancelled"] == 1


@pytest.mark.parametrize("middleware", [[], ["tests.resource.test_asgi.slow_afterwards"]])
def test_what_an_application_calls_in_a_thread_outlives_a_sync_middleware(settings, middleware):
    settings.MIDDLEWARE = middleware

    async def listen() -> bytes:
        caller = ApplicationCommunicator(get_asgi_application(), http("/async/calling"))
        await caller.send_input({"type": "http.request", "body": b""})
        heard = [await caller.receive_output(PATIENCE)]
        while heard[-1]["type"] == "http.response.start" or heard[-1].get("more_body"):
            heard.append(await caller.receive_output(PATIENCE))
        await caller.wait(PATIENCE)
        return b"".join(one.get("body", b"") for one in heard)

    assert asyncio.run(listen()) == b"begun, done"
    assert happened["called"] == 2


def test_an_application_that_fails_leaves_no_thread_behind(settings):
    settings.MIDDLEWARE = ["tests.resource.test_asgi.sync_only"]

    async def fail() -> None:
        caller = ApplicationCommunicator(get_asgi_application(), http("/async/calling-in-vain"))
        await caller.send_input({"type": "http.request", "body": b""})
        assert (await caller.receive_output(PATIENCE))["status"] == 500
        await caller.wait(PATIENCE)

    async def fail_often() -> int:
        await fail()
        before = threading.active_count()
        for _ in range(20):
            await fail()
        return threading.active_count() - before

    gc.disable()
    try:
        assert asyncio.run(fail_often()) < 5
    finally:
        gc.enable()
    assert happened["called"] == 21


@pytest.mark.django_db
@pytest.mark.parametrize("middleware", [[], ["tests.resource.test_asgi.slow_afterwards"]])
def test_an_application_sees_what_the_transaction_around_it_has_written(settings, middleware):
    """A test's, or a middleware's: another thread would have another connection."""
    settings.MIDDLEWARE = middleware
    UserFactory()
    heard: list[Any] = []

    async def receive() -> dict[str, Any]:
        if heard:
            await asyncio.Event().wait()
        heard.append({})
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        heard.append(message)

    async_to_sync(get_asgi_application())(http("/async/counting"), receive, send)
    assert b"".join(message.get("body", b"") for message in heard) == b"1"


@pytest.mark.django_db
@pytest.mark.parametrize("middleware", [[], ["tests.resource.test_asgi.slow_afterwards"]])
def test_a_token_that_a_test_has_made_is_found_again(settings, monkeypatch, middleware):
    """It is in the transaction around the test."""
    settings.MIDDLEWARE = middleware
    monkeypatch.setattr(asgi, "JUDGED_ANEW", 0.01)
    asked: list[bool] = []

    async def averify(verifier: object, token: str) -> VerifiedToken:
        asked.append(await sync_to_async(lambda: connections["default"].in_atomic_block)())
        return make_token("notes:read")

    async def listen() -> None:
        response = await AsyncClient().get("/async/protected-waiting", headers={"Authorization": "Bearer reader"})
        await until_so(lambda: len(asked) > 2)
        response.close()
        await asyncio.sleep(0)

    monkeypatch.setattr(verifiers.KnownTokens, "averify", averify)
    User.objects.count()
    async_to_sync(listen)()
    assert all(asked)


def test_a_caller_who_goes_before_the_response_ends_the_application():
    async def leave() -> None:
        caller = ApplicationCommunicator(get_asgi_application(), http("/async/waiting"))
        await caller.send_input({"type": "http.request", "body": b""})
        await until_so(lambda: happened["waits"])
        await caller.send_input({"type": "http.disconnect"})
        await caller.wait(PATIENCE)
        await until_so(lambda: happened["cancelled"])
        assert happened["cancelled"] == 1

    asyncio.run(leave())


def test_nothing_is_kept_of_loops_that_are_gone(call):
    for _ in range(5):
        call("/async/open")
    gc.collect()
    assert not asgi._at_work
    assert happened["startup"] == happened["shutdown"] == 5


@pytest.mark.parametrize("path", ["/under-wsgi"])
def test_under_wsgi_it_says_what_is_wrong(path, caplog):
    response = Client().get(path)
    assert (response.status_code, response.content.decode()) == (501, NOT_UNDER_WSGI)
    assert "/under-wsgi hands its requests to an ASGI application" in caplog.text
    assert [one.levelno for one in caplog.records if "ASGI" in one.message] == [logging.ERROR]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/async/open", "/async/mcp"])
def test_atomic_requests_are_no_obstacle(call, monkeypatch, path):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    response = call(
        path, "POST", authorization="Bearer reader", data='{"method": "ping"}', content_type="application/json"
    )
    assert response.status_code == 201


def test_a_sync_middleware_is_no_obstacle(settings):
    settings.MIDDLEWARE = ["tests.resource.test_asgi.sync_only"]

    async def ask() -> int:
        return (await AsyncClient().get("/async/open")).status_code

    assert async_to_sync(ask)() == 201


def sync_only(get_response):
    def middleware(request):
        return get_response(request)

    return middleware


def slow_afterwards(get_response):
    def middleware(request):
        response = get_response(request)
        time.sleep(0.05)
        return response

    return middleware
