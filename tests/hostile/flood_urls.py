"""One protected resource by every mechanism."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import drf
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource

MECHANISMS = ["function", "async-function", "class", "async-class", "rest", "prefix/function", "prefix/async-function"]


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


urlpatterns = [
    path("function", protected_resource("notes:read")(function)),
    path("async-function", protected_resource("notes:read")(async_function)),
    path("class", ClassView.as_view()),
    path("async-class", AsyncClassView.as_view()),
    path("rest", RestView.as_view()),
    path("prefix/function", function),
    path("prefix/async-function", async_function),
]
