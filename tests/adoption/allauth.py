"""What django-allauth stores as an OpenID Provider, by its own models."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

SECRET = "a-secret-that-allauth-made"
REDIRECT = "https://app.example/callback"


class Allauth:
    """A deployment of it, with its data."""

    def model(self, name: str) -> Any:
        return apps.get_model("allauth_idp_oidc", name)

    def client(self, **values: Any) -> Any:
        usual = {
            "name": "Notebook",
            "redirect_uris": REDIRECT,
            "grant_types": "authorization_code\nrefresh_token",
            "scopes": "openid\nnotes:read",
        }
        client = self.model("Client")(**(usual | values))
        client.set_secret(SECRET)
        client.save()
        return client

    def token(self, kind: str, client: Any, user: Any, grant_id: str = "", **data: Any) -> str:
        """Its value."""
        value = uuid.uuid4().hex
        row = self.model("Token")(type=kind, client=client, user=user, data={"grant_id": grant_id, **data})
        row.set_value(value)
        row.set_scopes(["openid", "notes:read"])
        row.expires_at = None if kind == "rt" else timezone.now() + timedelta(minutes=5)
        row.save()
        return value


def adopt(*flags: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("adopt", "allauth_idp", *flags, stdout=out)
    return out.getvalue()
