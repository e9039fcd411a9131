"""The authorization server beside what it protects."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.drf import BearerAuthentication, requires


@protected_resource("notes:read")
def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@protected_resource("notes:read")
async def async_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class RestView(APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response()

    post = get


urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("api/view", view),
    path("api/async-view", async_view),
    path("api/rest-view", RestView.as_view()),
]
