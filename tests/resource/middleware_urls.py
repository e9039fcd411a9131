"""What stands below a protected prefix, and beside it."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_oauth_server.resource.django import open_resource, protected_resource
from tests.resource.urls import seen


def who(request: HttpRequest) -> JsonResponse:
    """What a view sees that asks for no token."""
    return JsonResponse({"user": request.user.get_username(), "authenticated": hasattr(request, "auth")})


def plain(request: HttpRequest) -> JsonResponse:
    return who(request)


async def plain_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"user": (await request.auser()).get_username(), "authenticated": hasattr(request, "auth")})


@protected_resource("notes:write")
def write(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request))


@open_resource
def health(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"authenticated": hasattr(request, "auth")})


api = [
    path("plain", plain),
    path("async", plain_async),
    path("write", write),
    path("health", health),
    path("reading/plain", plain),
]
urlpatterns = [path("api/", include(api)), path("apiary", health), path("page", health)]
