"""The authorization server, and one protected REST framework view."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource.drf import BearerAuthentication, requires


class Api(APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response({"hello": "world"})


urlpatterns = [path("", include("django_oauth_server.urls")), path("api", Api.as_view())]
