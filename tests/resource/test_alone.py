"""`django_oauth_server.resource` in a project of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def alone() -> dict[str, object]:
    command = [sys.executable, "-m", "tests.resource.alone"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=PATIENCE)
    return json.loads(done.stdout)


def test_it_serves_without_an_authorization_server(alone):
    assert {token: answer[0] for token, answer in alone["answers"].items()} == {
        "Bearer reader": "200 OK",
        "Bearer client": "200 OK",
        "Bearer unknown": "401 Unauthorized",
        "": "401 Unauthorized",
    }


def test_a_project_without_users_has_none_on_the_request(alone):
    assert json.loads(alone["answers"]["Bearer client"][1]) == {"client": "app", "user": None}


LOWER = ("django_oauth_server.resource", "django_oauth_server.protocol", "django_oauth_server.values")


def test_it_imports_nothing_of_the_authorization_server(alone):
    imported = [name for name in alone["modules"] if name.startswith("django_oauth_server.")]
    assert imported
    assert all(name.startswith(LOWER) for name in imported)


@pytest.mark.parametrize("package", ["oauthlib", "rest_framework", "joserfc", "django.contrib.auth.models"])
def test_it_imports_no_package_that_it_does_not_need(alone, package):
    assert package not in alone["modules"]
