"""What operators say of the hosts of client ID metadata documents, and the clients that these describe."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.protocol.hosts import host_of, is_below, with_parents
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.storage.batches import batches, walk
from django_oauth_server.storage.transaction import atomic

Verdict: Final = DocumentHost.Verdict


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


def keep_verdict(host: DocumentHost, now: datetime) -> int:
    """Store what is said of *host*. Blocking ends all that people allow its clients; returns how many authorizations that were."""
    host.updated_at = now
    with atomic():
        host.save()
        return revoke_authorizations(_allowed(host), now) if host.verdict == Verdict.BLOCKED else 0


def forget_verdicts(hosts: Collection[DocumentHost], now: datetime) -> None:
    """Say nothing of *hosts* any more. Those that are blocked from then on, with a domain above them, end as any that is blocked."""
    with atomic():
        ended = blocked_without(hosts)
        DocumentHost.objects.filter(pk__in=[host.pk for host in hosts]).delete()
        revoke_authorizations((one for host in ended for one in _allowed(host)), now)


def blocked_without(hosts: Collection[DocumentHost]) -> list[DocumentHost]:
    """Those of *hosts* that only an operator's word keeps from being blocked: a domain that they are below is, and stays so without *hosts*."""
    blocked = DocumentHost.objects.filter(verdict=Verdict.BLOCKED).exclude(pk__in=[host.pk for host in hosts])
    vouched = [host for host in hosts if host.verdict == Verdict.VOUCHED]
    return [one for one in vouched if blocked.filter(issuer=one.issuer, host__in=[*with_parents(one.host)]).exists()]


def verdict_on(issuer: str, host: str) -> DocumentHost:
    """What is said of *host* itself, for whoever changes it: a new row where nothing is."""
    known = DocumentHost.objects.filter(issuer=issuer, host=host).first()
    return known or DocumentHost(issuer=issuer, host=host)


def clients_of(host: DocumentHost) -> Iterator[Client]:
    """The clients whose documents are at *host*; of a blocked one those at the names below it as well, but for names that an operator vouches for."""
    rows = Client.objects.filter(issuer=host.issuer, client_id__startswith="https://", client_id__icontains=host.host)
    vouched = DocumentHost.objects.filter(issuer=host.issuer, verdict=Verdict.VOUCHED).exclude(host=host.host)
    spared = set(vouched.values_list("host", flat=True)) if host.verdict == Verdict.BLOCKED else set()
    for client in walk(rows.exclude(source=Client.TABLE)):
        theirs = host_of(client.client_id)
        below = host.verdict == Verdict.BLOCKED and is_below(theirs, host.host)
        if theirs == host.host or (below and theirs not in spared):
            yield client


def reach_of(hosts: Iterable[DocumentHost]) -> tuple[int, int]:
    """How many people allow the clients of *hosts* something today, and how many clients these are."""
    people: set[object] = set()
    clients = 0
    for some in batches(client for host in hosts for client in clients_of(host)):
        clients += len(some)
        people.update(Authorization.objects.filter(client__in=some, is_live=True).values_list("user", flat=True))
    return len(people), clients


def _allowed(host: DocumentHost) -> Iterator[Authorization]:
    for client in clients_of(host):
        yield from walk(Authorization.objects.filter(client=client, is_live=True).select_related("client", "user"))
