"""django-oauth-toolkit's addresses and URL names: `path("o/", include("django_oauth_server.urls.oauth_toolkit"))`."""

from __future__ import annotations

from django_oauth_server.adoption.oauth_toolkit import OAuthToolkit
from django_oauth_server.urls.former import former_urls

app_name = OAuthToolkit.addresses.app_name
urlpatterns = list(former_urls(OAuthToolkit.addresses))
