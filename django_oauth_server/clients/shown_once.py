"""New secrets: each is shown once. Neither the database, a session nor a message holds one: the browser brings it, encrypted, for a moment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.keys.encryption import SHOWN_ONCE, Undecipherable, decrypt, encrypt

_COOKIE: Final = "oauth_shown_once"
_SECONDS: Final = 120
"""How long the way from the form to the page may take."""


def hand_over(
    response: HttpResponse, http: HttpRequest, at: str, row: Model, said: Mapping[str, object], settings: IssuerSettings
) -> None:
    """Have the browser bring *said* to the page *at*, for this person and *row* alone."""
    sealed = {"for": _bound_to(http, row), **said}
    response.set_cookie(
        _COOKIE,
        encrypt(json.dumps(sealed).encode(), settings, purpose=SHOWN_ONCE),
        max_age=_SECONDS,
        path=at,
        secure=http.is_secure(),
        httponly=True,
        samesite="Strict",
    )


def handed_over(http: HttpRequest, row: Model, settings: IssuerSettings) -> dict[str, Any] | None:
    """What the browser brings; None where it brings nothing, or what is another's."""
    try:
        plain = decrypt(http.COOKIES.get(_COOKIE, ""), settings, purpose=SHOWN_ONCE)
    except Undecipherable:
        return None
    known: dict[str, Any] = json.loads(plain)
    return known if known["for"] == _bound_to(http, row) else None


def forget(response: HttpResponse, http: HttpRequest) -> None:
    """Have the browser bring nothing to this page any more."""
    response.delete_cookie(_COOKIE, path=http.path, samesite="Strict")


def _bound_to(http: HttpRequest, row: Model) -> list[str]:
    return [str(http.user.pk), row._meta.label, str(row.pk)]
