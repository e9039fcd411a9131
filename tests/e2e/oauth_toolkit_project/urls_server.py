"""As it is then: our URLs, the former addresses, and the same API behind ours."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource.drf import BearerAuthentication, requires


class Notes(APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response({"for": request.user.username or None})


urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("o/", include("django_oauth_server.urls.oauth_toolkit")),
    path("admin/", admin.site.urls),
    path("api/notes/", Notes.as_view()),
]
