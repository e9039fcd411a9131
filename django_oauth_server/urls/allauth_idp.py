"""django-allauth's addresses and URL names: `path("", include("django_oauth_server.urls.allauth_idp"))`, in place of `allauth.idp.urls`."""

from __future__ import annotations

from django.urls import include, path

from django_oauth_server.adoption.addresses import ALLAUTH_IDP
from django_oauth_server.urls.former import former_urls

app_name, _inner = ALLAUTH_IDP.app_name.split(":")
urlpatterns = [path("", include((list(former_urls(ALLAUTH_IDP)), _inner)))]
