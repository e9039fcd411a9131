"""Metadata, and nothing that is protected."""

from django.urls import include, path

urlpatterns = [path("", include("django_oauth_server.resource.urls"))]
