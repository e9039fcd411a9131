"""How long what was handed out can live: what stands behind it has to be kept as long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Max

from django_oauth_server.conf import IssuerSettings, Resource
from django_oauth_server.models import Client


def longest_token_lifetime(*issuers: IssuerSettings) -> timedelta:
    """How long the longest-lived access token of *issuers* may live: by their own settings, their resources' or a client's. One statement."""
    clients = Client.objects.filter(issuer__in=[one.issuer for one in issuers])
    of_clients: timedelta | None = clients.aggregate(longest=Max("access_token_lifetime"))["longest"]
    return max(filter(None, (of_clients, *(lifetime for one in issuers for lifetime in _declared(one)))))


def _declared(settings: IssuerSettings) -> Iterator[timedelta | None]:
    yield settings.access_token_lifetime
    yield from (one.access_token_lifetime for one in settings.resources.values() if isinstance(one, Resource))
