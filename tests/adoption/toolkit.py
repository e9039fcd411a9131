"""What django-oauth-toolkit stores, by its own models."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.utils import timezone

SECRET = "a-secret-that-the-toolkit-made-" + "x" * 97
REDIRECT = "https://app.example/callback"


class Toolkit:
    """A deployment of it, with its data."""

    def model(self, name: str) -> Any:
        return apps.get_model("oauth2_provider", name)

    def knows(self, model: str, field: str) -> bool:
        """Whether its version has the field: tests run with older ones as well."""
        return any(one.name == field for one in self.model(model)._meta.get_fields())

    def needs(self, model: str, field: str) -> None:
        """Skip the test where its version cannot do what it is about."""
        if not self.knows(model, field):
            pytest.skip(f"{model} has no {field}")

    def application(self, **values: Any) -> Any:
        usual = {
            "client_id": uuid.uuid4().hex,
            "name": "Notebook",
            "client_type": "confidential",
            "authorization_grant_type": "authorization-code",
            "redirect_uris": REDIRECT,
            "client_secret": SECRET,
        }
        return self.model("Application").objects.create(**(usual | values))

    def access_token(self, application: Any, user: Any = None, **values: Any) -> str:
        """Its value."""
        value = uuid.uuid4().hex
        self.model("AccessToken").objects.create(**self._access(value, application, user) | values)
        return value

    def pair(
        self, application: Any, user: Any, *, scope: str = "notes:read", family: uuid.UUID | None = None
    ) -> tuple[str, str]:
        """The values of an access token and the refresh token that came with it."""
        access, refresh = uuid.uuid4().hex, uuid.uuid4().hex
        row = self.model("AccessToken").objects.create(**self._access(access, application, user) | {"scope": scope})
        families = {"token_family": family or uuid.uuid4()} if self.knows("RefreshToken", "token_family") else {}
        self.model("RefreshToken").objects.create(
            token=refresh, application=application, user=user, access_token=row, **families
        )
        return access, refresh

    def rotate(self, refresh: str) -> tuple[str, str]:
        """As the toolkit does it."""
        row = self.model("RefreshToken").objects.get(token=refresh)
        scope, family = row.access_token.scope, getattr(row, "token_family", None)
        row.revoke()
        return self.pair(row.application, row.user, scope=scope, family=family)

    def grant(self, application: Any, user: Any, **values: Any) -> str:
        """An authorization code."""
        code = uuid.uuid4().hex[:30]
        usual = {
            "code": code,
            "application": application,
            "user": user,
            "redirect_uri": REDIRECT,
            "scope": "notes:read",
            "expires": timezone.now() + timedelta(seconds=60),
        }
        self.model("Grant").objects.create(**usual | values)
        return code

    def _access(self, value: str, application: Any, user: Any) -> dict[str, Any]:
        expires = timezone.now() + timedelta(hours=10)
        return {"token": value, "application": application, "user": user, "scope": "notes:read", "expires": expires}


def adopt(*flags: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("adopt", "oauth_toolkit", *flags, stdout=out)
    return out.getvalue()
