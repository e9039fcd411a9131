"""Views that answer when enough callers are inside at once: where calls are taken one by one, they never do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, defaultdict
from typing import Any, Final

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.asgi import asgi_view
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource
from tests.waiting import PATIENCE

AT_ONCE: Final = 200
"""Calls that one event loop holds."""
THREADS: Final = 8
"""Calls that threads hold."""
_loop: defaultdict[str, asyncio.Barrier] = defaultdict(lambda: asyncio.Barrier(AT_ONCE))
streams: Counter[str] = Counter()
_threads: defaultdict[str, threading.Barrier] = defaultdict(lambda: threading.Barrier(THREADS))


async def meet(request: HttpRequest) -> JsonResponse:
    """Wait for the others."""
    await asyncio.wait_for(_loop[request.path].wait(), PATIENCE)
    return JsonResponse({"client": request.auth.client_id})


def meet_in_threads(request: HttpRequest) -> JsonResponse:
    """Wait for the others."""
    _threads[request.path].wait(PATIENCE)
    return JsonResponse({"client": request.auth.client_id})


class Meeting(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    async def get(self, request: HttpRequest) -> JsonResponse:
        return await meet(request)


class MeetingInThreads(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    def get(self, request: HttpRequest) -> JsonResponse:
        return meet_in_threads(request)


class RestMeeting(APIView):
    """REST framework is for threads."""

    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires("notes:read")]

    def get(self, request: Request) -> Response:
        meet_in_threads(request)
        return Response()


api = NinjaAPI(docs_url=None)


@api.get("operation", auth=ninja.requires("notes:read"))
async def operation(request: HttpRequest) -> None:
    await meet(request)


@api.get("threads", auth=ninja.requires("notes:read"))
def operation_in_threads(request: HttpRequest) -> None:
    meet_in_threads(request)


@protected_resource("notes:read")
async def sleepy(request: HttpRequest) -> JsonResponse:
    """What no async view may do."""
    time.sleep(0.01)
    return JsonResponse({})


@protected_resource("notes:read")
async def reader(request: HttpRequest) -> JsonResponse:
    """The same with a file."""
    with open(__file__) as opened:
        return JsonResponse({"length": len(opened.read())})


@protected_resource("notes:read")
@asgi_view
def meeting_of_applications():
    """An ASGI application in which callers wait for each other."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await asyncio.wait_for(_loop["application"].wait(), PATIENCE)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


@protected_resource("notes:read")
@asgi_view
def ticking():
    """An ASGI application that never ends by itself."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        streams["open"] += 1
        try:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while True:
                await send({"type": "http.response.body", "body": b"data: tick\n\n", "more_body": True})
                await asyncio.sleep(0.2)
        finally:
            streams["open"] -= 1

    return app


async def open_streams(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"open": streams["open"]})


async def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("function", protected_resource("notes:read")(meet)),
    path("class", Meeting.as_view()),
    path("prefix/function", protected_resource()(meet)),
    path("threads/function", protected_resource("notes:read")(meet_in_threads)),
    path("threads/class", MeetingInThreads.as_view()),
    path("prefix/threads/function", protected_resource()(meet_in_threads)),
    path("threads/rest", RestMeeting.as_view()),
    path("ninja/", api.urls),
    path("sleepy", sleepy),
    path("reader", reader),
    path("health", health),
    path("application", meeting_of_applications),
    path("ticking", ticking),
    path("open-streams", open_streams),
]
