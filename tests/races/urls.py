"""The authorization server beside one protected view."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_oauth_server.resource.django import protected_resource


@protected_resource("notes:read")
def notes(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("", include("tests.urls")), path("notes", notes)]
