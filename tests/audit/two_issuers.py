"""The URLs of two issuers, read when a test has set both."""

from django.urls import include, path

from django_oauth_server.registry import issuers
from django_oauth_server.urls import _include

urlpatterns = [*map(_include, issuers()), path("accounts/", include("django.contrib.auth.urls"))]
