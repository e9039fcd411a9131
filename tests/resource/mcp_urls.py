"""ASGI applications behind views, and an MCP endpoint over one of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from django_oauth_server.resource.asgi import asgi_view
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.mcp import protected_mcp
from django_oauth_server.resource.requirement import requires
from tests.resource.verifiers import NOTES

happened: Counter[str] = Counter()
"""What applications lived through."""


async def read(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        assert message["type"] == "http.request"
        body, more = body + message["body"], message["more_body"]
    return body


async def say(send: Any, value: object, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers or []})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Tells what it sees. The path of the query says what it does instead."""
    if scope["type"] == "lifespan":
        await receive()
        happened["startup"] += 1
        scope["state"]["since"] = "startup"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        happened["shutdown"] += 1
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = await read(receive)
    token, user = scope.get("auth"), scope.get("user")
    seen = {
        "client": token and token.client_id,
        "user": user and user.get_username(),
        "path": [scope["root_path"], scope["path"], scope["raw_path"].decode()],
        "body": body.decode() if len(body) < 100 else len(body),
        "state": scope["state"],
        "path_params": scope["path_params"],
    }
    headers = [
        (b"content-type", b"application/json"),
        (b"x-two", b"a"),
        (b"x-two", b"b"),
        (b"set-cookie", b"one=1; HttpOnly"),
        (b"set-cookie", b"two=2"),
        *(
            (name, b"x")
            for name in (b"Connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
        ),
    ]
    await say(send, seen, 201, headers)
    assert (await receive())["type"] == "http.disconnect"
    happened["after the response"] += 1


EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]


async def streaming(scope: Any, receive: Any, send: Any) -> None:
    """Sends without end, until the caller goes."""
    assert scope["type"] == "http"  # it knows no lifespan
    try:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(1_000_000):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            happened["sent"] += 1
            await asyncio.sleep(0)
    except asyncio.CancelledError:
        happened["cancelled"] += 1
        raise


async def waiting(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    happened["waits"] += 1
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        happened["cancelled"] += 1
        raise


async def listening(scope: Any, receive: Any, send: Any) -> None:
    """Streams, with nothing to say."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"data: 0\n\n", "more_body": True})
    await waiting(scope, receive, send)


async def chattering(scope: Any, receive: Any, send: Any) -> None:
    """Always has something to say, so that whoever reads never waits."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": EVENTS})
    try:
        while True:
            await send({"type": "http.response.body", "body": b".", "more_body": True})
    except asyncio.CancelledError:
        happened["cancelled"] += 1
        raise


async def downloading(scope: Any, receive: Any, send: Any) -> None:
    """A long file, of which nobody said how long."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    await waiting(scope, receive, send)


async def calling(scope: Any, receive: Any, send: Any) -> None:
    """Calls what is sync, before its response begins and long after."""
    assert scope["type"] == "http"
    await sync_to_async(happened.update)(["called"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun, ", "more_body": True})
    await asyncio.sleep(0.1)
    await sync_to_async(happened.update)(["called"])
    await send({"type": "http.response.body", "body": b"done"})


async def calling_in_vain(scope: Any, receive: Any, send: Any) -> None:
    """Calls what is sync, and fails."""
    assert scope["type"] == "http"
    await sync_to_async(happened.update)(["called"])
    raise ZeroDivisionError("inside the application")


async def counting(scope: Any, receive: Any, send: Any) -> None:
    """Asks the database how many people there are."""
    assert scope["type"] == "http"
    await say(send, await User.objects.acount())


async def given_up(scope: Any, receive: Any, send: Any) -> None:
    """Is cancelled from within, as task groups are."""
    assert scope["type"] == "http"
    raise asyncio.CancelledError


async def given_up_at_once(scope: Any, receive: Any, send: Any) -> None:
    """The same after more than anybody has read."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise asyncio.CancelledError


async def misspelt(scope: Any, receive: Any, send: Any) -> None:
    """Sends a header that is none."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-two", b"a\r\nb: c")]})
    await waiting(scope, receive, send)


async def extended(scope: Any, receive: Any, send: Any) -> None:
    """Uses whatever the server offers beyond the protocol, as Starlette's files do."""
    assert scope["type"] == "http"
    await say(send, sorted(scope.get("extensions") or ()))


async def broken(scope: Any, receive: Any, send: Any) -> None:
    raise ZeroDivisionError("inside the application")


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """Sends nothing."""


async def half(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


async def cannot_start(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    happened["failed"] += 1
    await send({"type": "lifespan.startup.failed", "message": "no disk"})


async def short_lived(scope: Any, receive: Any, send: Any) -> None:
    """Serves one request, whose end is that of all."""
    if scope["type"] == "lifespan":
        happened["begun"] += 1
        scope["state"]["over"] = over = asyncio.Event()
        await send({"type": "lifespan.startup.complete"})
        await over.wait()
        raise ZeroDivisionError("inside the lifespan")
    scope["state"]["over"].set()
    await say(send, "served")
    await asyncio.sleep(0)


@asgi_view
def named():
    """What the audit lists."""
    return app


TABLES = {
    "tools": {"list": requires(), "write": "notes:write", "admin.*": "admin", "admin.see": requires(caller="person")},
    "prompts": {"tidy": "notes:write"},
    "resources": {
        "notes://*": requires(),
        "notes://secret/*": "admin",
        "file:///docs/*": requires(),
        "file:///docs/a/secret/*": "admin",
    },
    "methods": {"acme/export": "export", "logging/setLevel": "admin"},
}


@protected_mcp("notes:read", audience=NOTES, **TABLES)
def sync_mcp(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"client": request.auth.client_id, "said": request.body.decode()})


@protected_mcp("notes:read", audience=NOTES)
def with_sessions(request: HttpRequest) -> JsonResponse:
    """Tells which session it is asked in, and gives out one."""
    session = request.headers.get("Mcp-Session-Id")
    return JsonResponse({"session": session}, headers={} if session else {"Mcp-Session-Id": "abc"})


async def with_sessions_too(scope: Any, receive: Any, send: Any) -> None:
    assert scope["type"] == "http"
    sessions = [value.decode() for name, value in scope["headers"] if name == b"mcp-session-id"]
    given = [(b"content-type", b"application/json")] + ([] if sessions else [(b"mcp-session-id", b"abc")])
    await say(send, {"session": sessions[0] if sessions else None}, headers=given)


urlpatterns = [
    path("", include("django_oauth_server.resource.urls")),
    path("async/open", csrf_exempt(asgi_view(lambda: app))),
    path("async/<slug:team>/app", protected_resource("notes:read")(asgi_view(lambda: app))),
    path("async/waiting", csrf_exempt(asgi_view(lambda: waiting))),
    path("async/protected-waiting", protected_resource("notes:read")(asgi_view(lambda: listening))),
    path("async/protected-downloading", protected_resource("notes:read")(asgi_view(lambda: downloading))),
    path("async/listening", csrf_exempt(asgi_view(lambda: listening))),
    path("async/streaming", csrf_exempt(asgi_view(lambda: streaming))),
    path("async/protected-chattering", protected_resource("notes:read")(asgi_view(lambda: chattering))),
    path("async/calling", csrf_exempt(asgi_view(lambda: calling))),
    path("async/calling-in-vain", csrf_exempt(asgi_view(lambda: calling_in_vain))),
    path("async/counting", csrf_exempt(asgi_view(lambda: counting))),
    path("async/given-up", csrf_exempt(asgi_view(lambda: given_up))),
    path("async/given-up-at-once", csrf_exempt(asgi_view(lambda: given_up_at_once))),
    path("async/short-lived", csrf_exempt(asgi_view(lambda: short_lived))),
    path("async/misspelt", csrf_exempt(asgi_view(lambda: misspelt))),
    path("async/extended", csrf_exempt(asgi_view(lambda: extended))),
    path("async/broken", csrf_exempt(asgi_view(lambda: broken))),
    path("async/silent", csrf_exempt(asgi_view(lambda: silent))),
    path("async/half", csrf_exempt(asgi_view(lambda: half))),
    path("async/cannot-start", csrf_exempt(asgi_view(lambda: cannot_start))),
    path("async/mcp", protected_mcp("notes:read", audience=NOTES, **TABLES)(named)),
    path("async/protected-mcp", protected_mcp("notes:read", audience=NOTES, **TABLES)(asgi_view(lambda: listening))),
    path("async/plain-mcp", protected_mcp("notes:read")(named)),
    path("mcp", sync_mcp),
    path("session", with_sessions),
    path("async/session", protected_mcp("notes:read", audience=NOTES)(asgi_view(lambda: with_sessions_too))),
    path("under-wsgi", named),
]
