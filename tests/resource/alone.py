"""A project that only protects: run by itself, it serves a view and prints what it has imported."""

from __future__ import annotations

import json
import sys

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["django_oauth_server.resource"],
    OAUTH_RESOURCE_SERVER={"verifier": "tests.resource.verifiers.KnownTokens", "bindings": []},
    ROOT_URLCONF="__main__",
    SECRET_KEY="x" * 50,
)
django.setup()

from django_oauth_server.resource.django import protected_resource  # noqa: E402


@protected_resource("notes:read")
def notes(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"client": request.auth.client_id, "user": request.user and request.user.get_username()})


urlpatterns = [path("notes", notes)]


def serve(token: str) -> tuple[str, str]:
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/notes",
        "SERVER_NAME": "api.example",
        "SERVER_PORT": "443",
        "HTTP_AUTHORIZATION": token,
        "wsgi.input": sys.stdin.buffer,
        "wsgi.url_scheme": "https",
    }
    body = get_wsgi_application()(environ, lambda status, headers: told.append(status))
    return told[0], b"".join(body).decode()


answers = {token: serve(token) for token in ("Bearer reader", "Bearer client", "Bearer unknown", "")}
print(json.dumps({"answers": answers, "modules": sorted(sys.modules)}))
