"""What an operator says of a host, and whom it concerns."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.utils import timezone

from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.protocol.hosts import read_host
from django_oauth_server.storage import document_hosts
from django_oauth_server.storage.document_hosts import clients_of, forget_verdicts, keep_verdict, verdict_of
from django_oauth_server.storage.transaction import Conflict, atomic
from tests.factories import AuthorizationFactory, ClientFactory

Verdict = DocumentHost.Verdict
ISSUER = "https://as.example"


def say(host: str, verdict: str, issuer: str = ISSUER) -> DocumentHost:
    return DocumentHost.objects.create(issuer=issuer, host=host, verdict=verdict)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        ("apps.example", "vouched"),
        ("team.apps.example", None),
        ("evil.example", "blocked"),
        ("a.b.evil.example", "blocked"),
        ("known.evil.example", "vouched"),
        ("below.known.evil.example", "blocked"),
        ("notevil.example", None),
        ("example", None),
        ("of.another.issuer", None),
    ],
)
def test_a_host_is_blocked_with_all_below_it_and_vouched_for_alone(host: str, verdict: str | None) -> None:
    say("apps.example", "vouched")
    say("evil.example", "blocked")
    say("known.evil.example", "vouched")
    say("of.another.issuer", "blocked", "https://other.example")
    assert verdict_of(ISSUER, host) == verdict


@pytest.mark.django_db
def test_a_verdict_is_one_statement(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(1):  # type: ignore[operator]
        verdict_of(ISSUER, "a.b.c.d.example")


@pytest.mark.django_db
def test_blocking_ends_what_people_allow_the_clients_of_the_host() -> None:
    say("known.evil.example", "vouched")
    kept = [
        described("https://known.evil.example/app.json"),
        described("https://notevil.example/app.json"),
        described("https://apps.example/evil.example"),
        ClientFactory(client_id="https://evil.example/registered"),  # by an operator, before there were documents
    ]
    ended = [described("https://evil.example/app.json"), described("https://a.evil.example:8443/x")]
    for client in (*kept, *ended):
        AuthorizationFactory(client=client)
    host = DocumentHost(issuer=ISSUER, host="evil.example", verdict="blocked")
    assert set(clients_of([host])) == set(ended)
    assert keep_verdict(Verdict.BLOCKED, [host], timezone.now()) == 2
    assert {one.client for one in Authorization.objects.filter(is_live=True)} == set(kept)


@pytest.mark.django_db
def test_a_verdict_that_is_stored_anew_after_a_conflict_is_there() -> None:
    host = DocumentHost(issuer=ISSUER, host="evil.example", verdict="blocked")
    with suppress(Conflict), atomic():
        keep_verdict(Verdict.BLOCKED, [host], timezone.now())
        raise Conflict
    assert verdict_of(ISSUER, "evil.example") is None
    keep_verdict(Verdict.BLOCKED, [host], timezone.now())
    assert verdict_of(ISSUER, "evil.example") == Verdict.BLOCKED


@pytest.mark.django_db
@pytest.mark.parametrize("searched_for", [0, 10])
def test_of_several_hosts_each_has_the_clients_of_its_own_issuer(
    monkeypatch: pytest.MonkeyPatch, searched_for: int
) -> None:
    monkeypatch.setattr(document_hosts, "_SEARCHED_FOR", searched_for)
    theirs = [described("https://evil.example/app.json"), described("https://a.bad.example/app.json")]
    elsewhere = described("https://bad.example/app.json")
    Client.objects.filter(pk=elsewhere.pk).update(issuer="https://other.example")
    described("https://apps.example/app.json")
    hosts = [say("evil.example", "blocked"), say("bad.example", "blocked"), say("apps.example", "vouched")]
    assert set(clients_of(hosts[:2])) == set(theirs)
    assert list(clients_of([say("bad.example", "vouched", "https://other.example")])) == [elsewhere]
    assert not [*clients_of([])]


@pytest.mark.django_db
def test_vouching_ends_nothing_and_is_for_the_host_alone() -> None:
    client = described("https://apps.example/app.json")
    described("https://team.apps.example/app.json")
    AuthorizationFactory(client=client)
    host = DocumentHost(issuer=ISSUER, host="apps.example", verdict="vouched")
    assert keep_verdict(Verdict.VOUCHED, [host], timezone.now()) == 0
    assert list(clients_of([host])) == [client]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("removed", "ends"), [(["apps.evil.example"], True), (["apps.evil.example", "evil.example"], False)]
)
def test_a_host_that_is_blocked_once_nobody_vouches_for_it_ends_as_any_that_is_blocked(
    removed: list[str], ends: bool
) -> None:
    say("apps.evil.example", "vouched")
    say("evil.example", "blocked")
    for host in ("apps.evil.example", "other.example"):
        AuthorizationFactory(client=described(f"https://{host}/app.json"))
    forget_verdicts([*DocumentHost.objects.filter(host__in=removed)], timezone.now())
    assert Authorization.objects.filter(is_live=True).count() == (1 if ends else 2)
    assert DocumentHost.objects.count() == 2 - len(removed)


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("Apps.Example", "apps.example"),
        (" apps.example. ", "apps.example"),
        ("https://apps.example/client.json", "apps.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("https://BÜCHER.example/", "xn--bcher-kva.example"),
    ],
)
def test_a_host_is_read_as_it_is_compared(typed: str, host: str) -> None:
    assert read_host(typed) == host


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "*.example",
        "apps.example:8443",
        "me@apps.example",
        "a b",
        "apps..example",
        ".example",
        "[::1",
        "http://",
        "-",
        "192.0.2.7",  # no document is accepted there
        "straße.example",  # Python's encoding is that of strasse.example, another host
    ],
)
def test_what_is_no_host_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        read_host(typed)


def described(client_id: str) -> Client:
    client: Client = ClientFactory(client_id=client_id, registered_by="document")
    Client.objects.filter(pk=client.pk).update(source="documents")
    return client
