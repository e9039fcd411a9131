"""django-oauth-toolkit's addresses and URL names: `path("o/", include("django_oauth_server.urls.oauth_toolkit"))`."""

from __future__ import annotations

from django_oauth_server.adoption.addresses import OAUTH_TOOLKIT
from django_oauth_server.urls.former import former_urls

app_name = OAUTH_TOOLKIT.app_name
urlpatterns = list(former_urls(OAUTH_TOOLKIT))
