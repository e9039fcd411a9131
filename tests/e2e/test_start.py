"""What the one command makes, and leaves alone when it is given again."""

from __future__ import annotations

import ast
import json
import os
import re
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.e2e.conftest import ROOT, Example, free_port
from tests.waiting import PATIENCE, until_served

pytestmark = pytest.mark.e2e


def manage(home: Path, *arguments: str, **environment: str) -> str:
    command = [sys.executable, str(ROOT / "example_project/manage.py"), *arguments]
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        command, env={**inherited, "EXAMPLE_VAR": str(home), **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def people_clients_and_keys(home: Path) -> str:
    return manage(
        home, "dumpdata", "auth.user", "notes", "django_oauth_server", "--exclude", "django_oauth_server.token"
    )


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    assert re.search(r"Password:\s+\S{12}", manage(tmp_path, "prepare"))
    before = people_clients_and_keys(tmp_path)
    again = manage(tmp_path, "prepare")
    assert "Password:" not in again
    assert "changepassword demo" in again
    assert people_clients_and_keys(tmp_path) == before


def test_the_person_has_claims_beyond_the_user_model(tmp_path: Path) -> None:
    manage(tmp_path, "prepare")
    ask = (
        "from django.contrib.auth.models import User; from people.claims import PersonClaims; from django.db import connection\n"
        "person = User.objects.get(); connection.force_debug_cursor = True\n"
        "told = PersonClaims(person).claims({'name', 'email', 'email_verified', 'address', 'updated_at', 'gender'})\n"
        "print(len(connection.queries), PersonClaims(person).claims([]), told)"
    )
    statements, nothing, told = manage(tmp_path, "shell", "-v0", "-c", ask).split(" ", 2)
    known = ast.literal_eval(told)
    assert (statements, nothing) == ("1", "{}")
    assert (known["name"], known["email"], known["email_verified"]) == ("Ada Example", "demo@example.com", True)
    assert known["address"]["locality"] == "London"
    assert isinstance(known["updated_at"], int)
    assert "gender" not in known  # it is not known


def test_the_secret_key_is_its_owners_alone(tmp_path: Path) -> None:
    manage(tmp_path, "prepare")
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_another_issuer_has_clients_of_its_own(tmp_path: Path) -> None:
    manage(tmp_path, "prepare")
    manage(tmp_path, "prepare", OAUTH_ISSUER="https://notes.example")
    clients = json.loads(manage(tmp_path, "dumpdata", "django_oauth_server.client"))
    metadata = [client["fields"]["metadata"] for client in clients]
    swagger = "/static/drf_spectacular_sidecar/swagger-ui-dist/oauth2-redirect.html"
    issuers, paths = (
        ("http://127.0.0.1:8000", "https://notes.example"),
        ("/demo/", "/demo/oidc/", "/demo/tv/", "/api/docs/"),
    )
    pages = [one.get("client_uri", "") for one in metadata]
    own = [page for page in pages if page.startswith(issuers)]  # those of chain/ are elsewhere
    assert own == [f"{issuer}{path}" for issuer in issuers for path in paths]
    assert [one["redirect_uris"] for one in metadata if "redirect_uris" in one] == [
        [f"{issuer}{path}"] for issuer in issuers for path in ("/demo/", "/demo/oidc/", swagger)
    ]


@pytest.fixture(params=["POSTGRES", "MARIADB"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database on a server."""
    server = os.environ.get(f"TEST_{request.param}_URL")
    if not server:
        pytest.skip(f"TEST_{request.param}_URL names no server")
    name, own = f"example_{uuid4().hex}", {"POSTGRES": "/postgres", "MARIADB": "/mysql"}[request.param]

    def say(sql: str) -> None:
        statement = f"from django.db import connection; connection.cursor().execute({sql!r})"
        manage(tmp_path, "shell", "-c", statement, DATABASE_URL=urlsplit(server)._replace(path=own).geturl())

    say(f"CREATE DATABASE {name}")
    yield urlsplit(server)._replace(path=f"/{name}").geturl()
    say(f"DROP DATABASE {name}")


def test_it_stands_on_a_database_server(tmp_path: Path, database: str) -> None:
    assert "Password:" in manage(tmp_path, "prepare", DATABASE_URL=database)
    assert "Password:" not in manage(tmp_path, "prepare", DATABASE_URL=database)
    assert not (tmp_path / "db.sqlite3").exists()


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """`manage.py start`, in a shell that says nothing of the issuer."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE", "OAUTH_ISSUER"}
    }
    command = [sys.executable, str(ROOT / "example_project/manage.py"), "start", *arguments]
    return subprocess.Popen(
        command,
        env=environment | {"EXAMPLE_VAR": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_the_links_lead_to_where_it_is_served(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    server = start(tmp_path, "--bind", f"0.0.0.0:{port}")
    try:
        assert server.stdout
        printed = next(line for line in server.stdout if "Metadata" in line).split()[-1]
        assert printed == f"{url}/.well-known/oauth-authorization-server"
        until_served(lambda: urllib.request.urlopen(printed), server, lambda: "it did not start")
        with urllib.request.urlopen(printed) as answer:
            assert json.load(answer)["issuer"] == url
    finally:
        server.terminate()
        server.wait(PATIENCE)


@pytest.mark.parametrize(
    ("bind", "said"),
    [("{taken}", "Address already in use"), ("192.0.2.1:9000", "Set OAUTH_ISSUER"), ("localhost", "has no port")],
)
def test_where_it_cannot_be_served_is_said_at_once(tmp_path: Path, bind: str, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = start(tmp_path, "--bind", bind.format(taken=f"127.0.0.1:{other.getsockname()[1]}"))
        printed, _ = server.communicate(timeout=PATIENCE)
    assert server.returncode == 1
    assert said in printed
    assert "Start here" not in printed


def test_static_files_are_served_without_debug(example: Example) -> None:
    for path in ("oauth_server/oauth_server.css", "example/demo.js", "admin/css/base.css"):
        with urllib.request.urlopen(f"{example.url}/static/{path}") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("path", ["/", "/demo/", "/accounts/login/", "/admin/login/", "/oauth/authorize"])
def test_no_page_can_be_framed(example: Example, path: str) -> None:
    try:
        answer = urllib.request.urlopen(example.url + path)
    except urllib.error.HTTPError as refused:
        answer = refused
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_api_refuses_a_call_without_a_token(example: Example) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{example.url}/api/notes/")
    assert refused.value.code == 401
    assert refused.value.headers["WWW-Authenticate"].startswith("Bearer")
    assert "error=" not in refused.value.headers["WWW-Authenticate"]
