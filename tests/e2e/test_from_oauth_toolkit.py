"""A real project moves from django-oauth-toolkit, under traffic, and back: no request fails, nobody is asked again or signed out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

pytest.importorskip("oauth2_provider", reason="django-oauth-toolkit is not installed")
requests = pytest.importorskip("requests")
pytest.importorskip("authlib")

from tests.e2e.oauth_toolkit_project.traffic import (  # noqa: E402
    PASSWORD,
    TIMEOUT,
    App,
    Discovery,
    Person,
    Traffic,
    bearer,
)
from tests.waiting import PATIENCE  # noqa: E402

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "tests.e2e.oauth_toolkit_project"


class Project:
    """One deployment at one address, which can stop, and start as another stage of its move. Requests wait meanwhile: the socket stays open."""

    def __init__(self, database: str, output: Path) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.site = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.output = output
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self._environment = os.environ | {
            "DATABASE_URL": database,
            "ISSUER": f"{self.site}/o",
            "OIDC_RSA_PRIVATE_KEY": pem,
            "DJANGO_SETTINGS_MODULE": f"{PROJECT}.settings",
            "PYTHONPATH": str(ROOT),
        }
        self._server: subprocess.Popen[bytes] | None = None

    def manage(self, stage: str, *arguments: str) -> str:
        """What `manage.py` prints."""
        command = [sys.executable, "-m", "django", *arguments]
        environment = self._environment | {"STAGE": stage}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, stage: str) -> None:
        handle = self.listener.fileno()
        bound = ["--bind", f"fd://{handle}", "--workers", "2", "--graceful-timeout", "20"]
        self._server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *bound, f"{PROJECT}.wsgi"],
            cwd=ROOT,
            env=self._environment | {"STAGE": stage},
            pass_fds=(handle,),
            stdout=self.output.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def stop(self) -> None:
        """What has begun is finished."""
        if self._server:
            self._server.send_signal(signal.SIGTERM)
            self._server.wait(PATIENCE)
            self._server = None


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """On django-oauth-toolkit, with a database of its own."""
    psycopg = pytest.importorskip("psycopg")
    url = os.environ.get("TEST_POSTGRES_URL")
    if not url:
        pytest.skip("TEST_POSTGRES_URL names no server")
    name = f"move_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        project = Project(urlsplit(url)._replace(path=f"/{name}").geturl(), tmp_path / "output")
        try:
            project.manage("toolkit", "migrate", "-v0")
            project.start("toolkit")
            yield project
        finally:
            project.stop()
            project.listener.close()
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


PREPARE = """
from django.contrib.auth import get_user_model
from oauth2_provider.models import get_application_model

for name in ("ada", "grace"):
    get_user_model().objects.create_superuser(name, "", {password!r})
for application in {applications!r}:
    get_application_model().objects.create(**application)
"""


def prepare(project: Project, *applications: dict[str, object]) -> None:
    project.manage("toolkit", "shell", "-c", PREPARE.format(password=PASSWORD, applications=applications))


def application(kind: str, grant: str, client_id: str, **more: object) -> dict[str, object]:
    return {"client_type": kind, "authorization_grant_type": grant, "client_id": client_id, "name": client_id} | more


class World:
    """Who uses the project, each as they were set up at the beginning."""

    def __init__(self, project: Project) -> None:
        secret = {name: uuid.uuid4().hex * 2 for name in ("shop", "reports", "batch", "api")}
        back, phone, code, own = (
            "http://127.0.0.1:1/callback",
            "com.example.phone:/callback",
            "authorization-code",
            "client-credentials",
        )
        prepare(
            project,
            application(
                "confidential", code, "shop", client_secret=secret["shop"], redirect_uris=back, algorithm="RS256"
            ),
            application("public", code, "phone", redirect_uris=phone),
            application("confidential", own, "reports", client_secret=secret["reports"]),
            application("confidential", own, "batch", client_secret=secret["batch"], hash_client_secret=False),
            application("confidential", own, "api", client_secret=secret["api"]),
        )
        self.site, self.discovery = project.site, Discovery(project.site)
        self.ada, self.grace = Person(project.site, "ada"), Person(project.site, "grace")
        asked = {"redirect_uri": back, "scope": "openid notes:read"}
        self.shop = App(self.discovery, "shop", secret["shop"], **asked)
        asked = {"redirect_uri": phone, "scope": "notes:read notes:write"}
        self.phone = App(self.discovery, "phone", **asked)
        self.reports = App(self.discovery, "reports", secret["reports"], scope="notes:read")
        self.batch = App(self.discovery, "batch", secret["batch"], method="client_secret_post")
        self.api = (App(self.discovery, "api", secret["api"], scope="introspection"), secret["api"])
        self.sub = self.shop.sign_in(self.ada)[1]["sub"]
        self.phone_tokens = self.phone.sign_in(self.grace)[0]
        self.long_lived = self.phone.sign_in(self.ada)[0]["access_token"]
        self.gateway = self.api[0].own_token()["access_token"]

    @property
    def pages(self) -> int:
        """How many pages people saw."""
        return self.ada.pages + self.grace.pages

    def set_off(self, traffic: Traffic) -> None:
        traffic.goes_on("OpenID sign-in", lambda: self._sign_in(traffic), 0.5)
        traffic.goes_on("refresh", self._refresh, 1)
        traffic.goes_on("client credentials, hashed secret", self._reports, 0.5)
        traffic.goes_on("client credentials, plain secret in the body", self._batch, 0.5)
        traffic.goes_on("introspection by secret", self._introspect_by_secret, 0.5)
        traffic.goes_on("introspection by token", self._introspect_by_token, 0.5)
        traffic.goes_on("an access token that lasts", lambda: self._call(self.long_lived, "ada"), 0.3)
        traffic.goes_on("discovery", self._discover, 1)

    def _sign_in(self, traffic: Traffic) -> None:
        with traffic.gate:
            token, claims = self.shop.sign_in(self.ada)
        assert claims["sub"] == self.sub
        about = requests.get(
            self.discovery["userinfo_endpoint"], headers=bearer(token["access_token"]), timeout=TIMEOUT
        )
        assert about.json()["sub"] == self.sub, about.text

    def _refresh(self) -> None:
        before = self.phone_tokens
        self.phone_tokens = self.phone.refresh(before["refresh_token"])
        assert self.phone_tokens["access_token"] != before["access_token"]
        assert set(self.phone_tokens["scope"].split()) == {"notes:read", "notes:write"}
        self._call(self.phone_tokens["access_token"], "grace")

    def _reports(self) -> None:
        self._call(self.reports.own_token()["access_token"], None)

    def _batch(self) -> None:
        token = self.batch.own_token()
        assert "notes:write" in token["scope"].split(), token

    def _call(self, token: str, of: str | None) -> None:
        answer = requests.get(f"{self.site}/api/notes/", headers=bearer(token), timeout=TIMEOUT)
        assert (answer.status_code, answer.json()) == (200, {"for": of}), answer.text

    def _introspect_by_secret(self) -> None:
        where = f"{self.site}/o/introspect/"
        answer = requests.post(where, {"token": self.long_lived}, auth=("api", self.api[1]), timeout=TIMEOUT)
        self._check(answer)

    def _introspect_by_token(self) -> None:
        where = f"{self.site}/o/introspect/"
        answer = requests.post(where, {"token": self.long_lived}, headers=bearer(self.gateway), timeout=TIMEOUT)
        self._check(answer)
        self._check(requests.get(where, {"token": self.long_lived}, headers=bearer(self.gateway), timeout=TIMEOUT))

    def _check(self, answer: Any) -> None:
        members = answer.json()
        assert members["active"] is True, members
        assert (members["username"], members["client_id"]) == ("ada", "phone")
        assert set(members["scope"].split()) == {"notes:read", "notes:write"}
        assert "aud" not in members

    def _discover(self) -> None:
        now = Discovery(self.site)
        for name in self.discovery.document:
            if name == "issuer" or name.endswith(("_endpoint", "_uri")):
                assert now[name] == self.discovery[name], name
        assert {one.kid for one in self.discovery.keys.keys} <= {one.kid for one in now.keys.keys}


def test_there_and_back_under_traffic(project: Project) -> None:
    world, traffic = World(project), Traffic()
    pages = world.pages
    sleeping = world.phone.sign_in(world.grace)[0]["refresh_token"]
    waking = world.phone.sign_in(world.grace)[0]["refresh_token"]
    project.manage("beside", "migrate", "-v0")
    world.set_off(traffic)
    try:
        traffic.wait_for(2)
        would = project.manage("beside", "adopt", "oauth_toolkit")
        print(would)
        print(project.manage("beside", "adopt", "oauth_toolkit", "--apply"))
        traffic.wait_for(1)
        before = world.shop.code(world.ada)  # in flight
        project.stop()
        project.start("server")
        world.shop.redeem(*before[:3])
        traffic.wait_for(4)
        world.phone.refresh(sleeping)

        print(project.manage("server", "adopt", "oauth_toolkit", "--undo", "--apply"))
        with traffic.gate:
            project.stop()
            print(project.manage("server", "adopt", "oauth_toolkit", "--undo", "--apply"))
            project.start("toolkit")
        traffic.wait_for(3)
        world.phone.refresh(waking)
    finally:
        traffic.stop()
        print(project.output.read_text()[-6000:])
        print(dict(traffic.done), f"the slowest took {traffic.slowest:.1f} s")
    assert not traffic.failed, "\n".join(traffic.failed[:3])
    assert world.pages == pages, "somebody was asked again"
