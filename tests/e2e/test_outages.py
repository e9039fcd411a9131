"""PostgreSQL is killed, frozen and restarted, and Redis is killed, while clients go on. Every wrong answer is counted; there is none."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from django_oauth_server.protocol.pkce import challenge_of
from tests.clusters.postgresql import PostgreSQL
from tests.clusters.redis import Redis
from tests.e2e.clients.person import Person
from tests.e2e.conftest import Example, started
from tests.e2e.test_start import manage
from tests.waiting import PATIENCE, until

requests = pytest.importorskip("requests")
pytestmark = pytest.mark.e2e
CALLBACK = "https://client.example/callback"
VERIFIER = "v" * 50


class Clients:
    """Threads that go on asking, each what it may expect, and write down what was wrong."""

    def __init__(self, example: Example, client: dict[str, Any], service: dict[str, Any]) -> None:
        self.example, self.client, self.service = example, client, service
        self.person = Person(example.password)
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._end = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Clients:
        self.tokens = self._exchange(self._code())
        self.api_token = self.tokens["access_token"]
        self.looks()  # so that the worker has read the keys
        for work in (self.asks_for_a_token, self.introspects, self.reads, self.looks, self.walks, self.refreshes):
            thread = threading.Thread(target=self._go_on, args=[work], daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *failure: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _go_on(self, work: Callable[[], None]) -> None:
        while not self._end.is_set():
            try:
                work()
            except Exception as exc:
                self.wrong.append(f"{work.__name__}: {type(exc).__name__}: {str(exc)[:300]}")
            time.sleep(0.02)

    def _judge(self, what: str, response: Any, *right: int) -> bool:
        """Whether it was answered. 503 is right too, with when to come again; all else is wrong."""
        self.answers[f"{what} {response.status_code}"] += 1
        if response.status_code in right:
            return True
        if response.status_code != 503 or "Retry-After" not in response.headers:
            self.wrong.append(f"{what}: {response.status_code} {response.text[:200]}")
        return False

    def _post(self, path: str, **form: str) -> Any:
        return requests.post(f"{self.example.url}/oauth/{path}", form, auth=self._as(self.client), timeout=PATIENCE)

    @staticmethod
    def _as(client: dict[str, Any]) -> tuple[str, str]:
        return client["client_id"], client["client_secret"]

    def asks_for_a_token(self) -> None:
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        answer = requests.post(f"{self.example.url}/oauth/token", form, auth=self._as(self.service), timeout=PATIENCE)
        self._judge("client_credentials", answer, 200)

    def introspects(self) -> None:
        answer = self._post("introspect", token=self.api_token)
        if self._judge("introspect", answer, 200) and not answer.json()["active"]:
            self.wrong.append("introspect: a good token is said to be none")

    def reads(self) -> None:
        headers = {"Authorization": f"Bearer {self.api_token}"}
        answer = requests.get(f"{self.example.url}/api/notes/", headers=headers, timeout=PATIENCE)
        if answer.status_code == 500:  # what the view itself asks of the database is the view's affair
            self.answers["the view's own 500"] += 1
        else:
            self._judge("api", answer, 200)

    def looks(self) -> None:
        for path, right in (("oauth/jwks", [200]), (".well-known/oauth-authorization-server", [200])):
            self._judge(path, requests.get(f"{self.example.url}/{path}", timeout=PATIENCE), *right)

    def walks(self) -> None:
        """A person who allowed it before is sent back with a code, which is exchanged."""
        page = self.person.browser.get(self._request(), allow_redirects=False, timeout=PATIENCE)
        if not self._judge("authorize", page, 303):
            return
        if "code=" not in page.headers["Location"]:
            if "error=temporarily_unavailable" not in page.headers["Location"]:
                self.wrong.append(f"authorize: {page.headers['Location'][:200]}")
            return
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        answer = self._post("token", code=page.headers["Location"].split("code=")[1].split("&")[0], **form)
        self._judge("exchange", answer, 200)

    def refreshes(self) -> None:
        """Whoever is told 503 comes again with the same refresh token, and is never told that it is spent."""
        answer = self._post("token", grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])
        if self._judge("refresh", answer, 200):
            self.tokens |= answer.json()

    def _request(self, **more: str) -> str:
        query = {
            "response_type": "code",
            "client_id": self.client["client_id"],
            "redirect_uri": CALLBACK,
            "scope": "notes:read",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **more,
        }
        return str(requests.Request("GET", f"{self.example.url}/oauth/authorize", params=query).prepare().url)

    def _code(self) -> str:
        return self.person.answer(self._request(prompt="consent")).split("code=")[1].split("&")[0]

    def _exchange(self, code: str) -> dict[str, str]:
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        answer = self._post("token", code=code, **form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def until_all_is_well(self) -> None:
        """Everything is answered again, and nothing but the outage was ever in the way."""
        self.until("client_credentials 200", "introspect 200", "api 200", "exchange 200", "refresh 200")

    def until(self, *wanted: str) -> None:
        """Each of these answers is given once more."""
        before = Counter(self.answers)
        until(
            lambda: all(self.answers[one] > before[one] for one in wanted),
            lambda: f"of {wanted} only {self.answers - before}; wrong: {self.wrong[:5]}",
        )


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    # Not in pytest's folder, which is closed to others: PostgreSQL does not run as root.
    with TemporaryDirectory(prefix="outages-") as folder:
        cluster = PostgreSQL(Path(folder))
        cluster.make()
        cluster.start()
        yield cluster
        cluster.thaw()
        cluster.stop()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def clients(
    postgresql: PostgreSQL, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Clients]]:
    home = tmp_path_factory.mktemp("example")
    environment = {"DATABASE_URL": postgresql.url, "CACHE_URL": redis.url, "OAUTH_LIMIT": "1000000/m"}
    with started(
        home, flags=["--workers", "1"], **environment
    ) as example:  # of several, one may never have read the keys

        def register(**metadata: object) -> dict[str, Any]:
            made = manage(
                home,
                "createclient",
                "--json",
                "--metadata",
                json.dumps(metadata),
                **environment,
                OAUTH_ISSUER=example.url,
            )
            return dict(json.loads(made))

        client = register(client_name="An app", redirect_uris=[CALLBACK], scope="notes:read")
        service = register(client_name="A service", grant_types=["client_credentials"], scope="notes:read")
        yield lambda: Clients(example, client, service)
        assert not _of_this_package(example.output.read_text())


def _of_this_package(output: str) -> list[str]:
    """The tracebacks that came out of an endpoint here; what a view itself asks of the database is the view's affair."""
    blocks = output.split("Traceback (most recent call last):")[1:]
    return [f"Traceback{block[:2000]}" for block in blocks if "/django_oauth_server/endpoints/" in block]


def test_a_killed_database_costs_nobody_a_grant(clients: Callable[[], Clients], postgresql: PostgreSQL) -> None:
    with clients() as asking:
        asking.until_all_is_well()
        postgresql.kill()
        asking.until("client_credentials 503", "introspect 503", "api 503", "oauth/jwks 200")
        postgresql.start()
        asking.until_all_is_well()
    assert not asking.wrong, asking.wrong[:10]
    assert asking.answers["oauth/jwks 503"] == 0, "other servers find the keys meanwhile"


def test_nor_does_a_restart(clients: Callable[[], Clients], postgresql: PostgreSQL) -> None:
    with clients() as asking:
        asking.until_all_is_well()
        postgresql.stop()
        postgresql.start()
        asking.until_all_is_well()
    assert not asking.wrong, asking.wrong[:10]


def test_nor_one_that_is_frozen_for_a_while(clients: Callable[[], Clients], postgresql: PostgreSQL) -> None:
    with clients() as asking:
        asking.until_all_is_well()
        postgresql.freeze()
        time.sleep(4)
        postgresql.thaw()
        asking.until_all_is_well()
    assert not asking.wrong, asking.wrong[:10]


def test_nor_a_cache_that_is_killed(clients: Callable[[], Clients], redis: Redis) -> None:
    with clients() as asking:
        asking.until_all_is_well()
        redis.kill()
        asking.until_all_is_well()
        redis.start()
        asking.until_all_is_well()
    assert not asking.wrong, asking.wrong[:10]
