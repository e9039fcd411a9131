"""When and how the person at this browser signed in: facts of the session, never of the account, whose `last_login` may be another browser's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Final

from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils.module_loading import import_string

from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.opaque import digest

_KEY: Final = "oauth_server"
_PASSWORD_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
_OTP_DEVICE: Final = "otp_device_id"
"""Where django-otp keeps which device confirmed the session."""
_ALLAUTH: Final = "account_authentication_methods"
"""Where django-allauth keeps what a person signed in with, and when."""
_AMR: Final[Mapping[str, str]] = {
    "password": "pwd",
    "code": "otp",
    "totp": "otp",
    "recovery_codes": "otp",
    "webauthn": "pop",
}
"""From django-allauth's words to those of RFC 8176."""


@dataclass(frozen=True, slots=True)
class Authentication:
    """When and how somebody signed in, as the setting `authentication` tells it."""

    at: datetime | None = None
    """None: not known, as of a session that is older than this app. Who needs to know has the person sign in again."""
    methods: tuple[str, ...] = ()
    """Authentication method references (RFC 8176): `pwd`, `otp`, `mfa` …"""
    acr: str = ""
    """The authentication context class that was reached; one of the setting `acr_values`."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A sign-in session as relying parties are told of it."""

    sid: str = ""
    """Its identifier, which says nothing of Django's session key. Each client knows it by another (`sid_for`)."""
    authentication: Authentication = Authentication()
    session_digest: str = ""
    """Of Django's session key."""
    expires_at: datetime | None = None
    """When it expires at the latest, if nobody comes back to it."""

    def claims(self) -> dict[str, object]:
        """`auth_time`, `acr` and `amr` (OpenID Connect Core section 2), those that are known."""
        known = self.authentication
        found = {"auth_time": known.at and int(known.at.timestamp()), "acr": known.acr, "amr": list(known.methods)}
        return {name: value for name, value in found.items() if value}


def authentication(request: HttpRequest) -> Authentication:
    """The default of the setting `authentication`: what was noted at sign-in, and what django-allauth and django-otp say where they are used."""
    records = _allauth_records(request)
    moments = [_kept(request).get("auth_time"), *(record.get("at") for record in records)]
    latest = max((float(moment) for moment in moments if isinstance(moment, (int, float))), default=None)
    at = datetime.fromtimestamp(latest, UTC) if latest is not None else None
    return Authentication(at, tuple(dict.fromkeys(_methods(request, records))))


def session_facts(http: HttpRequest, issuer: Issuer) -> SessionFacts:
    """The facts of the session of *http*, in which somebody is signed in."""
    facts = import_string(issuer.settings.authentication)(http)
    return SessionFacts(_sid(http), facts, digest(http.session.session_key or ""), http.session.get_expiry_date())


def session_id(http: HttpRequest) -> str:
    """Its `sid`; empty where nobody signed in since this app was installed."""
    return str(_kept(http).get("sid", ""))


def note_sign_in(sender: object, request: HttpRequest, **_: object) -> None:
    """Somebody signed in just now. One who was signed in already stays in the same session: Django has emptied another's."""
    if hasattr(request, "session"):
        request.session[_KEY] = {"sid": _new_sid(), **_kept(request), "auth_time": time()}


def _sid(http: HttpRequest) -> str:
    if not session_id(http):
        http.session[_KEY] = {**_kept(http), "sid": _new_sid()}
    return session_id(http)


def _new_sid() -> str:
    return secrets.token_urlsafe(24)


def _kept(request: HttpRequest) -> Mapping[str, object]:
    kept = request.session.get(_KEY, {})
    return kept if isinstance(kept, dict) else {}


def _allauth_records(request: HttpRequest) -> list[Mapping[str, object]]:
    records = request.session.get(_ALLAUTH, [])
    return [record for record in records if isinstance(record, dict)] if isinstance(records, list) else []


def _methods(request: HttpRequest, records: list[Mapping[str, object]]) -> Iterator[str]:
    used = [_AMR[str(kind)] for record in records if (kind := record.get("type") or record.get("method")) in _AMR]
    if not records and request.session.get(BACKEND_SESSION_KEY) == _PASSWORD_BACKEND:
        used.append("pwd")
    if request.session.get(_OTP_DEVICE):
        used.append("otp")
    yield from used
    if len(set(used)) > 1:
        yield "mfa"


user_logged_in.connect(note_sign_in, dispatch_uid="oauth_server.note_sign_in")
