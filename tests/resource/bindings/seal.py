"""A binding as a project might have one: the key is a word, and a header that repeats it is the proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.core.checks import CheckMessage, Warning
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import ninja
from django_oauth_server.resource.bindings.base import Call, TokenBinding, Unproven
from django_oauth_server.resource.challenge import INVALID_TOKEN
from django_oauth_server.resource.django import ProtectedResourceMixin, open_resource, protected_resource
from django_oauth_server.resource.drf import BearerAuthentication, requires
from django_oauth_server.resource.spectacular import ProtectedSchema
from django_oauth_server.resource.token import VerifiedToken
from django_oauth_server.resource.verifiers.base import CannotVerify
from tests.resource.verifiers import KnownTokens, make_token

SEALED = {"seal": "rose"}


@dataclass(frozen=True, kw_only=True)
class SealSettings:
    colours: tuple[str, ...] = ("red",)
    strict: bool = False

    def __post_init__(self) -> None:
        if not self.colours:
            raise ValueError("colours names no colour.")


class Seal(TokenBinding):
    name = "seal"
    member = "seal"
    scheme = "Seal"
    request_headers = frozenset({"Seal"})
    settings_name = "seal"
    settings_group = SealSettings
    settings: SealSettings

    asked = 0

    def judge(self, call: Call) -> Mapping[str, str]:
        Seal.asked += 1
        shown = call.request.headers.get("Seal", "")
        if shown == "away":
            raise CannotVerify("nobody looks at seals now")
        if shown != call.token.confirmation["seal"]:
            challenge = replace(INVALID_TOKEN, error="broken_seal")
            raise Unproven("its seal is broken", challenge, headers={"Next-Seal": "tulip"})
        return {"Next-Seal": "lily"}

    def challenge(self) -> Mapping[str, str]:
        return {"colours": " ".join(self.settings.colours)}

    def metadata(self) -> Mapping[str, object]:
        return {"seal_colours": list(self.settings.colours)}

    def required_metadata(self) -> Mapping[str, object]:
        return {"seals_required": True}

    def security_scheme(self) -> Mapping[str, object]:
        return {"type": "apiKey", "in": "header", "name": "Seal"}

    def checks(self, resources: Sequence[str]) -> Iterable[CheckMessage]:
        yield Warning(f"Seals of {', '.join(resources)} melt.", id="tests.W001")


class Other(Seal):
    """Knows the same member."""


class Tokens(KnownTokens):
    def verify(self, token: str) -> VerifiedToken:
        if token == "sealed":
            return replace(make_token("notes:read"), confirmation=SEALED)
        if token == "certified":
            return replace(make_token("notes:read"), confirmation={"x5t#S256": "a certificate"})
        if token == "both":
            return replace(make_token("notes:read"), confirmation=SEALED | {"x5t#S256": "a certificate"})
        return super().verify(token)

    async def averify(self, token: str) -> VerifiedToken:
        return self.verify(token)


def said(request: HttpRequest | Request) -> dict[str, object]:
    return {"scheme": request.auth.scheme, "confirmation": dict(request.auth.confirmation)}


class RestView(APIView):
    schema = ProtectedSchema()
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response(said(request))

    post = get


class RestBound(RestView):
    permission_classes = [requires("notes:read", bound=True)]


@protected_resource("notes:read")
def function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(said(request))


class ClassView(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(said(request))

    post = get


@protected_resource("notes:read")
async def async_function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(said(request))


class AsyncClassView(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    async def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(said(request))


@protected_resource("notes:read", bound=True)
def bound(request: HttpRequest) -> JsonResponse:
    return JsonResponse(said(request))


@protected_resource("admin")
def admin(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


def plain(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"scheme": "", "confirmation": {}})


@open_resource
def open_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("open")


api = NinjaAPI(urls_namespace="seal", docs_url=None)


@api.get("/sync", auth=ninja.requires("notes:read"))
def sync_operation(request: HttpRequest) -> dict[str, object]:
    return said(request)


@api.get("/bound", auth=ninja.requires("notes:read", bound=True))
def bound_operation(request: HttpRequest) -> dict[str, object]:
    return said(request)


async_api = NinjaAPI(urls_namespace="async seal", docs_url=None)


@async_api.get("/operation", auth=ninja.requires("notes:read"))
async def async_operation(request: HttpRequest) -> dict[str, object]:
    return said(request)


urlpatterns = [
    path("rest", RestView.as_view()),
    path("rest-bound", RestBound.as_view()),
    path("function", function),
    path("class", ClassView.as_view()),
    path("async-function", async_function),
    path("async-class", AsyncClassView.as_view()),
    path("ninja/", api.urls),
    path("async-ninja/", async_api.urls),
    path("prefix/plain", plain),
    path("prefix/open", open_view),
    path("prefix/function", function),
    path("bound", bound),
    path("admin", admin),
]
MECHANISMS = (
    "/rest",
    "/function",
    "/class",
    "/async-function",
    "/async-class",
    "/ninja/sync",
    "/async-ninja/operation",
    "/prefix/plain",
    "/prefix/function",
)
