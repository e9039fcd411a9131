"""As it was: django-oauth-toolkit's URLs, and an API behind its permission classes."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasScope
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Notes(APIView):
    authentication_classes = [OAuth2Authentication]
    permission_classes = [TokenHasScope]
    required_scopes = ["notes:read"]

    def get(self, request: Request) -> Response:
        return Response({"for": request.user.username if request.user else None})


urlpatterns = [
    path("o/", include("oauth2_provider.urls")),
    path("admin/", admin.site.urls),
    path("api/notes/", Notes.as_view()),
]

if settings.STAGE == "beside":
    urlpatterns += [path("", include("django_oauth_server.urls"))]
