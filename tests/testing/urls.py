"""One resource by each mechanism: what the token says, as JSON."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.drf import BearerAuthentication, requires
from django_oauth_server.resource.token import VerifiedToken


def told(token: VerifiedToken) -> dict[str, object]:
    return {
        "issuer": token.issuer,
        "subject": token.subject,
        "client": token.client_id,
        "scopes": sorted(token.scopes),
        "audience": list(token.audience),
        "acr": token.acr,
    }


@protected_resource("notes:read")
def notes(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(request.auth))


@protected_resource("notes:read")
async def async_notes(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(request.auth))


@protected_resource(caller="person", acr_values=["phr"], max_age=timedelta(minutes=5))
def stepped_up(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(request.auth))


class RestNotes(APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response(told(request.auth))


urlpatterns = [
    path("notes", notes),
    path("async-notes", async_notes),
    path("rest-notes", RestNotes.as_view()),
    path("stepped-up", stepped_up),
]
