"""What a verifier needs of its process: little, and nothing that a fork breaks."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.resource import verifiers
from tests.resource.verifying.server import INTROSPECT, JWKS
from tests.waiting import PATIENCE, until

VERIFIERS = Path(verifiers.__file__).parent
IMPORTS = """
import json, sys, threading
from datetime import timedelta
{imports}
print(json.dumps([threading.active_count(), sorted(sys.modules)]))
"""


def imported(lines: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(imports=lines)], capture_output=True, check=True, timeout=PATIENCE
    )
    threads, modules = json.loads(done.stdout)
    return threads, set(modules)


def test_a_settings_file_may_make_one():
    threads, modules = imported(
        "from django_oauth_server.resource.verifiers.chain import ChainVerifier\n"
        "from django_oauth_server.resource.verifiers.jwks import JWKSVerifier\n"
        "from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier\n"
        'ChainVerifier(JWKSVerifier("https://as.example"), opaque=IntrospectionVerifier(\n'
        '    "https://as.example", client_id="a", client_secret="b"))\n'
    )
    assert threads == 1
    assert not modules & {"oauthlib", "rest_framework", "django.contrib.auth.models"}


def test_introspection_needs_no_library_for_signatures():
    _, modules = imported("from django_oauth_server.resource.verifiers import introspection, chain")
    assert "joserfc" not in modules


def test_only_one_file_speaks_http():
    speaking = [path.name for path in VERIFIERS.glob("*.py") if "urllib3" in path.read_text(encoding="utf-8")]
    assert speaking == ["http.py"]


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("jwks", "jwks.check_length"),
        ("jwks", "claims._check_times"),
        ("introspection", "claims._check_times"),
        ("introspection", "http._object"),
        ("introspection", "http.urlencode"),
    ],
)
def test_the_report_of_a_failure_holds_no_token_and_no_secret(request, server, monkeypatch, kind, broken, mode):
    verifier, token = request.getfixturevalue(kind), server.issuer.token() if kind == "jwks" else "the-token"
    server.allow(token)

    def break_down(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"django_oauth_server.resource.verifiers.{broken}", break_down)
    try:
        verifier.verify(token) if mode == "sync" else asyncio.run(verifier.averify(token))
    except ZeroDivisionError as exc:
        report = ExceptionReporter(RequestFactory().get("/"), type(exc), exc, exc.__traceback__)
    told = [frame for frame in report.get_traceback_data()["frames"] if frame["filename"] != __file__]
    assert len(told) > 3
    for secret in (token, "s%3Ae", format_basic("api", "s:e c%ret")):
        assert secret not in str([frame["vars"] for frame in told])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("path", [JWKS, INTROSPECT])
def test_a_forked_process_asks_for_itself(server, jwks, introspection, path):
    """As gunicorn's preload_app does it: here in the midst of a question, whose thread the child does not have."""
    verifier, token = (jwks, server.issuer.token()) if path == JWKS else (introspection, "good")
    server.allow("good")
    server.hold(path)
    asking = Thread(target=verifier.verify, args=[token])
    asking.start()
    until(lambda: server.calls[path] == 1)
    with verifier._remote._lock:  # held by a thread that the child does not have either
        child = os.fork()
        if not child:
            signal.alarm(60)
            os._exit(0 if verifier.verify(token) else 1)
    server.released.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    asking.join()
    assert server.calls[path] == 2
