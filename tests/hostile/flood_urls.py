"""One protected resource by every mechanism."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource

MECHANISMS = [
    "function",
    "async-function",
    "class",
    "async-class",
    "rest",
    "ninja/operation",
    "ninja/async-operation",
    "prefix/function",
    "prefix/async-function",
]


def function(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


async def async_function(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class ClassView(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    post = get


class AsyncClassView(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    post = get


class RestView(APIView):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response()

    post = get


api = NinjaAPI(urls_namespace="flood", docs_url=None)


@api.api_operation(["GET", "POST"], "operation", auth=ninja.requires("notes:read"))
def operation(request: HttpRequest) -> None:
    return None


@api.api_operation(["GET", "POST"], "async-operation", auth=ninja.requires("notes:read"))
async def async_operation(request: HttpRequest) -> None:
    return None


urlpatterns = [
    path("function", protected_resource("notes:read")(function)),
    path("async-function", protected_resource("notes:read")(async_function)),
    path("class", ClassView.as_view()),
    path("async-class", AsyncClassView.as_view()),
    path("rest", RestView.as_view()),
    path("ninja/", api.urls),
    path("prefix/function", function),
    path("prefix/async-function", async_function),
]
