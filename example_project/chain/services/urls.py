"""The one route of this service, and its metadata (RFC 9728)."""

from django.conf import settings
from django.urls import include, path

from services import views

urlpatterns = [
    path("", include("django_oauth_server.resource.urls")),
    path(settings.SERVICE, getattr(views, settings.SERVICE)),
]
