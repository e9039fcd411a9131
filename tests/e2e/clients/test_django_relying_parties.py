"""mozilla-django-oidc and django-allauth, each in a Django project of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.clients.conftest import Register
from tests.e2e.clients.person import Person
from tests.e2e.conftest import ROOT, Example, free_port
from tests.waiting import PATIENCE, SOON, until_served

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class RelyingParty:
    """The project as it runs: at another host, as cookies know no ports."""

    url: str
    output: Path

    def signed_in(self, person: Person, path: str = "/") -> dict[str, Any]:
        """Who is, once *person* has visited *path*."""
        page = person.visit(self.url + path)
        assert page.url.startswith(f"{self.url}/"), page.url
        assert page.status_code == 200, self.output.read_text()
        return page.json()


@contextmanager
def served(settings: str, port: int, server: Example, client: dict[str, Any], home: Path) -> Iterator[RelyingParty]:
    url, output = f"http://localhost:{port}", home / "output"
    own = {
        "DJANGO_SETTINGS_MODULE": f"tests.e2e.relying_project.{settings}",
        "PYTHONPATH": str(ROOT),
        "RELYING_PARTY_PROVIDER": requests.get(f"{server.url}/.well-known/openid-configuration").text,
        "RELYING_PARTY_CLIENT": json.dumps(client),
        "RELYING_PARTY_DATABASE": str(home / "db.sqlite3"),
    }
    command = [sys.executable, "-m", "gunicorn", "tests.e2e.relying_project.wsgi", "--bind", f"127.0.0.1:{port}"]
    with output.open("w") as sink:
        process = subprocess.Popen(
            [*command, "--threads", "2", "--log-level", "warning", "--no-control-socket"],
            env={**os.environ, **own},
            cwd=ROOT,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        until_served(lambda: requests.get(url, timeout=SOON), process, output.read_text)
        yield RelyingParty(url, output)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def registered(register: Register, port: int, callback: str) -> dict[str, Any]:
    url = f"http://localhost:{port}"
    return register(
        client_name="A Django project",
        redirect_uris=[url + callback],
        post_logout_redirect_uris=[f"{url}/"],
        grant_types=["authorization_code"],
        scope="openid profile email",
    )


@pytest.fixture(scope="module")
def mozilla(example: Example, register: Register, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelyingParty]:
    pytest.importorskip("mozilla_django_oidc", reason="mozilla-django-oidc is not installed")
    port = free_port()
    client = registered(register, port, "/sign-in/callback/")
    with served("with_mozilla", port, example, client, tmp_path_factory.mktemp("mozilla")) as running:
        yield running


@pytest.fixture(scope="module")
def allauth(example: Example, register: Register, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelyingParty]:
    pytest.importorskip("allauth.socialaccount", reason="django-allauth is not installed")
    port = free_port()
    client = registered(register, port, "/sign-in/oidc/example/login/callback/")
    with served("with_allauth", port, example, client, tmp_path_factory.mktemp("allauth")) as running:
        yield running


@pytest.mark.requirement(19)
def test_mozilla_signs_in_and_asks_again_in_silence(mozilla: RelyingParty, person: Person) -> None:
    first = mozilla.signed_in(person, "/sign-in/authenticate/")
    assert first["email"] == "demo@example.com"
    time.sleep(2)  # its ID token has expired: a visit leads to the provider and back, where nobody is asked
    visit = person.browser.get(mozilla.url)
    assert any("prompt=none" in one.headers["Location"] for one in visit.history)
    assert visit.json()["email"] == "demo@example.com"


@pytest.mark.requirement(43)
@pytest.mark.requirement(46)
def test_mozilla_signs_out_of_the_provider(mozilla: RelyingParty, example: Example, person: Person) -> None:
    mozilla.signed_in(person, "/sign-in/authenticate/")
    assert person.leave(f"{mozilla.url}/sign-in/logout/").url == f"{mozilla.url}/?state=signed-out"
    assert person.browser.get(mozilla.url).json() == {}
    assert 'id="login"' in person.browser.get(f"{mozilla.url}/sign-in/authenticate/").text


@pytest.mark.requirement(36)
def test_allauth_signs_in(allauth: RelyingParty, person: Person) -> None:
    found = allauth.signed_in(person, "/sign-in/oidc/example/login/")
    assert found == {"email": "demo@example.com", "first_name": "Ada", "last_name": "Example"}
