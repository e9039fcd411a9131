"""Questions and indexes, held together: none of the questions that grow with a table reads all of it, and no index stands that none of them asks.

SQLite and PostgreSQL say how they would answer. The tables are small here, so PostgreSQL is told that reading one whole is dear.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any, Final, NamedTuple

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.models.pushed_request import PushedRequest
from django_oauth_server.storage import (
    announcements,
    authorizations,
    clients,
    device_requests,
    initial_access_tokens,
    logout_deliveries,
    participations,
    pushed_requests,
    refusals,
    revocations,
    revoked,
    session_bound,
    signing_keys,
    tickets,
    tokens,
    waiting_requests,
)
from django_oauth_server.storage.newest import keep_newest
from tests.factories import AuthorizationFactory, TicketFactory, TokenFactory, UserFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor not in {"sqlite", "postgresql"}, reason="says otherwise how it answers"),
]

PREFIX: Final = "django_oauth_server_"
FEW: Final = {f"{PREFIX}logoutbackoff", f"{PREFIX}signingkey"}
"""Tables with a row for each client whose address fails just now, and for each key: they may be read."""

SPARSE: Final = {"oas_token_revoked", "oas_authorization_revoked"}
"""Indexes of few rows: whoever asks for all of those walks through them."""


@dataclass(frozen=True)
class There:
    """Rows to ask for."""

    now: datetime
    token: Token
    ticket: Ticket
    delivery: LogoutDelivery
    initial: InitialAccessToken

    @property
    def authorization(self) -> Authorization:
        assert self.token.authorization
        return self.token.authorization

    @property
    def client(self) -> Client:
        return self.token.client

    @property
    def user(self) -> Any:
        return self.authorization.user


@pytest.fixture
def there(db: None) -> There:
    now = timezone.now()
    authorization = AuthorizationFactory()
    client, user = authorization.client, authorization.user
    token = TokenFactory(
        kind=Token.Kind.REFRESH,
        authorization=authorization,
        family=uuid.uuid4(),
        facts={"sid": "told"},
        expires_at=now + timedelta(days=1),
    )
    participations.note_participation(client, user, "sid", "digest", now)
    logout_deliveries.add_deliveries(Participation.objects.select_related("client"), now)
    initial = InitialAccessToken.objects.create(issuer=client.issuer, label="one", digest="digest", created_by=user)
    return There(
        now,
        token,
        TicketFactory(authorization=authorization, payload={"scopes": []}),
        LogoutDelivery.objects.get(),
        initial,
    )


def deleted(row: Any) -> None:
    """With all that hangs on it, and back again."""
    with transaction.atomic():
        type(row)._default_manager.get(pk=row.pk).delete()
        transaction.set_rollback(True)


def searched(table: str, words: str) -> None:
    browser = Browser()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert browser.get(f"/admin/django_oauth_server/{table}/", {"q": words}).status_code == 200


def chosen(table: str, **row: int) -> None:
    browser = Browser()
    browser.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert browser.get(f"/admin/django_oauth_server/{table}/", row).status_code == 200


def claimed(there: There, *, failed: bool) -> None:
    logout_deliveries.claim(there.now, timedelta(minutes=1), 8, busy=[there.client.pk], failed=failed)


QUESTIONS: Final[dict[str, Callable[[There], object]]] = {
    "token of a value": lambda it: tokens.find_token("digest"),
    "tokens of values": lambda it: tokens.find_tokens(["digest", "another"]),
    "family of a token": lambda it: tokens.revoke_family(it.token, it.now),
    "newest of a family": lambda it: tokens.newest_of_family(it.authorization.pk, it.token.family or uuid.uuid4()),
    "families of tokens": lambda it: tokens.revoke_tokens([it.token], it.now),
    "ticket of a value": lambda it: tickets.find_ticket(Ticket.Kind.AUTHORIZATION_CODE, "value"),
    "tickets of a person": lambda it: tickets.make_room(it.user, Ticket.Kind.INTERACTION, 10),
    "client of an id": lambda it: clients.stored_client(it.client.issuer, "id"),
    "client with what a person allows it": lambda it: clients.stored_client(it.client.issuer, "id", it.user),
    "people of a client": lambda it: clients.people_using([it.client]),
    "history of a client": lambda it: clients.has_history(it.client),
    "what a person allows a client": lambda it: authorizations.live_authorization(it.client, it.user),
    "what a person allows": lambda it: list(authorizations.live_authorizations(it.client.issuer, it.user)),
    "authorization of a grant_id": lambda it: authorizations.find_authorization(str(it.authorization.grant_id)),
    "sector of a person": lambda it: authorizations.is_known_by_sector(it.client, str(it.user.pk)),
    "what a client is allowed": lambda it: list(authorizations.all_live(it.client.issuer, client=it.client)),
    "what a client holds for itself": lambda it: tokens.revoke_own_tokens(it.client, it.now),
    "what a client that moves was allowed": lambda it: clients._end_authorizations(it.client, it.now),
    "what ends with a session": lambda it: session_bound.end_with_sessions([it.user.pk], lambda *of: True, it.now),
    "apps of a session": lambda it: list(participations.of_session("sid")),
    "apps of a session of Django": lambda it: list(participations.of_django_session("digest")),
    "apps of a person": lambda it: list(participations.of_person(it.user)),
    "deliveries that are due": lambda it: claimed(it, failed=False),
    "deliveries that are due again": lambda it: claimed(it, failed=True),
    "deliveries that are late": lambda it: logout_deliveries.give_up(it.client, it.now, "", it.now),
    "when the next delivery is due": lambda it: logout_deliveries.next_due(it.now),
    "initial access token of a value": lambda it: initial_access_tokens.find_initial_access_token("issuer", "value"),
    "keys of an issuer": lambda it: signing_keys.signing_keys("issuer"),
    "device request of a user code": lambda it: device_requests.find_by_user_code("issuer", "code"),
    "device request of a device code": lambda it: device_requests.find_by_device_code("code"),
    "poll of a device": lambda it: device_requests.note_poll("code", it.client, it.now),
    "newest device requests of a client": lambda it: keep_newest(DeviceRequest.objects.filter(of="of"), 10),
    "request that was pushed": lambda it: pushed_requests.find_pushed("reference"),
    "request that is answered": lambda it: pushed_requests.settle("reference"),
    "newest pushed requests of a client": lambda it: keep_newest(PushedRequest.objects.filter(of="of"), 10),
    "last refusals of a client": lambda it: refusals.refusals_of(it.client, 5),
    "newest refusals of a client": lambda it: keep_newest(refusals._of(it.client.issuer, it.client.client_id), 10),
    "refusal of a reference": lambda it: searched("refusal", "3F2A91C0"),
    "request that waits": lambda it: waiting_requests.find_waiting("value", it.now),
    "requests that wait": lambda it: waiting_requests.forget_waiting(["value"]),
    "what was revoked lately": lambda it: revoked._news(it.now, it.now),
    "what is revoked": lambda it: revoked._news(None, it.now),
    "what was not announced": lambda it: list(announcements._waiting()),
    "revocation that is withdrawn": lambda it: revocations.restore_clients([it.client]),
    "revocation that is renewed": lambda it: revocations.record_clients([it.client]),
    "what a client leaves": lambda it: deleted(it.client),
    "what a person leaves": lambda it: deleted(it.user),
    "what an initial access token leaves": lambda it: deleted(it.initial),
    "what is dead": lambda it: call_command("cleartokens", verbosity=0, stdout=StringIO()),
    "tokens that an administrator searches for": lambda it: searched("token", it.user.username),
    "tokens of a client": lambda it: searched("token", it.client.client_id),
    "authorizations of a person": lambda it: searched("authorization", it.user.username),
    "authorizations of a client": lambda it: searched("authorization", it.client.client_id),
    "revoked authorizations": lambda it: list(Authorization.objects.filter(revoked_at__isnull=False)),
    "tokens that a client's page leads to": lambda it: chosen("token", client=it.client.pk),
    "tokens that an authorization's page leads to": lambda it: chosen("token", authorization=it.authorization.pk),
    "authorizations that a client's page leads to": lambda it: chosen("authorization", client=it.client.pk),
    "sign-ins that a client's page leads to": lambda it: chosen("participation", client=it.client.pk),
    "deliveries that a client's page leads to": lambda it: chosen("logoutdelivery", client=it.client.pk),
    "sign-ins of a client": lambda it: searched("participation", it.client.client_id),
    "deliveries of a person": lambda it: searched("logoutdelivery", it.user.username),
    "deliveries of a client": lambda it: searched("logoutdelivery", it.client.client_id),
}


class Read(NamedTuple):
    """How a statement finds the rows of a table."""

    table: str
    index: str
    """Empty: it reads the table."""
    is_searched: bool
    """Whether it looks for values in the index, and does not walk through all of it."""


def reads_of(ask: Callable[[], object]) -> list[Read]:
    """How the database finds the package's rows for each statement of *ask*."""
    found: list[Read] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.split(None, 1)[0] in {"SELECT", "UPDATE", "DELETE", "WITH"} and PREFIX in sql:
            said = "EXPLAIN (FORMAT JSON)" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
            execute(f"{said} {sql}", params, many, context)
            found.extend(_READERS[connection.vendor](context["cursor"].cursor.fetchall(), sql))
        return execute(sql, params, many, context)

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashjoin = off"
            )
    with connection.execute_wrapper(explain):
        ask()
    return [one for one in found if one.table.startswith(PREFIX)]


def _read_postgresql(rows: list[tuple[Any, ...]], sql: str) -> Iterator[Read]:
    [[plan]] = rows
    nodes = [(json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]]
    tables = {}
    for node in nodes:
        for inner in node.get("Plans", ()):
            tables[id(inner)] = inner.get("Relation Name") or node.get("Relation Name") or tables.get(id(node), "")
            nodes.append(inner)
        if "Index Name" in node:
            is_searched = "Index Cond" in node or node["Index Name"] in SPARSE
            yield Read(node.get("Relation Name") or tables[id(node)], node["Index Name"], is_searched)
        elif node["Node Type"] == "Seq Scan":
            yield Read(node["Relation Name"], "", False)


def _read_sqlite(rows: list[tuple[Any, ...]], sql: str) -> Iterator[Read]:
    aliases = {alias: table for table, alias in re.findall(r'"(\w+)" (?:AS )?"?([A-Z]\w*)"?', sql)}
    for *_, said in rows:
        if found := re.match(
            r"(SCAN|SEARCH) (\w+)(?: USING (?:COVERING )?(?:INDEX (\w+)|(INTEGER PRIMARY KEY)))?", said
        ):
            how, table, index, key = found.groups()
            yield Read(aliases.get(table, table), index or key or "", how == "SEARCH")


_READERS: Final = {"postgresql": _read_postgresql, "sqlite": _read_sqlite}


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_question_reads_a_whole_table(question: str, there: There) -> None:
    reads = reads_of(lambda: QUESTIONS[question](there))
    assert reads, "it asked nothing"
    assert [one for one in reads if not one.is_searched and one.table not in FEW] == []


def test_each_index_is_asked_by_a_question_or_keeps_rows_unique(there: There) -> None:
    asked = {read.index for question in QUESTIONS for read in reads_of(partial(_undone, question, there))}
    standing: dict[str, str] = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.startswith(PREFIX):
                constraints = connection.introspection.get_constraints(cursor, table)
                standing |= {name: table for name, one in constraints.items() if one["index"] and not one["unique"]}
    assert {name: table for name, table in standing.items() if name not in asked and table not in FEW} == {}


def _undone(question: str, there: There) -> None:
    with transaction.atomic():
        QUESTIONS[question](there)
        transaction.set_rollback(True)
