"""Clients whose addresses never answer, at a server with one process of 16 threads: who has nothing to do with them is served."""

from __future__ import annotations

import signal
import socket
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
from tests.waiting import HELD, PATIENCE, SOON, until, until_served

pytestmark = pytest.mark.e2e

PAUSE = 0.5
"""Seconds between two requests of each of the 27 that go on."""
EACH = 3
SEATS = 4
"""Threads that wait for addresses that say nothing."""
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
    own = {"DJANGO_SETTINGS_MODULE": "tests.e2e.silent_settings", "PYTHONPATH": str(ROOT)}
    with provider.output.open("a") as sink:
        running = subprocess.Popen([sys.executable, *command, *threads], env=provider.environment | own, stderr=sink)
    url = f"http://{bind}"
    metadata = f"{url}/.well-known/oauth-authorization-server"
    try:
        until_served(lambda: requests.get(metadata, timeout=SOON), running, provider.output.read_text)
        yield url
    finally:
        running.send_signal(signal.SIGQUIT)  # at once
        running.wait(PATIENCE)


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
                f"{server}/oauth/token", form | {"client_assertion": sign(claims, KEY, typ="JWT")}, timeout=PATIENCE * 3
            )

        def ask_by_reference(me: str = client, address: str = f"{silent}/request") -> requests.Response:
            asked = {"client_id": me, "redirect_uri": CALLBACK, "response_type": "code", "request_uri": address}
            return requests.get(
                f"{server}/oauth/authorize?{urlencode(asked)}", timeout=PATIENCE * 3, allow_redirects=False
            )

        def look(me: str = client, address: str = f"{silent}/logo") -> requests.Response:
            asked = {"client_id": me, "logo_uri": address}
            return requests.get(f"{server}/oauth/logo?{urlencode(asked)}", timeout=PATIENCE * 3)

        yield from (ask_for_a_token, ask_by_reference, look)


def test_the_requests_of_others_are_answered_meanwhile(provider: Example, server: str, port: int) -> None:
    """Four threads of the server wait for silent addresses, whatever is asked, and as long as it takes."""
    honest = register_at(provider)(grant_types=["client_credentials"], response_types=[], scope="notes:read")
    asking = [ask for ask in strangers(provider, server, port) for _ in range(EACH)]
    stopped, told, answered = Event(), Counter[str](), [0] * len(asking)

    def go_on(number: int) -> None:
        ask = asking[number]
        with suppress(OSError):  # in the end the server goes
            while not stopped.wait(PAUSE):
                told[f"{ask.__name__}: {ask().status_code}"] += 1
                answered[number] += 1

    def are_held() -> int:
        """How many of the strangers are answered no more."""
        before = list(answered)
        until(lambda: sum(now == then for now, then in zip(answered, before, strict=True)) <= SEATS, lambda: told)
        return sum(now == then for now, then in zip(answered, before, strict=True))

    for number in range(len(asking)):
        Thread(target=go_on, args=[number], daemon=True).start()
    assert are_held() <= SEATS
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    for _ in range(100):
        auth = (honest["client_id"], honest["client_secret"])
        answer = requests.post(f"{server}/oauth/token", form, auth=auth, timeout=HELD)
        assert answer.status_code == 200, answer.text
    assert are_held() <= SEATS
    stopped.set()
    assert told["ask_for_a_token: 503"], "there was somebody to wait for"
    assert not told["ask_for_a_token: 401"], "and nobody has been waited for in vain yet"
