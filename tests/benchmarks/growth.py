"""What the number of tokens costs: requests, `cleartokens` beside traffic, the admin's searches, and bytes, at 10^5, 10^6, 10^7 tokens.

    createdb growth
    python tests/benchmarks/growth.py postgres://user@127.0.0.1:5432/growth 100000 1000000 10000000

The database is emptied and filled for each size. PostgreSQL only: the tables are filled, and the plans read, in its words. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from itertools import count
from pathlib import Path
from random import Random
from select import select
from statistics import median, quantiles
from time import perf_counter, process_time, sleep
from typing import Any

import django

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2]
TABLES = ("token", "authorization")
SECRET = "growth-only-not-a-secret"
TIMES = 200
"""How often each kind of request is made."""
ALONE = 20
"""Seconds of traffic with nothing beside it."""

FILL = {
    "users": """
        INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
        SELECT '', false, 'person-' || g, '', '', '', false, true, now() FROM generate_series(1, %(users)s) g""",
    "clients": """
        INSERT INTO django_oauth_server_client ({client})
        SELECT {client:p.;client_id='client-' || g} FROM django_oauth_server_client p, generate_series(1, 300) g WHERE p.id = %(client)s""",
    "authorizations": """
        INSERT INTO django_oauth_server_authorization ({authorization})
        SELECT {authorization:p.;
            grant_id=gen_random_uuid();
            user_id=%(first_user)s + g / 2;
            client_id=%(first_client)s + CASE WHEN g %% 2 = 0 THEN 0 ELSE 1 + g %% 299 END;
            is_live=CASE WHEN g %% 200 = 1 THEN NULL ELSE true END;
            revoked_at=CASE WHEN g %% 200 = 1 THEN now() - interval '40 days' END}
        FROM django_oauth_server_authorization p, generate_series(0, %(authorizations)s - 1) g WHERE p.id = %(authorization)s""",
    # In the order in which they were issued. What lives is of thirty days, what is dead of the last twelve: every second row.
    "tokens": """
        INSERT INTO django_oauth_server_token ({token})
        SELECT {token:p.;
            digest=CASE WHEN length(p.digest) = 64 THEN encode(d, 'hex') ELSE rtrim(translate(encode(d, 'base64'), '+/', '-_'), '=') END;
            authorization_id=%(first_authorization)s + a;
            client_id=%(first_client)s + CASE WHEN a %% 2 = 0 THEN 0 ELSE 1 + a %% 299 END;
            family=gen_random_uuid();
            issued_at=at - interval '1 hour';
            expires_at=CASE WHEN dead THEN at ELSE at + interval '31 days' END;
            revoked_at=CASE WHEN NOT dead AND g %% 200 = 0 THEN at - interval '2 days' END}
        FROM (
            SELECT g,
                -- on each of thirty days some are used, each for four pairs of an access and a refresh token
                (g * 30::bigint / %(tokens)s * (%(tokens)s / 240) + g / 2 %% (%(tokens)s / 240 + 1)) * 7919 %% %(authorizations)s AS a,
                g %% 2 = 1 AND g > %(tokens)s * 0.6 AS dead,
                sha256(g::text::bytea) AS d,
                now() - interval '2 hours' - interval '30 days' * (1 - g::float / %(tokens)s) AS at
            FROM generate_series(%(from)s, %(to)s) g OFFSET 0
        ) row JOIN django_oauth_server_token p ON p.id = CASE WHEN g %% 2 = 1 THEN %(access)s ELSE %(refresh)s END
        ORDER BY g""",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url")
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--keep", action="store_true", help="Measure what is there; fill nothing.")
    parser.add_argument("--traffic", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--plans", action="store_true", help="Show the plans of every sweep and search.")
    parser.add_argument("--batch-size", default="1000")
    asked = parser.parse_args()
    set_up(asked.url)
    if asked.traffic:
        traffic()
        return
    for size in asked.sizes:
        print(f"\n### {size:,} tokens\n", flush=True)
        if not asked.keep:
            fill(size)
        show_sizes()
        show_requests()
        show_searches(asked.plans)
        show_clearing(asked)
        show_requests()


def set_up(url: str) -> None:
    os.environ |= {"TEST_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    sys.path.insert(0, str(ROOT))
    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0)


# -- what is there -----------------------------------------------------------------------------------------------------


def fill(tokens: int) -> None:
    """Rows copied from rows that the server itself made, so that each has the columns and sizes that it has in life."""
    from django.core.management import call_command

    from django_oauth_server.models import Token

    call_command("flush", verbosity=0, interactive=False)
    flow = walker()
    given = flow.tokens(scope="notes:read")
    assert given["refresh_token"]
    access, refresh = Token.objects.order_by("kind")
    began = perf_counter()
    scale: dict[str, Any] = {
        "tokens": tokens,
        "users": max(tokens // 20, 10) + 1,
        "authorizations": max(tokens // 10, 20),
        "client": flow.client.pk,
        "authorization": access.authorization_id,
        "access": access.pk,
        "refresh": refresh.pk,
    }
    insert("users", scale)
    insert("clients", scale)
    scale["first_user"] = one("SELECT min(id) FROM auth_user WHERE username LIKE 'person-%%'")
    scale["first_client"] = one("SELECT min(id) FROM django_oauth_server_client WHERE client_id LIKE 'client-%%'")
    insert("authorizations", scale)
    scale["first_authorization"] = access.authorization_id + 1
    with without_indexes():
        for first in range(1, tokens + 1, 500_000):
            insert("tokens", scale | {"from": first, "to": min(first + 499_999, tokens)})
    for name in Random(1).sample(range(TIMES), 5):
        Token.objects.create(
            kind=Token.Kind.ACCESS, digest=f"rare-{name}", client=rare_client(), expires_at=access.expires_at
        )
    run("VACUUM (ANALYZE)")
    run("CHECKPOINT")
    print(f"Filled in {perf_counter() - began:.0f} s.\n", flush=True)


@contextmanager
def without_indexes() -> Iterator[None]:
    """They are built afterwards, which is quicker: a B-tree on random values is a third smaller than one that grew."""
    of_token = "'django_oauth_server_token'::regclass"
    held = rows(
        f"SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = {of_token} AND contype IN ('u', 'f')"
    )
    for name, _ in held:
        run(f'ALTER TABLE django_oauth_server_token DROP CONSTRAINT "{name}"')
    built = rows(
        f"SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = {of_token} AND NOT indisprimary"
    )
    for name, _ in built:
        run(f"DROP INDEX {name}")
    yield
    for _, definition in built:
        run(definition)
    for name, definition in held:
        run(f'ALTER TABLE django_oauth_server_token ADD CONSTRAINT "{name}" {definition}')


def insert(what: str, scale: dict[str, Any]) -> None:
    run(filled_in(FILL[what]), scale)


def filled_in(sql: str) -> str:
    """`{token}` is the columns of the table; `{token:p.;digest=…;…}` the same of row `p`, but those that are given."""
    for table in ("client", *reversed(TABLES)):
        names = [name for (name,) in rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id' ORDER BY ordinal_position",
            [f"django_oauth_server_{table}"],
        )]  # fmt: skip
        sql = sql.replace(f"{{{table}}}", ", ".join(f'"{name}"' for name in names))
        if (start := sql.find(f"{{{table}:")) >= 0:
            end = sql.index("}", start)
            row, *given = sql[start + len(table) + 2 : end].split(";")
            values = dict(map(str.strip, one.split("=", 1)) for one in given)
            assert values.keys() <= {*names}, values.keys() - {*names}
            sql = sql[:start] + ", ".join(values.get(name, f'{row}"{name}"') for name in names) + sql[end + 1 :]
    return sql


def walker() -> Any:
    """A client and a person who walk the whole flow."""
    from django.test import Client as Browser

    from django_oauth_server.models import Client
    from tests.factories import ClientFactory, UserFactory
    from tests.flow import Flow

    known = Client.objects.filter(client_id="walker").first() or ClientFactory(
        client_id="walker",
        secret=SECRET,
        access_token_format="opaque",
        metadata__grant_types=["authorization_code", "refresh_token", "client_credentials"],
        skip_consent=True,
    )
    known.secret = SECRET
    browser = Browser()
    browser.force_login(UserFactory())
    return Flow(known, browser)


def rare_client() -> Any:
    from django_oauth_server.models import Client
    from tests.factories import ClientFactory

    return Client.objects.filter(client_id="rare").first() or ClientFactory(client_id="rare")


def show_sizes() -> None:
    tokens = one("SELECT count(*) FROM django_oauth_server_token")
    print("| Table, index | MB | bytes a token |\n| --- | --- | --- |")
    for table in TABLES:
        name = f"django_oauth_server_{table}"
        parts = rows(
            "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = %s::regclass ORDER BY 2 DESC",
            [name],
        )
        whole = one("SELECT pg_table_size(%s::regclass)", [name])
        for label, size in (("**all**", whole + sum(size for _, size in parts)), ("rows", whole), *parts):
            print(f"| {table}: {label} | {size / 2**20:,.1f} | {size / tokens:.0f} |")
    print(flush=True)


# -- requests ----------------------------------------------------------------------------------------------------------


def requests() -> dict[str, Callable[[], Any]]:
    """Each a request that is answered with success."""
    flow = walker()
    known = [flow.tokens(scope="notes:read") for _ in range(20)]
    number, refresh = count(), [one["refresh_token"] for one in known]

    def rotated() -> None:
        at = next(number) % len(refresh)
        answer = flow.refresh(refresh[at])
        assert answer.status_code == 200, answer.content
        refresh[at] = answer.json().get("refresh_token", refresh[at])

    def own() -> None:
        assert flow.token(grant_type="client_credentials", scope="notes:read").status_code == 200

    def exchanged() -> None:
        assert flow.exchange(codes.pop() if codes else flow.code(scope="notes:read")).status_code == 200

    def introspected() -> None:
        assert flow.is_active(known[next(number) % len(known)]["access_token"])

    codes = [flow.code(scope="notes:read") for _ in range(TIMES)]
    return {"client_credentials": own, "introspection": introspected, "refresh": rotated, "code exchange": exchanged}


def show_requests() -> None:
    """Of each: the time in the database, which grows if anything does, and all of it."""
    print("| Request | statements | in the database, median | p99 | in all |\n| --- | --- | --- | --- | --- |")
    for name, ask in requests().items():
        spent, took, made = [], [], 0
        for _ in range(TIMES):
            with timed() as statements:
                began = perf_counter()
                ask()
                took.append(perf_counter() - began)
            spent.append(sum(seconds for _, seconds in statements))
            made = len(statements)
        print(f"| {name} | {made} | {ms(median(spent))} | {ms(p99(spent))} | {ms(median(took))} |")
    print(flush=True)


def traffic() -> None:
    """A mixture of requests, a hundred a second at most, until standard input is closed; prints how long each took."""
    asked, chance = requests(), Random(1)
    asked.pop("code exchange")
    took: list[float] = []
    print("ready", flush=True)
    while not select([sys.stdin], [], [], max(0.01 - took[-1], 0) if took else 0)[0]:
        began = perf_counter()
        asked[chance.choice([*asked])]()
        took.append(perf_counter() - began)
    print(json.dumps(took))


@contextmanager
def beside_traffic(asked: argparse.Namespace) -> Iterator[list[float]]:
    """Requests by another process for as long as this lasts; how long each took is in the list afterwards."""
    took: list[float] = []
    command = [sys.executable, str(HERE), asked.url, "0", "--traffic"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "ready\n"
        yield took
        took += json.loads(other.communicate()[0])


# -- cleartokens -------------------------------------------------------------------------------------------------------


def show_clearing(asked: argparse.Namespace) -> None:
    with beside_traffic(asked) as alone:
        sleep(ALONE)
    if asked.plans:
        show_plans("First batches", asked)
    with beside_traffic(asked) as beside, timed() as statements:
        began, worked = perf_counter(), processor_seconds()
        said = clear("--batch-size", asked.batch_size)
        took, worked = perf_counter() - began, processor_seconds() - worked
    dead = sum(int(line.split()[0]) for line in said.splitlines())
    longest = max(statements, key=lambda one: one[1])
    print(
        f"`cleartokens`: {dead:,} rows in {took:.1f} s, {dead / took:,.0f} a second; processor {worked:.1f} s, a second of it for "
        f"{dead / worked:,.0f}; {len(statements)} statements, p99 {ms(p99([one[1] for one in statements]))}, "
        f"the longest {ms(longest[1])}: `{longest[0][:120]}`"
    )
    print("".join(f"\n- {line}" for line in said.splitlines() if not line.startswith("0 ")))
    for name, latencies in (("Alone", alone), ("Beside it", beside)):
        print(f"\n{name}: {len(latencies)} requests, median {ms(median(latencies))}, p99 {ms(p99(latencies))}")
    with timed() as statements:
        began = perf_counter()
        clear()
        took = perf_counter() - began
    longest = max(statements, key=lambda one: one[1])
    print(
        f"\nWith nothing to delete: {ms(took)}, {len(statements)} statements, the longest {ms(longest[1])}\n",
        flush=True,
    )
    if asked.plans:
        show_plans("Last batches", asked)
    run("VACUUM (ANALYZE)")


def processor_seconds() -> float:
    """Of this process, and of the one that serves it in the database, on this machine."""
    stat = Path(f"/proc/{one('SELECT pg_backend_pid()')}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return process_time() + sum(map(int, stat[11:13])) / os.sysconf("SC_CLK_TCK")


def clear(*flags: str) -> str:
    from django.core.management import call_command

    said = StringIO()
    call_command("cleartokens", *flags, stdout=said)
    return said.getvalue()


def show_plans(title: str, asked: argparse.Namespace) -> None:
    """How the next batch of each sweep is found and deleted; what that does is undone."""
    from django.db import transaction
    from django.utils import timezone

    from django_oauth_server.registry import all_components
    from django_oauth_server.storage.cleanup import batches, sweeps

    print(f"**{title}**\n")
    for sweep in sweeps(all_components(), timezone.now(), timedelta(days=30)):
        if sweep.rows.model._meta.model_name in TABLES:
            print(f"{sweep.words}:\n")
            with explained(), transaction.atomic():
                next(batches(sweep, int(asked.batch_size)), None)
                transaction.set_rollback(True)


# -- the admin ---------------------------------------------------------------------------------------------------------


def show_searches(plans: bool) -> None:
    from django.contrib.auth import get_user_model
    from django.test import Client as Browser

    person, _ = get_user_model().objects.get_or_create(
        username="root", defaults={"is_staff": True, "is_superuser": True}
    )
    browser = Browser()
    browser.force_login(person)
    print("| Admin | search | s |\n| --- | --- | --- |")
    for table in ("token", "authorization"):
        for words in ("", "rare", "client-1", "client-7", "person-5", "person-5 client-1", "nobody"):
            began = perf_counter()
            answer = browser.get(f"/admin/django_oauth_server/{table}/", {"q": words})
            took = perf_counter() - began
            assert answer.status_code == 200
            print(f"| {table} | {words or '(none)'} | {took:.3f} |", flush=True)
    print()
    if plans:
        for words in ("rare", "client-1", "person-5"):
            print(f"**Search for {words}**\n")
            with explained():
                browser.get("/admin/django_oauth_server/token/", {"q": words})


# -- the database ------------------------------------------------------------------------------------------------------


@contextmanager
def timed() -> Iterator[list[tuple[str, float]]]:
    """The statements that are made meanwhile, and their seconds."""
    from django.db import connection

    made: list[tuple[str, float]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            made.append((sql, perf_counter() - began))

    with connection.execute_wrapper(note):
        yield made


@contextmanager
def explained() -> Iterator[None]:
    """Print the plan of each statement about one of the two tables, before it runs; what it does then is undone."""
    from django.db import connection, transaction

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.split(None, 1)[0] in {"SELECT", "DELETE", "UPDATE", "WITH"} and any(
            f"server_{name}" in sql for name in TABLES
        ):
            with transaction.atomic():
                plan = execute(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {sql}", params, many, context)
                plan = "\n".join(line[:160] for (line,) in context["cursor"].cursor.fetchall())
                transaction.set_rollback(True)
            print(f"```text\n{sql.strip()[:200]} …\n\n{plan}\n```\n", flush=True)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield


def rows(sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, params if params is not None else [])
        return cursor.fetchall() if cursor.description else []


def run(sql: str, params: dict[str, Any] | None = None) -> None:
    rows(sql, params)


def one(sql: str, params: Sequence[Any] | None = None) -> Any:
    return rows(sql, params)[0][0]


def p99(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=100, method="inclusive")[98]


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


if __name__ == "__main__":
    main()
