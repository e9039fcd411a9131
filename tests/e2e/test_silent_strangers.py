"""Clients whose addresses never answer, at a server with one process of 16 threads: who has nothing to do with them notices nothing.

Two minutes of it: `SILENT_SECONDS=120 pytest tests/e2e/test_silent_strangers.py -s`.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

import pytest
import requests

from django_oauth_server.protocol.jose import SigningKeyPair, sign
from tests.e2e.clients.conftest import register_at
from tests.e2e.conftest import ROOT, Example, free_port, started

pytestmark = pytest.mark.e2e

SECONDS = float(os.environ.get("SILENT_SECONDS", "12"))
PAUSE = 3.0
"""Seconds between two requests of each of the 27 that go on: nine a second. Held for five seconds each, 16 threads could bear three."""
EACH = 3
KEY = SigningKeyPair.generate("ES256")
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CALLBACK = "https://client.example/callback"


@contextmanager
def silence() -> Iterator[int]:
    """A port at which everybody is let in and nothing is ever said."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    kept.append(listening.accept()[0])

        Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
    for one in kept:
        one.close()


@pytest.fixture
def port() -> Iterator[int]:
    with silence() as port:
        yield port


@pytest.fixture
def provider(tmp_path: Path, port: int) -> Iterator[Example]:
    with started(tmp_path, OAUTH_PRIVATE_HOSTS=f"127.0.0.1:{port}", OAUTH_REGISTRATION="open") as running:
        yield running


@pytest.fixture
def server(provider: Example) -> Iterator[str]:
    """Where the issuer is served by one process with 16 threads."""
    bind = f"127.0.0.1:{free_port()}"
    command = ["-m", "gunicorn", "example.wsgi", "--chdir", str(ROOT / "example_project"), "--bind", bind]
    threads = ["--workers=1", "--threads=16", "--worker-class=gthread", "--limit-request-line=8190"]
    with provider.output.open("a") as sink:
        running = subprocess.Popen([sys.executable, *command, *threads], env=provider.environment, stderr=sink)
    url = f"http://{bind}"
    try:
        for _ in range(200):
            with suppress(OSError):
                requests.get(f"{url}/.well-known/oauth-authorization-server", timeout=5)
                break
            time.sleep(0.1)
        yield url
    finally:
        running.terminate()
        running.wait(30)


def strangers(provider: Example, server: str, port: int) -> Iterator[Callable[[], requests.Response]]:
    """What three clients have asked whose keys, request objects and logos are at the silent port."""
    for number in range(3):
        silent = f"https://127.0.0.1:{port}/{number}"
        client = register_at(provider)(
            redirect_uris=[CALLBACK],
            grant_types=["authorization_code", "client_credentials"],
            token_endpoint_auth_method="private_key_jwt",
            jwks_uri=f"{silent}/jwks",
            request_uris=[f"{silent}/request"],
            logo_uri=f"{silent}/logo",
            scope="notes:read",
        )["client_id"]

        def ask_for_a_token(me: str = client) -> requests.Response:
            now = int(time.time())
            claims = {"iss": me, "sub": me, "aud": provider.url, "jti": uuid.uuid4().hex, "exp": now + 60, "iat": now}
            form = {"grant_type": "client_credentials", "client_assertion_type": TYPE}
            return requests.post(
                f"{server}/oauth/token", form | {"client_assertion": sign(claims, KEY, typ="JWT")}, timeout=60
            )

        def ask_by_reference(me: str = client, address: str = f"{silent}/request") -> requests.Response:
            asked = {"client_id": me, "redirect_uri": CALLBACK, "response_type": "code", "request_uri": address}
            return requests.get(f"{server}/oauth/authorize?{urlencode(asked)}", timeout=60, allow_redirects=False)

        def look(me: str = client, address: str = f"{silent}/logo") -> requests.Response:
            asked = {"client_id": me, "logo_uri": address}
            return requests.get(f"{server}/oauth/logo?{urlencode(asked)}", timeout=60)

        yield from (ask_for_a_token, ask_by_reference, look)


def test_the_requests_of_others_take_no_longer(provider: Example, server: str, port: int) -> None:
    honest = register_at(provider)(grant_types=["client_credentials"], response_types=[], scope="notes:read")
    credentials = (honest["client_id"], honest["client_secret"])
    session = requests.Session()

    def unrelated() -> float:
        began = time.perf_counter()
        form = {"grant_type": "client_credentials", "scope": "notes:read"}
        answer = session.post(f"{server}/oauth/token", form, auth=credentials, timeout=60)
        assert answer.status_code == 200, answer.text
        return time.perf_counter() - began

    def measured(seconds: float) -> list[float]:
        took, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            took.append(unrelated())
            time.sleep(0.02)
        return took

    stopped, told = Event(), Counter[str]()

    def go_on(ask: Callable[[], requests.Response]) -> None:
        while not stopped.wait(PAUSE):
            told[f"{ask.__name__}: {ask().status_code}"] += 1

    measured(1)
    before = statistics.median(measured(5))
    asked = [Thread(target=go_on, args=[ask]) for ask in strangers(provider, server, port) for _ in range(EACH)]
    for one in asked:
        one.start()
    took = measured(SECONDS)
    stopped.set()
    for one in asked:
        one.join()
    # Before and after: what else the machine does is not to count.
    idle, median = max(before, statistics.median(measured(5))), statistics.median(took)
    print(f"\nidle {idle * 1000:.1f} ms, beside them {median * 1000:.1f} ms, at most {max(took) * 1000:.0f} ms; {told}")
    assert median <= max(2 * idle, idle + 0.005)
    assert max(took) < 3
    assert told["ask_for_a_token: 503"] > told["ask_for_a_token: 401"]
