"""The authorization server beside allauth's pages."""

from django.urls import include, path

urlpatterns = [path("", include("django_oauth_server.urls")), path("accounts/", include("allauth.urls"))]
