"""What each kind of request costs, counted: a figure is the same on a busy machine as on an idle one.

    python -m tests.budgets.costs            each figure, beside that of costs.json
    python -m tests.budgets.costs --write    writes down what is lower, and what was not there

Counted are the statements, the round trips to the database (BEGIN and COMMIT included), the bytes sent to it, and the calls of Python functions.
On PostgreSQL, round trips and bytes are those of the wire, as libpq traces it. To let a figure rise on purpose, take it out of
costs.json by hand, and write it down anew.
"""

from __future__ import annotations

import cProfile
import gc
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median_low
from typing import Any

KEPT = Path(__file__).with_name("costs.json")
FIGURES = ("statements", "round_trips", "bytes", "calls")
SLACK = 1.03
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
WARM_UP, ROUNDS = 12, 7

Costs = dict[str, dict[str, int]]
"""By request, such as `introspect, opaque`."""


def deployment() -> str:
    """Under which name the figures are kept: others have others."""
    import django
    from django.db import connection

    python = ".".join(platform.python_version_tuple()[:2])
    return f"Python {python}, Django {'.'.join(map(str, django.VERSION[:2]))}, {connection.vendor}"


def kept() -> dict[str, Costs]:
    return json.loads(KEPT.read_text())


def over(found: Costs, allowed: Costs) -> list[str]:
    """What costs more than *allowed*, each in a sentence. A request that is not there yet has no limit."""
    return [
        f"{request}: {found[request][figure]} {figure}, where {most} were written down"
        for request, figures in allowed.items()
        for figure, most in figures.items()
        if found[request][figure] > most * SLACK
    ]


def lowered(found: Costs, allowed: Costs) -> Costs:
    """*allowed*, where *found* is not lower."""
    return {
        request: {
            figure: min(cost, allowed.get(request, {}).get(figure, cost)) for figure, cost in found[request].items()
        }
        for request in found
    }


class Meter:
    """Stands where a browser hands its request to Django, and counts while that is at work."""

    def __init__(self) -> None:
        from django.core.wsgi import get_wsgi_application

        self.application: Any = get_wsgi_application()
        self.counted: dict[str, int] | None = None
        """None: this request is not counted."""
        self.profiled = False

    def __call__(self, environ: dict[str, Any]) -> Any:
        from django.core.handlers.wsgi import WSGIRequest

        if self.counted is None:
            response = self._ask(environ)
        elif self.profiled:
            profile = cProfile.Profile(builtins=False)
            response = profile.runcall(self._ask, environ)
            self.counted["calls"] = sum(
                entry.callcount + entry.reccallcount for entry in profile.getstats() if not isinstance(entry.code, str)
            )
        else:
            with watched(self.counted):
                response = self._ask(environ)
        response.wsgi_request = WSGIRequest(environ)
        return response

    def _ask(self, environ: dict[str, Any]) -> Any:
        return self.application(environ, lambda status, headers: None)


@contextmanager
def watched(counted: dict[str, int]) -> Iterator[None]:
    """Counts what the database is asked meanwhile."""
    from django.db import connection

    counted.update(statements=0, round_trips=0, bytes=0)
    control = re.compile(r"BEGIN|SAVEPOINT|RELEASE|ROLLBACK")

    def note(execute: Callable[..., Any], sql: str, params: Any, *rest: Any) -> Any:
        counted["statements"] += not control.match(sql)
        counted["round_trips"] += 1
        counted["bytes"] += len(sql) + sum(len(str(one)) for one in params or ())
        return execute(sql, params, *rest)

    commit = connection._commit

    def committing() -> None:
        counted["round_trips"] += 1
        counted["bytes"] += len("COMMIT")
        commit()

    connection._commit = committing  # the one thing that Django asks of a database without a cursor
    try:
        with connection.execute_wrapper(note):
            if connection.vendor == "postgresql":
                with on_the_wire(connection.connection.pgconn, counted):
                    yield
            else:
                yield
    finally:
        del connection._commit


@contextmanager
def on_the_wire(pgconn: Any, counted: dict[str, int]) -> Iterator[None]:
    with tempfile.TemporaryFile("w+") as trace:
        pgconn.trace(trace.fileno())
        try:
            yield
        finally:
            pgconn.untrace()
            trace.seek(0)
            sent = re.findall(r"^(?:[-\d:. ]+\t)?F\t(\d+)\t(\w+)", trace.read(), re.MULTILINE)
            counted["round_trips"] = sum(name in {"Query", "Sync"} for _, name in sent)
            counted["bytes"] = sum(int(length) + 1 for length, _ in sent)  # the message's type is not in its length


def requests(meter: Meter, form: str) -> dict[str, Callable[[], Callable[[], Any]]]:
    """Each prepares a request, and returns what makes it."""
    from django.test import Client as Browser

    from django_oauth_server.registry import default_issuer
    from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
    from tests.flow import Flow

    user = UserFactory()
    scope = "notes:read openid"

    def flow(**more: Any) -> Flow:
        browser = Browser()
        browser.force_login(user)
        made = Flow(ClientFactory(access_token_format=form, **more), browser)
        made.browser.handler = made.server.handler = meter
        return made

    app, public = flow(), flow(public=True)
    machine = flow(metadata__grant_types=["client_credentials"])
    for one in (app, public):
        AuthorizationFactory(client=one.client, user=user)
    lasting = app.tokens(scope=scope)

    def exchange(flow: Flow, scope: str) -> Callable[[], Any]:
        code = flow.code(scope=scope)
        return lambda: flow.exchange(code)

    def rotate() -> Callable[[], Any]:
        refresh_token = public.tokens(scope="notes:read")["refresh_token"]
        return lambda: public.refresh(refresh_token)

    def revoke() -> Callable[[], Any]:
        token = app.tokens(scope="notes:read")["access_token"]
        return lambda: app.revoke(token)

    issuer, swap = default_issuer().settings.issuer, "urn:ietf:params:oauth:grant-type:token-exchange"
    of_service: dict[str, Any] = {"metadata__grant_types": [swap], "metadata__resource_identifiers": [issuer]}
    service = flow(client_id=f"service-{form}", **of_service)

    def swapped() -> Any:
        subject = {"subject_token": lasting["access_token"], "subject_token_type": ACCESS_TOKEN}
        return service.token(grant_type=swap, resource=issuer, scope="notes:read", **subject)

    bearer = {"Authorization": f"Bearer {lasting['access_token']}"}
    acting = {"Authorization": f"Bearer {swapped().json()['access_token']}"}
    return {
        "client_credentials": lambda: lambda: machine.token(grant_type="client_credentials", scope="notes:read"),
        "authorize": lambda: lambda: app.authorize(scope="notes:read"),
        "exchange a code": lambda: exchange(app, "notes:read"),
        "exchange a code for an ID token too": lambda: exchange(app, scope),
        "refresh": lambda: lambda: app.refresh(lasting["refresh_token"]),
        "refresh and rotate": rotate,
        "introspect": lambda: lambda: app.introspect(lasting["access_token"]),
        "userinfo": lambda: lambda: app.userinfo(lasting["access_token"]),
        "revoke": revoke,
        "api": lambda: lambda: app.server.get("/api", headers=bearer),
        "exchange a token": lambda: swapped,
        "api, for somebody else": lambda: lambda: app.server.get("/api", headers=acting),
    }


def cost(meter: Meter, prepare: Callable[[], Callable[[], Any]]) -> dict[str, int]:
    """The median of a few rounds, once a process has all in memory that it remembers."""
    for _ in range(WARM_UP):
        prepare()()
    rounds = []
    for _ in range(ROUNDS):
        counted: dict[str, int] = {}
        for meter.profiled in (False, True):
            ask = prepare()
            meter.counted = counted
            gc.disable()  # what is collected meanwhile would be called
            answer = ask()
            gc.enable()
            meter.counted = None
            assert not isinstance(answer, dict) or answer.get("active", True) is True, answer
            assert getattr(answer, "status_code", 200) in (200, 303), answer.content
        rounds.append(counted)
    return {figure: median_low(one[figure] for one in rounds) for figure in FIGURES}


def count() -> Costs:
    """Each kind of request, with both formats of tokens, on a database of its own."""
    from django.db import connection
    from django.test.utils import setup_test_environment, teardown_test_environment
    from django.utils import timezone

    from django_oauth_server.keys.rotation import rotate_all
    from django_oauth_server.registry import default_issuer

    setup_test_environment()
    connection.creation.create_test_db(verbosity=0)
    try:
        rotate_all(default_issuer(), now=timezone.now(), at_once=True)
        meter = Meter()
        return {
            f"{name}, {form}": cost(meter, prepare)
            for form in ("opaque", "at+jwt")
            for name, prepare in requests(meter, form).items()
        }
    finally:
        connection.creation.destroy_test_db(":memory:" if connection.vendor == "sqlite" else "", verbosity=0)
        teardown_test_environment()


def counted_apart() -> tuple[str, Costs]:
    """Counted in a process of its own, which nothing before has taught or slowed: the name of the deployment, and its costs."""
    fixed = {
        "PYTHONHASHSEED": "0",
        "DJANGO_SETTINGS_MODULE": "tests.budgets.settings",
    }  # the order of sets is fixed too
    said = subprocess.run(
        [sys.executable, "-m", "tests.budgets.costs", "--json"],
        cwd=KEPT.parents[2],
        env={**os.environ, **fixed},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(said.stdout)
    return found["deployment"], found["costs"]


def main(*, write: bool) -> None:
    (name, found), everywhere = counted_apart(), kept()
    allowed = everywhere.get(name, {})
    print(f"{name}: {', '.join(FIGURES)} (and what is written down)")
    for request, figures in found.items():
        print(f"{request:45}", *(f"{figures[one]:6} ({allowed.get(request, {}).get(one, '-')})" for one in FIGURES))
    print(*over(found, allowed), sep="\n")
    if write:
        everywhere[name] = lowered(found, allowed)
        KEPT.write_text(json.dumps(everywhere, indent=2) + "\n")


if __name__ == "__main__":
    if "--json" in sys.argv:
        import django

        django.setup()
        print(json.dumps({"costs": count(), "deployment": deployment()}))
    else:
        main(write="--write" in sys.argv)
