"""django-allauth's addresses and URL names: `path("", include("django_oauth_server.urls.allauth_idp"))`, in place of `allauth.idp.urls`."""

from __future__ import annotations

from django.urls import include, path

from django_oauth_server.adoption.allauth_idp import AllauthIdP
from django_oauth_server.urls.former import former_urls

app_name, _inner = AllauthIdP.addresses.app_name.split(":")
urlpatterns = [path("", include((list(former_urls(AllauthIdP.addresses)), _inner)))]
