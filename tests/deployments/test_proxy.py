"""What docs/operating.md has a proxy do for a project below a path, with nginx and gunicorn."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import free_port
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
RECIPE = re.findall(r"^```nginx\n(location /sub/ .*?)^```", PAGE, re.S | re.M)[0]
WITHOUT_FORCE = RECIPE.replace("8000/;", "8000;").replace("/sub(/|$) {", "/sub(/|$) {\n  rewrite ^ /sub$uri break;")
CONF = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; {recipe} }}
}}
"""


def _until_open(port: int) -> None:
    until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)


@pytest.fixture(params=["force_script_name", "script_name"])
def proxied(request: Any, tmp_path: Path) -> Iterator[int]:
    """The port of nginx, before gunicorn."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    port, behind = free_port(), free_port()
    recipe = RECIPE if request.param == "force_script_name" else WITHOUT_FORCE
    conf = CONF.format(folder=tmp_path, port=port, recipe=recipe.replace("8000", str(behind)))
    (tmp_path / "nginx.conf").write_text(conf)
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.deployments.settings",
        "DEPLOYMENT": request.param,
        "TEST_DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "HOME": str(tmp_path),
    }
    if request.param == "script_name":
        env["SCRIPT_NAME"] = "/sub"
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    gunicorn = ["-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "--bind", f"127.0.0.1:{behind}"]
    with ExitStack() as stack:
        for command in ([sys.executable, *gunicorn], ["nginx", "-c", str(tmp_path / "nginx.conf")]):
            server = subprocess.Popen(command, cwd=ROOT, env=env)
            stack.callback(server.wait, PATIENCE)
            stack.callback(server.terminate)
        _until_open(behind)
        _until_open(port)
        yield port


def _asked(port: int, path: str) -> tuple[int, str]:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": "as.example"})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, exc.headers.get("WWW-Authenticate", "")


@pytest.mark.spec("RFC 8414", "3.1")
def test_the_metadata_is_at_the_root_of_the_host_and_below_the_mount(proxied: int) -> None:
    documents = []
    for path in (
        "/.well-known/oauth-authorization-server/sub",
        "/.well-known/openid-configuration/sub",
        "/sub/.well-known/openid-configuration",
        "/sub/.well-known/oauth-authorization-server",
    ):
        status, told = _asked(proxied, path)
        assert status == 200, path
        documents.append(json.loads(told))
    assert all(document == documents[0] for document in documents)
    assert documents[0]["jwks_uri"] == "https://as.example/sub/oauth/jwks"
    assert _asked(proxied, "/sub/oauth/jwks")[0] == 200


@pytest.mark.spec("RFC 9728", "5.1")
def test_a_challenge_names_metadata_that_is_there(proxied: int) -> None:
    status, challenge = _asked(proxied, "/sub/api/function")
    assert status == 401
    address = re.findall(r'resource_metadata="https://as\.example([^"]*)"', challenge)[0]
    for path in (address, "/.well-known/oauth-protected-resource/sub"):
        status, told = _asked(proxied, path)
        assert (status, json.loads(told)["resource"]) == (200, "https://as.example/sub")
