"""What the predecessor issued between the last run and the switch: adopted when it is first presented."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.core.checks import CheckMessage, Error

from django_oauth_server.adoption.adopt import adopt_code, is_due, keep
from django_oauth_server.adoption.source import Source
from django_oauth_server.adoption.sources import SOURCES, source_named
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.adoption import AdoptionSettings
from django_oauth_server.grants.predecessor import Predecessor
from django_oauth_server.issuer import Issuer
from django_oauth_server.storage.adoptions import find_adoption


class Adopted(Predecessor):
    """Off until a source is named. A source whose tables are gone is not asked; what was adopted of it stays good."""

    name = "adoption"
    settings_name = "adoption"
    settings_group = AdoptionSettings

    def enabled(self, settings: IssuerSettings) -> bool:
        return bool(settings.group(AdoptionSettings).source)

    def adopt_token(self, value: str, issuer: Issuer, now: datetime) -> bool:
        """Only what the last complete run cannot have seen: what was adopted once and has ended here stays ended."""
        source = _source(issuer)
        token = source.find_token(value, now) if source.is_there() else None
        if token is None:
            return False
        before, client = find_adoption(issuer.settings.issuer, source.name), find_client(issuer, token.client_id)
        if before is None or client is None or not is_due(token, client, before, issuer, now):
            return False
        kept = keep([token], {client.client_id: client}, source, issuer, now)
        return bool(kept["access_tokens"] + kept["refresh_tokens"] + kept["known"])

    def adopt_code(self, value: str, issuer: Issuer, now: datetime) -> bool:
        source = _source(issuer)
        if not source.is_there() or find_adoption(issuer.settings.issuer, source.name) is None:
            return False
        return adopt_code(value, source, issuer, now)

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        named = settings.group(AdoptionSettings).source
        try:
            source_named(named)
        except LookupError:
            yield Error(
                f"{settings.issuer}: adoption names the source {named!r}, which does not exist.",
                hint=f"Choose one of {', '.join(SOURCES)}, or the dotted path of your own source.",
                id="oauth_server.E017",
            )


def _source(issuer: Issuer) -> Source:
    return _named(issuer.settings.group(AdoptionSettings).source)


_named = lru_cache(source_named)
