"""The URLs of two issuers, read when a test has set both, and an API of the first."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_oauth_server.registry import issuers
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.urls import _IssuerURLs


@protected_resource()
def api(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"subject": request.auth.subject})


urlpatterns = [
    *map(_IssuerURLs, issuers()),
    path("accounts/", include("django.contrib.auth.urls")),
    path("api", api),
]
