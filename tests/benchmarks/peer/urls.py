"""The authorization server, one protected REST framework view, and one that is open to anybody."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource.drf import BearerAuthentication, requires

OPAQUE = settings.OAUTH_SERVER["access_token_format"] == "opaque"


class Api(APIView):
    """Greets whom the token names: an opaque token was found with its user, a JWT says the subject."""

    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("read")]

    def get(self, request: Request) -> Response:
        return Response({"hello": request.user.username if OPAQUE else request.auth.subject})


class Open(APIView):
    """What a view costs without a token, as the floor's."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []

    def get(self, request: Request) -> Response:
        return Response({"hello": "world"})


urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("api", Api.as_view()),
    path("open", Open.as_view()),
]
