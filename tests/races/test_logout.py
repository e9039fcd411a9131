"""Telling relying parties that a session ended: by several at once, by a process that dies, and by a thread of the server."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.keys.signing import signing_key
from django_oauth_server.logout import courier, delivery
from django_oauth_server.models import Client
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.outbound.server import WebServer
from tests.races.doors import FORM, ROOT, Door, Threads, at_once, environment, walk
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.5")


@pytest.fixture
def receiver(certificate: Path, settings: Any) -> Iterator[WebServer]:
    """The relying party's server."""
    server = WebServer(certificate)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "outbound_private_hosts": ["127.0.0.1"],
        "outbound_ca_bundle": str(certificate),
    }
    server.pages["/out"] = (200, {}, b"")
    yield server
    server.stop()


@pytest.fixture
def relying_party(receiver: WebServer) -> Client:
    return ClientFactory(metadata__backchannel_logout_uri=receiver.url("/out"))


def wait(client: Client, number: int = 1) -> None:
    """*number* sessions have ended of which *client* has to be told."""
    LogoutDelivery.objects.bulk_create(
        LogoutDelivery(client=client, sid=f"session{one}", person="1") for one in range(number)
    )


def test_of_many_who_deliver_at_once_one_sends_each(relying_party: Client, receiver: WebServer) -> None:
    wait(relying_party, 40)
    signing_key(default_issuer())
    at_once(*[delivery.deliver_due] * 6)
    delivery.deliver_due()
    assert receiver.calls["/out"] == 40
    assert set(LogoutDelivery.objects.values_list("state", "attempts")) == {("delivered", 1)}


def command(certificate: Path) -> subprocess.Popen[bytes]:
    there = environment("tests.races.logout_settings", TEST_CA_BUNDLE=str(certificate))
    return subprocess.Popen([sys.executable, "-m", "django", "deliverlogouts"], cwd=ROOT, env=there)


def test_what_a_process_was_sending_when_it_was_killed_is_sent_by_another(
    relying_party: Client, receiver: WebServer, certificate: Path
) -> None:
    wait(relying_party)
    receiver.released.clear()
    killed = command(certificate)
    until(lambda: receiver.calls["/out"] == 1)
    killed.kill()
    killed.wait()
    receiver.released.set()
    row = LogoutDelivery.objects.get()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert delivery.deliver_due() == 0  # it may still be under way
    LogoutDelivery.objects.update(due_at=timezone.now())  # the lease is over
    assert command(certificate).wait(PATIENCE) == 0
    row.refresh_from_db()
    assert (row.state, row.attempts, receiver.calls["/out"]) == ("delivered", 2, 2)


def test_a_thread_of_the_server_delivers_tries_again_and_ends(
    relying_party: Client, receiver: WebServer, person: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"logout_delivery": "thread"}
    monkeypatch.setattr(delivery, "_FIRST_PAUSE", timedelta(seconds=0.2))
    answers = [(200, {}, b""), (503, {}, b"")]
    receiver.pages["/out"] = lambda: answers.pop()
    flow = walk(Threads(), relying_party, person)
    flow.tokens(scope="openid")
    browser: Browser = flow.browser
    browser.logout()
    until(lambda: LogoutDelivery.objects.filter(state="delivered", attempts=2).exists())
    until(lambda: not courier._courier.get()._runs)


def test_signing_out_twice_at_once_tells_the_relying_party(
    door: Door, relying_party: Client, receiver: WebServer, person: Any
) -> None:
    for _ in range(5):
        flow = walk(door, relying_party, person)
        flow.tokens(scope="openid")
        page = flow.browser.get("/oauth/end-session").content.decode()
        token = page.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        answer = f"csrfmiddlewaretoken={token}&decision=sign_out"
        press = [lambda: flow.browser.post("/oauth/end-session/decision", answer, FORM)] * 2  # noqa: B023
        assert {response.status_code for response in at_once(*press)} <= {200, 403}
        before = receiver.calls["/out"]
        delivery.deliver_due()
        assert 1 <= receiver.calls["/out"] - before <= 2
        assert not Participation.objects.exists()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that lets everybody connect and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        yield listening


def test_with_one_dead_party_among_fifty_each_of_the_others_is_told_while_it_is_waited_for(
    receiver: WebServer, silent: socket.socket, settings: Any
) -> None:
    """Of three sessions each, which end one after the other."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=2 * PATIENCE)}
    signing_key(default_issuer())
    port = silent.getsockname()[1]
    dead = ClientFactory(metadata__backchannel_logout_uri=f"https://127.0.0.1:{port}/out")
    others = [ClientFactory(metadata__backchannel_logout_uri=receiver.url("/out")) for _ in range(49)]
    wait(dead, 500)
    one = courier.Courier()
    for number in range(3):
        rows = [LogoutDelivery(client=other, sid=f"{other.pk}-{number}", person="1") for other in others]
        LogoutDelivery.objects.bulk_create(rows)
        one.wake()
        told = 49 * (number + 1)
        until(lambda: LogoutDelivery.objects.filter(state="delivered").count() == told)  # noqa: B023
    assert LogoutDelivery.objects.filter(client=dead, state="waiting").count() == 500
    LogoutDelivery.objects.all().delete()
    silent.close()
    one.wake()
    until(lambda: not one._runs)
