"""Migrate, register the two clients of the benchmark, let a person allow one of them, and print what the runner needs."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - after the settings
from django.core.management import call_command  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.utils import timezone  # noqa: E402

from django_oauth_server.clients.registration import create_client  # noqa: E402
from django_oauth_server.grants.allow import record_consent  # noqa: E402
from django_oauth_server.grants.base import Issuance  # noqa: E402
from django_oauth_server.models import Client  # noqa: E402
from django_oauth_server.registry import default_issuer  # noqa: E402
from django_oauth_server.tokens.issue import issue  # noqa: E402

REDIRECT_URI = "http://127.0.0.1:9/cb"

call_command("migrate", verbosity=0)
issuer, now = default_issuer(), timezone.now()
person, _ = get_user_model().objects.get_or_create(username="alice")
Client.objects.all().delete()

create_client(
    {"client_name": "bench", "grant_types": ["client_credentials"], "response_types": [], "scope": "read"},
    issuer,
    client_id="bench",
    client_secret="bench-secret",
)
web, _ = create_client(
    {
        "client_name": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [REDIRECT_URI],
        "scope": "read",
    },
    issuer,
    client_id="web",
    client_secret="web-secret",
)
authorization = record_consent(None, web, person, ["read"], [issuer.settings.default_resource], issuer, now)

web.access_token_lifetime = timedelta(
    days=1
)  # this one token outlives any run; what the flow issues lives as the issuer has it
issuance = Issuance(client=web, authorization=authorization, scopes=frozenset({"read"}))
token = issue(issuance, (), issuer, now)["access_token"]

browser = Browser()
browser.force_login(person)
found = {
    "token": issuer.url_path("token"),
    "introspect": issuer.url_path("introspect"),
    "authorize": issuer.url_path("authorize"),
    "api": "/api",
    "open": "/open",
    "client_id": "bench",
    "client_secret": "bench-secret",
    "web_id": "web",
    "web_secret": "web-secret",
    "redirect_uri": REDIRECT_URI,
    "access_token": token,
    "cookie": f"sessionid={browser.cookies['sessionid'].value}",
}
print(json.dumps(found))
