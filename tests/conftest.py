"""What every test may ask for."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import copy_context
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from django.core.cache import cache
from django.test import Client as Browser
from django.utils import translation

from django_oauth_server import outbound
from django_oauth_server.keys import signing
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.resource import admission
from django_oauth_server.resource.shared_cache import shared_cache
from django_oauth_server.storage import announcements, failures, refusals, revoked
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow
from tests.mysite.page import Project, forget_urls
from tests.outbound.server import write_certificate

pytest_plugins = ["django_oauth_server.testing.plugin"]

# A property says what holds, not how fast: the time that an example takes is that of a busy machine.
hypothesis.settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any_machine")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Each test in a context of its own. Django makes variables anew when settings change, and a call from the event loop copies every one that there
    ever was: after some thousand tests that took half a second."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    copy_context().run(runtestprotocol, item, nextitem=nextitem)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """No test sees what another left in a process cache, its language, nor the URLs that follow from its settings."""
    import_module("django_oauth_server.urls")
    translation.deactivate()
    cache.clear()
    signing.forget()
    announcements.forget()
    failures.forget()
    refusals.forget()
    admission.forget()
    revoked.forget()
    shared_cache.cache_clear()
    outbound.forget()
    yield
    signing.forget()
    revoked.forget()


@pytest.fixture(autouse=True)
def _windows_begin_with_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is limited is counted by the minute of the clock, or the hour: no test begins at the end of one."""
    ago = timedelta(seconds=time.time() % timedelta(days=1).total_seconds())
    key, rest = failures.Limit.key, failures.Limit.rest
    monkeypatch.setattr(failures.Limit, "key", lambda limit, now: key(limit, now - ago))
    monkeypatch.setattr(failures.Limit, "rest", lambda limit, now: rest(limit, now - ago))


_MOST_KEPT = 16
_made: dict[str, list[SigningKeyPair]] = {}
_load = lru_cache(_MOST_KEPT * 4)(SigningKeyPair.load)


@pytest.fixture(autouse=True)
def _keys_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finding primes takes longer than most tests, and so does proving that they are some each time that a key is read. The keys that a test makes
    all differ; the next test is given the same ones."""
    given, turn, make = Counter[str](), Lock(), SigningKeyPair.generate

    def generate(alg: str) -> SigningKeyPair:
        with turn:
            made, number = _made.setdefault(alg, []), given[alg]
            given[alg] += 1
            if number >= _MOST_KEPT:
                return make(alg)
            if number == len(made):
                made.append(make(alg))
            return made[number]

    monkeypatch.setattr(SigningKeyPair, "generate", generate)
    monkeypatch.setattr(SigningKeyPair, "load", _load)


@pytest.fixture
def user(db: None) -> object:
    return UserFactory()


@pytest.fixture
def browser(user: object) -> Browser:
    """A browser in which *user* is signed in, which checks CSRF tokens as a real one is checked."""
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(user)
    return browser


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of servers elsewhere, under all names that the tests have for them."""
    names = ("client.example", "other.example", "127.0.0.1", "127.0.0.2", "::1", "localhost")
    return write_certificate(tmp_path_factory.mktemp("certificates") / "servers.pem", *names)


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """`resolve("client.example", ["127.0.0.1"], ["127.0.0.2"])`: what the name leads to at the first look, at the second … Returns who looked."""
    real, looked, known = socket.getaddrinfo, [], {}

    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in known:
            return real(host, port, *args, **kwargs)
        looked.append(host)
        answers = known[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for address in found for entry in real(address, port, type=socket.SOCK_STREAM)]

    def lead(host: str, *answers: list[str]) -> list[str]:
        known[host] = list(answers)
        return looked

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return lead


@pytest.fixture
def client_app(db: None) -> object:
    """A confidential client."""
    return ClientFactory()


@pytest.fixture
def flow(browser: Browser, client_app: object) -> Flow:
    """The whole figure, from (A) to (F), for the confidential client."""
    return Flow(client_app, browser)


@pytest.fixture
def project(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A project in which files of the page about extending can be written."""
    yield Project(settings, monkeypatch)
    forget_urls()
