"""What operators say of the hosts of client ID metadata documents, and the clients that these describe."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Final, TypeAlias

from django.db.models import Q, QuerySet

from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.protocol.hosts import host_of, with_parents
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.storage.batches import batches, walk
from django_oauth_server.storage.transaction import atomic

Verdict: Final = DocumentHost.Verdict
_SEARCHED_FOR: Final = 10
"""Hosts for which the database searches the client IDs in one go."""
Place: TypeAlias = tuple[str, str]
"""An issuer, and a host of which one of its operators may say something."""


def verdict_of(issuer: str, host: str) -> DocumentHost.Verdict | None:
    """What an operator says of *host*: one statement. None: nothing.

    Whoever has a domain can make as many names below it as they like, so a host is also blocked by what is said of a domain that it is below; but
    others may be behind those names, so nobody vouches for more than they name. What is said of the host itself comes first.
    """
    return verdicts_of(issuer, [host])[host]


def verdicts_of(issuer: str, hosts: Collection[str]) -> dict[str, DocumentHost.Verdict | None]:
    """As `verdict_of`, of each of *hosts*: one statement for all."""
    names = {name for host in hosts for name in with_parents(host)}
    said = dict(DocumentHost.objects.filter(issuer=issuer, host__in=names).values_list("host", "verdict"))
    return {host: _verdict_by(said, host) for host in hosts}


def _verdict_by(said: Mapping[str, str], host: str) -> DocumentHost.Verdict | None:
    if host in said:
        return Verdict(said[host])
    return Verdict.BLOCKED if Verdict.BLOCKED in map(said.get, with_parents(host)) else None


def keep_verdict(verdict: DocumentHost.Verdict, hosts: Collection[DocumentHost], now: datetime) -> int:
    """Store *verdict* on each of *hosts*. Blocking ends all that people allow their clients; returns how many authorizations that were."""
    for host in hosts:
        host.verdict, host.updated_at = verdict, now
    named = [host.pk for host in hosts if host.pk]
    with atomic():
        # A row that met a conflict has a key, and is not there.
        stored = set(DocumentHost.objects.filter(pk__in=named).values_list("pk", flat=True))
        DocumentHost.objects.filter(pk__in=stored).update(verdict=verdict, updated_at=now)
        DocumentHost.objects.bulk_create([host for host in hosts if host.pk not in stored])
        return revoke_authorizations(_allowed(hosts), now) if verdict == Verdict.BLOCKED else 0


def forget_verdicts(hosts: Collection[DocumentHost], now: datetime) -> None:
    """Say nothing of *hosts* any more. Those that are blocked from then on, with a domain above them, end as any that is blocked."""
    with atomic():
        ended = blocked_without(hosts)
        DocumentHost.objects.filter(pk__in=[host.pk for host in hosts]).delete()
        revoke_authorizations(_allowed(ended), now)


def blocked_without(hosts: Collection[DocumentHost]) -> list[DocumentHost]:
    """Those of *hosts* that only an operator's word keeps from being blocked: a domain that they are below is, and stays so without *hosts*."""
    vouched = [host for host in hosts if host.verdict == Verdict.VOUCHED]
    names = {name for host in vouched for name in with_parents(host.host)}
    rows = DocumentHost.objects.filter(verdict=Verdict.BLOCKED, host__in=names).exclude(
        pk__in=[one.pk for one in hosts]
    )
    blocked = _places(rows)
    return [one for one in vouched if not blocked.isdisjoint((one.issuer, name) for name in with_parents(one.host))]


def verdicts_on(places: Collection[Place]) -> list[DocumentHost]:
    """What is said of *places* themselves, for whoever changes it: a new row where nothing is."""
    issuers, hosts = {issuer for issuer, _ in places}, {host for _, host in places}
    rows = DocumentHost.objects.filter(issuer__in=issuers, host__in=hosts)
    known = {(row.issuer, row.host): row for row in rows}
    return [known.get((issuer, host)) or DocumentHost(issuer=issuer, host=host) for issuer, host in places]


def clients_of(hosts: Collection[DocumentHost]) -> Iterator[Client]:
    """The clients whose documents are at *hosts*; of blocked ones those at the names below as well, but for names that an operator vouches for."""
    if not hosts:
        return
    said = {(host.issuer, host.host): host.verdict for host in hosts}
    blocked = {place for place, verdict in said.items() if verdict == Verdict.BLOCKED}
    vouched = DocumentHost.objects.filter(verdict=Verdict.VOUCHED, issuer__in={issuer for issuer, _ in blocked})
    spared = _places(vouched)
    for client in walk(_perhaps_at(said)):
        host = host_of(client.client_id)
        above = {(client.issuer, name) for name in with_parents(host)}
        is_spared = (client.issuer, host) in spared
        if (client.issuer, host) in said or not (is_spared or blocked.isdisjoint(above)):
            yield client


def reach_of(hosts: Collection[DocumentHost]) -> tuple[int, int]:
    """How many people allow the clients of *hosts* something today, and how many clients these are."""
    people: set[object] = set()
    clients = 0
    for some in batches(clients_of(hosts)):
        clients += len(some)
        people.update(Authorization.objects.filter(client__in=some, is_live=True).values_list("user", flat=True))
    return len(people), clients


def _allowed(hosts: Collection[DocumentHost]) -> Iterator[Authorization]:
    for some in batches(clients_of(hosts)):
        yield from walk(Authorization.objects.filter(client__in=some, is_live=True).select_related("client", "user"))


def _perhaps_at(places: Collection[Place]) -> QuerySet[Client]:
    """Clients of documents, those at *places* among them. Of many places the rows are all read: to search each for all of them takes longer."""
    described = Client.objects.filter(client_id__startswith="https://").exclude(source=Client.TABLE)
    if len(places) > _SEARCHED_FOR:
        return described.filter(issuer__in={issuer for issuer, _ in places})
    return described.filter(
        Q(*(Q(issuer=issuer, client_id__icontains=host) for issuer, host in places), _connector=Q.OR)
    )


def _places(rows: QuerySet[DocumentHost]) -> set[Place]:
    return set(rows.values_list("issuer", "host"))
