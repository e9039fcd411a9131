"""What depends on a token says so to caches, and needs no sign-in of another kind, whichever way it is protected."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import include, path
from ninja import NinjaAPI as PlainAPI
from ninja.errors import HttpError
from ninja.security import django_auth
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource

pytestmark = pytest.mark.urls(__name__)


@protected_resource("notes:read")
def function(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={"Vary": "Cookie"})


@protected_resource("notes:read")
async def async_function(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@protected_resource("notes:read")
def streaming(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(["a", "b"])


@protected_resource("notes:read")
async def async_streaming(request: HttpRequest) -> StreamingHttpResponse:
    async def parts():
        yield "a"

    return StreamingHttpResponse(parts())


class Class(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class AsyncClass(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class Rest(APIView):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response()


class Failing(Rest):
    def get(self, request: Request) -> Response:
        raise Http404


class Denying(Rest):
    def get(self, request: Request) -> Response:
        raise PermissionDenied


class Plain(Rest):
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse()


class Set(ViewSet):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires_by_action(list="notes:read")]

    def list(self, request: Request) -> Response:
        return Response()


def add_operations(api: PlainAPI) -> PlainAPI:
    @api.get("value", auth=ninja.requires("notes:read"))
    def value(request: HttpRequest) -> str:
        return "in"

    @api.get("response", auth=ninja.requires("notes:read"))
    def response(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    @api.get("streaming", auth=[ninja.requires("notes:read"), django_auth])
    def ninja_streaming(request: HttpRequest) -> StreamingHttpResponse:
        return StreamingHttpResponse(["a"])

    @api.get("failing", auth=ninja.requires("notes:read"))
    def failing(request: HttpRequest) -> str:
        raise HttpError(404, "missing")

    @api.get("number", auth=ninja.requires("notes:read"))
    def number(request: HttpRequest, n: int) -> str:
        return "in"

    @api.get("async", auth=ninja.requires("notes:read"))
    async def async_value(request: HttpRequest) -> str:
        return "in"

    @api.get("half", auth=django_auth)
    def half(request: HttpRequest) -> str:
        return "in"

    @api.post("half", auth=ninja.requires("notes:read"))
    def other_half(request: HttpRequest) -> str:
        return "in"

    @api.get("open")
    def unprotected(request: HttpRequest) -> str:
        return "in"

    return api


def open_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("function", function),
    path("async-function", async_function),
    path("streaming", streaming),
    path("async-streaming", async_streaming),
    path("class", Class.as_view()),
    path("async-class", AsyncClass.as_view()),
    path("rest", Rest.as_view()),
    path("rest-failing", Failing.as_view()),
    path("rest-denying", Denying.as_view()),
    path("rest-plain", Plain.as_view()),
    path("rest-open", Rest.as_view(permission_classes=[AllowAny])),
    path("rest-person", Rest.as_view(permission_classes=[IsAuthenticated])),
    path(
        "rest-session-first",
        Rest.as_view(authentication_classes=[SessionAuthentication, drf.BearerAuthentication]),
    ),
    path("rest-set", Set.as_view({"get": "list"})),
    path("plain/", add_operations(PlainAPI(urls_namespace="caches-plain")).urls),
    path("own/", add_operations(ninja.NinjaAPI(urls_namespace="caches-own")).urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("page", open_page),
]

OPERATIONS = ["value", "response", "streaming", "failing", "number", "async"]
PROTECTED = [
    "/function",
    "/async-function",
    "/streaming",
    "/async-streaming",
    "/class",
    "/async-class",
    "/rest",
    "/rest-failing",
    "/rest-denying",
    "/rest-plain",
    "/rest-session-first",
    "/rest-set",
    *(f"/{api}/{name}" for api in ("plain", "own") for name in OPERATIONS),
]
EVERY = pytest.mark.parametrize("at", PROTECTED)


def wsgi(at: str, token: str, method: str = "get") -> HttpResponse:
    return getattr(Client(), method)(at, headers=_headers(token))


def asgi(at: str, token: str, method: str = "get") -> HttpResponse:
    return async_to_sync(getattr(AsyncClient(), method))(at, headers=_headers(token))


def _headers(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def varies_by(response: HttpResponse) -> set[str]:
    return {name.strip() for name in response.get("Vary", "").split(",")}


@pytest.mark.spec("RFC 9110", "12.5.5")
@pytest.mark.parametrize("call", [wsgi, asgi])
@EVERY
def test_granted_and_refused_responses_vary_by_the_token(call, at):
    statuses = set()
    for token in ("reader", "", "bare", "unknown", "outage", "a b"):
        response = call(at, token)
        statuses.add(response.status_code)
        assert "Authorization" in varies_by(response), (token, response.status_code)
    assert statuses >= {401, 403, 503, 400}


@pytest.mark.parametrize("at", ["/rest-open", "/rest-person"])
@pytest.mark.parametrize("token", ["", "reader", "unknown"])
def test_so_do_views_that_read_tokens_and_require_nothing_of_them(at, token):
    assert "Authorization" in varies_by(wsgi(at, token))


def test_what_a_view_varies_by_besides_stays():
    assert varies_by(wsgi("/function", "reader")) >= {"Authorization", "Cookie"}
    assert varies_by(wsgi("/rest", "reader")) >= {"Authorization", "Accept"}


@pytest.mark.parametrize("at", ["/page", "/plain/open", "/own/open"])
def test_what_reads_no_token_varies_by_none(at):
    assert "Authorization" not in varies_by(wsgi(at, "reader"))


@pytest.fixture
def sign_in_everywhere(settings):
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]


@pytest.mark.usefixtures("sign_in_everywhere")
@pytest.mark.parametrize("call", [wsgi, asgi])
@EVERY
def test_the_sign_in_middleware_leaves_what_asks_for_a_token_alone(call, at):
    assert call(at, "").status_code == 401
    assert call(at, "reader").status_code in {200, 403, 404, 422}


@pytest.mark.usefixtures("sign_in_everywhere")
@pytest.mark.parametrize("at", ["/page", "/plain/open", "/own/open", "/plain/half", "/own/half"])
def test_it_goes_on_to_ask_for_the_rest(at):
    assert wsgi(at, "reader").status_code == 302
