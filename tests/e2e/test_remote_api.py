"""An API in another project trusts the example's tokens over real HTTP, also while the example is down."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from django_oauth_server.protocol.pkce import challenge_of
from tests.e2e.clients.person import Person
from tests.e2e.conftest import ROOT, free_port
from tests.e2e.test_start import manage
from tests.waiting import PATIENCE, SOON, until, until_served

requests = pytest.importorskip("requests")
pytestmark = pytest.mark.e2e

CALLBACK = "https://client.example/callback"
VERIFIER = "v" * 43
CACHE_FOR = 3
"""Seconds for which an introspection is kept."""


class Served:
    """A project that gunicorn serves in one process; it can be stopped, and started again at the same address."""

    def __init__(self, project: str, wsgi: str, path: str, output: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._wsgi, self._folder, self._path, self._output = wsgi, ROOT / project, path, output
        self.environment = environment

    def start(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        command = [
            *(sys.executable, "-m", "gunicorn", self._wsgi, "--chdir", str(self._folder)),
            *("--bind", f"127.0.0.1:{self.port}", "--threads", "8", "--log-level", "warning", "--no-control-socket"),
            *("--graceful-timeout", "2"),  # a worker that is told to end while it starts a thread waits for itself
        ]
        with self._output.open("a") as sink:
            self._process = subprocess.Popen(
                command, env=inherited | self.environment, stdout=sink, stderr=subprocess.STDOUT
            )
        until_served(lambda: requests.get(self.url + self._path, timeout=SOON), self._process, self.log)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # at once
        self._process.wait(PATIENCE)

    def log(self) -> str:
        return self._output.read_text()


class World:
    """The example project, the remote API beside it, and a client of both."""

    def __init__(self, home: Path, **remote: str) -> None:
        self.home = home
        self.server = Served("example_project", "example.wsgi", "/.well-known/oauth-authorization-server", home / "as")
        self.remote = Served("example_project/remote_api", "weather.wsgi", "/weather/today", home / "api")
        self.resource = f"{self.remote.url}/weather"
        own = {"OAUTH_ISSUER": self.server.url, "REMOTE_API": self.resource, "OAUTH_TOKEN_FORMAT": "at+jwt"}
        self.server.environment = own | {"EXAMPLE_VAR": str(home)}
        self.remote.environment = own | remote
        self.password = self.manage("prepare").split("Password:")[1].split()[0]

    def manage(self, *arguments: str) -> str:
        return manage(self.home, *arguments, **self.server.environment)

    def rotate_keys(self) -> None:
        """The example's processes remember the former key for a while, unless they are started anew."""
        self.manage("rotatekeys", "--now")
        self.server.stop()
        self.server.start()

    def createclient(self, **metadata: object) -> tuple[str, str]:
        made = json.loads(self.manage("createclient", "--json", "--metadata", json.dumps(metadata)))
        return made["client_id"], made.get("client_secret", "")

    def token(self, **asked: str) -> str:
        """By client credentials, for the remote API unless another resource is asked for."""
        if not hasattr(self, "_service"):
            scope = "weather:read notes:read"
            self._service = self.createclient(
                client_name="Thermometer", grant_types=["client_credentials"], scope=scope
            )
        form = {"grant_type": "client_credentials", "scope": "weather:read", "resource": self.resource} | asked
        return self._bought(form, self._service)

    def token_of_a_person(self) -> tuple[str, str]:
        """By the code flow: the client's id, and the token."""
        client_id, _ = self.createclient(
            client_name="Barometer",
            redirect_uris=[CALLBACK],
            token_endpoint_auth_method="none",
            grant_types=["authorization_code"],
            scope="weather:read",
        )
        asked = {
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "weather:read",
            "resource": self.resource,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        answer = Person(self.password).answer(f"{self.server.url}/oauth/authorize?{urlencode(asked)}")
        form = {"client_id": client_id, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        code = parse_qs(urlsplit(answer).query)["code"][0]
        return client_id, self._bought(form | {"grant_type": "authorization_code", "code": code})

    def call(self, token: str = "", path: str = "/weather/today") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(self.remote.url + path, headers=headers, timeout=PATIENCE)

    def until_served(self, token: str) -> None:
        """Nothing but 200, or 503 with a time to wait, and 200 in the end."""

        def is_served() -> bool:
            if (response := self.call(token)).status_code == 200:
                return True
            assert_unavailable(response)
            time.sleep(0.5)
            return False

        until(is_served, self.remote.log)

    def _bought(self, form: dict[str, str], auth: tuple[str, str] | None = None) -> str:
        answer = requests.post(f"{self.server.url}/oauth/token", form, auth=auth, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(tmp_path)
    if getattr(request, "param", "jwks") == "introspection":
        client_id, secret = world.createclient(client_name="Weather", resource_identifiers=[world.resource])
        world.remote.environment |= {
            "VERIFIER": "introspection",
            "OAUTH_CLIENT_ID": client_id,
            "OAUTH_CLIENT_SECRET": secret,
            "INTROSPECTION_CACHE": str(CACHE_FOR),
        }
    world.server.start()
    world.remote.start()
    yield world
    world.remote.stop()
    world.server.stop()
    assert "Traceback" not in world.remote.log()


BY_KEYS = pytest.mark.parametrize("world", ["jwks"], indirect=True)
BY_INTROSPECTION = pytest.mark.parametrize("world", ["introspection"], indirect=True)
BY_EITHER = pytest.mark.parametrize("world", ["jwks", "introspection"], indirect=True)


def assert_unavailable(response: requests.Response) -> None:
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in response.headers


@BY_EITHER
@pytest.mark.spec("RFC 9728", "3")
def test_the_resource_says_what_it_needs(world: World) -> None:
    refusal = world.call()
    told = f"{world.remote.url}/.well-known/oauth-protected-resource/weather"
    assert refusal.status_code == 401
    assert f'resource_metadata="{told}"' in refusal.headers["WWW-Authenticate"]
    document = requests.get(told).json()
    assert document["resource"] == world.resource
    assert document["authorization_servers"] == [world.server.url]
    assert document["scopes_supported"] == ["weather:read"]


@BY_EITHER
@pytest.mark.spec("RFC 8707", "2")
def test_tokens_for_it_are_accepted_and_no_others(world: World) -> None:
    _, persons = world.token_of_a_person()
    for token in (world.token(), persons):
        assert world.call(token).json()["sky"] == "rain"
        assert world.call(token, "/weather/forecast/York").json()["city"] == "York"
    for_notes = world.token(resource=world.server.url, scope="notes:read")
    refused = world.call(for_notes)
    assert (refused.status_code, 'error="invalid_token"' in refused.headers["WWW-Authenticate"]) == (401, True)
    assert world.call("made-up").status_code == 401


@BY_KEYS
def test_with_the_keys_at_hand_the_issuer_may_be_down(world: World) -> None:
    token = world.token()
    assert world.call(token).status_code == 200
    world.server.stop()
    assert {world.call(token).status_code for _ in range(50)} == {200}
    assert world.call(token + "x").status_code == 401
    world.server.start()
    assert world.call(token).status_code == 200


@BY_KEYS
def test_a_new_key_is_noticed_by_its_name(world: World) -> None:
    former = world.token()
    assert world.call(former).status_code == 200
    world.rotate_keys()
    fresh = world.token()
    assert kid(fresh) != kid(former)
    assert [world.call(token).status_code for token in (fresh, former, fresh)] == [200] * 3


@BY_KEYS
def test_a_new_key_of_an_issuer_that_is_down_is_waited_for(world: World) -> None:
    former = world.token()
    assert world.call(former).status_code == 200
    world.rotate_keys()
    fresh = world.token()
    world.server.stop()
    for _ in range(3):
        assert_unavailable(world.call(fresh))
        assert world.call(former).status_code == 200
    world.server.start()
    world.until_served(fresh)


@BY_KEYS
def test_an_api_that_starts_before_its_issuer(world: World) -> None:
    token = world.token()
    world.server.stop()
    assert {world.call(token).status_code for _ in range(20)} == {503}
    assert_unavailable(world.call(token))
    world.server.start()
    world.until_served(token)


@BY_INTROSPECTION
@pytest.mark.spec("RFC 7662", "4")
def test_a_revocation_is_noticed_once_the_answer_is_no_longer_kept(world: World) -> None:
    client_id, token = world.token_of_a_person()
    assert world.call(token).status_code == 200
    asked = time.monotonic()
    requests.post(f"{world.server.url}/oauth/revoke", {"token": token, "client_id": client_id}).raise_for_status()
    for began, response in answers(world, token):
        if response.status_code != 200:
            break
        assert began < asked + CACHE_FOR, "the answer is not kept for longer"
    assert response.status_code == 401


@BY_INTROSPECTION
def test_answers_are_kept_while_the_issuer_is_down_and_then_it_is_waited_for(world: World) -> None:
    token = world.token()
    world.call("made-up")  # what has to be read before the first answer has been
    first, asked = time.monotonic(), world.call(token)
    assert asked.status_code == 200
    last = time.monotonic()
    world.server.stop()
    for began, response in answers(world, token):
        if response.status_code != 200:
            break
        assert began < last + CACHE_FOR, "the answer is not kept for longer"
    assert time.monotonic() >= first + CACHE_FOR, "nor for less"
    for _ in range(20):
        assert_unavailable(world.call(token))
    assert_unavailable(world.call("never-seen"))
    world.server.start()
    world.until_served(token)


def answers(world: World, token: str) -> Iterator[tuple[float, requests.Response]]:
    """What *token* is answered again and again, and when it was asked."""
    while True:
        yield time.monotonic(), world.call(token)
        time.sleep(0.1)


def kid(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"])
