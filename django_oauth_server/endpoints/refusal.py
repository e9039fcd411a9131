"""Every refusal is written down: for operators in the log, and for a while where the admin finds it by its reference."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from django_oauth_server.clients.throttling import source_of
from django_oauth_server.component import Component, Sweep
from django_oauth_server.conf.refusals import RefusalSettings
from django_oauth_server.errors import (
    AccessDenied,
    AccountSelectionRequired,
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    OAuthError,
    TemporarilyUnavailable,
    TooManyRequests,
)
from django_oauth_server.issuer import Issuer
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.protocol.log import get_log, redact
from django_oauth_server.storage.refusals import expired_refusals, keep

logger = get_log("django_oauth_server")

_NO_RULE: Final = (
    AccessDenied,
    AccountSelectionRequired,
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    TemporarilyUnavailable,
)
"""What a person said or has yet to say, and what the server cannot do now: the client broke no rule."""
_NAMED: Final = re.compile(r"\b[Tt]he parameter (\w+)")
_IN_A_QUERY: Final = re.compile(r"([?&#][^=&#\s'\"]*=)[^&#\s'\"]+")
_IN_FRONT_OF_A_HOST: Final = re.compile(r"(://)[^/@\s'\"]+@")


class Refusals(Component):
    """Refusals can be looked up in the admin by their reference."""

    name = "refusals"
    settings_name = "refusals"
    settings_group = RefusalSettings

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(gettext_lazy("expired refusals"), expired_refusals(expired), by="expires_at")


def note_refusal(exc: OAuthError, http: HttpRequest, issuer: Issuer) -> str:
    """Write down why; return the reference by which an operator finds it in the log, and in the admin for as long as the settings say."""
    reference = log_refusal(exc, http.path)
    kept_for = issuer.settings.group(RefusalSettings).kept_for
    if reference and kept_for and _breaks_a_rule(exc):
        now = timezone.now()
        keep(
            Refusal(
                reference=reference,
                refused_at=now,
                expires_at=now + kept_for,
                issuer=str(issuer),
                client_id=exc.client_id,
                endpoint=_quotable(http.path)[:255],
                error=exc.error,
                parameter=_parameter(exc)[:64],
                rule=_quotable(exc.rule)[:255],
                description=_quotable(exc.description),
                reason=_quotable(exc.detail),
            ),
            source_of(http, issuer),
        )
    return reference


def log_refusal(exc: OAuthError, endpoint: str) -> str:
    """Write down why, in the log alone. What is ordinary has no reference, and is told to whoever debugs."""
    reference = "" if exc.is_ordinary else secrets.token_hex(4).upper()
    client = f", client_id {exc.client_id!r}" if exc.client_id else ""
    level = logging.WARNING if reference else logging.DEBUG
    logger.log(level, "refused at %s: %s%s [%s]", endpoint, str(exc).rstrip("."), client, reference or "ordinary")
    return reference


def _breaks_a_rule(exc: OAuthError) -> bool:
    return isinstance(exc, TooManyRequests) or not isinstance(exc, _NO_RULE)


def _parameter(exc: OAuthError) -> str:
    """The parameter that is wrong; else the first that the description names."""
    found = _NAMED.search(exc.description)
    return exc.parameter or (found[1] if found else "")


def _quotable(text: str) -> str:
    """*text* as the log has it, without what addresses in it carry: of a query the names stay, which is what has to match."""
    return _IN_FRONT_OF_A_HOST.sub(r"\1...@", _IN_A_QUERY.sub(r"\1...", redact(text)))
