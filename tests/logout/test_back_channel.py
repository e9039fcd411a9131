"""OpenID Connect Back-Channel Logout 1.0: a relying party's own server is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import Mock

import django
import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import InterfaceError
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server import outbound
from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import review
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.keys.signing import published_keys
from django_oauth_server.logout import courier, delivery
from django_oauth_server.models import Client
from django_oauth_server.models.logout_back_off import LogoutBackOff
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.logout_deliveries import claim, next_due, try_again
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow
from tests.logout.conftest import end_session, press, signed_in
from tests.openid.conftest import read
from tests.outbound.server import WebServer
from tests.waiting import HELD

pytestmark = [pytest.mark.django_db, pytest.mark.spec("OpenID Connect Back-Channel Logout", "2")]
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
PATH = "/backchannel"


@pytest.fixture
def receiver(certificate: Path, settings: Any) -> Iterator[WebServer]:
    """The relying party's server, which an operator trusts and allows."""
    server = WebServer(certificate)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "outbound_private_hosts": ["127.0.0.1"],
        "outbound_ca_bundle": str(certificate),
    }
    server.pages[PATH] = (200, {}, b"")
    yield server
    server.stop()


@pytest.fixture
def relying_party(db: None, receiver: WebServer) -> Any:
    return ClientFactory(
        metadata__redirect_uris=["https://rp.example/callback"], metadata__backchannel_logout_uri=receiver.url(PATH)
    )


def claims_of(token: str) -> dict[str, Any]:
    return jose.verify(token, published_keys(default_issuer()), typ="logout+jwt")


def sign_out(browser: Browser) -> None:
    press(browser, end_session(browser))


def told(receiver: WebServer) -> list[dict[str, Any]]:
    """The claims of the tokens that the receiver was sent, once everything that is due was delivered."""
    delivery.deliver_due()
    return [claims_of(form["logout_token"]) for form in receiver.forms]


@pytest.mark.requirement(48)
@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.4")
def test_the_relying_party_is_told_which_session_of_whom_has_ended(rp: Flow, receiver: WebServer, user: Any) -> None:
    id_token = read(rp.tokens(scope="openid")["id_token"])
    sign_out(rp.browser)
    assert receiver.forms == []  # the request does not wait for it
    (claims,) = told(receiver)
    assert claims.keys() == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: id_token[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert claims["exp"] - claims["iat"] == 120 and abs(claims["iat"] - datetime.now().timestamp()) < 60
    method, headers = receiver.asked[0]
    assert (method, headers["content-type"]) == ("POST", "application/x-www-form-urlencoded")
    assert receiver.forms[0].keys() == {"logout_token"}
    assert LogoutDelivery.objects.get().state == DELIVERED


@pytest.mark.requirement(48)
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_it_is_signed_as_the_clients_id_tokens_are(rp: Flow, receiver: WebServer, alg: str) -> None:
    rp.client.metadata["id_token_signed_response_alg"] = alg
    rp.client.save()
    rp.tokens(scope="openid")
    sign_out(rp.browser)
    assert told(receiver)
    header = json.loads(_decoded(receiver.forms[0]["logout_token"].split(".")[0]))
    assert (header["alg"], header["typ"]) == (alg, "logout+jwt")


def _decoded(part: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(part + "==")


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.4")
def test_it_can_be_taken_for_no_other_token(rp: Flow, receiver: WebServer) -> None:
    rp.tokens(scope="openid")
    sign_out(rp.browser)
    told(receiver)
    token = receiver.forms[0]["logout_token"]
    with pytest.raises(jose.InvalidJWT):
        jose.verify(token, published_keys(default_issuer()), typ="JWT")
    assert "is not an ID token that this server issued" in end_session(rp.browser, id_token_hint=token).content.decode()


def by_view(browser: Browser, user: Any) -> None:
    browser.enforce_csrf_checks = browser.handler.enforce_csrf_checks = False
    browser.post("/accounts/logout/")


def by_another_person(browser: Browser, user: Any) -> None:
    browser.enforce_csrf_checks = browser.handler.enforce_csrf_checks = False
    other = UserFactory()
    browser.post("/accounts/login/", {"username": other.username, "password": "password"})
    assert browser.session["_auth_user_id"] == str(other.pk)


def by_password(browser: Browser, user: Any) -> None:
    user.set_password("another")
    user.save()


def by_disabling(browser: Browser, user: Any) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


def by_deleting(browser: Browser, user: Any) -> None:
    user.delete()


@pytest.mark.parametrize("how", [by_view, by_another_person, by_password, by_disabling, by_deleting])
def test_whatever_ends_the_session_tells(rp: Flow, receiver: WebServer, user: Any, how: Callable[..., None]) -> None:
    id_token = read(rp.tokens(scope="openid")["id_token"])
    how(rp.browser, user)
    (claims,) = told(receiver)
    assert (claims["sid"], claims["sub"]) == (id_token["sid"], id_token["sub"])
    assert not Participation.objects.exists()


def test_switching_accounts_tells(rp: Flow, receiver: WebServer) -> None:
    rp.tokens(scope="openid")
    rp.decide(rp.authorize(scope="openid", prompt="select_account"), "switch")
    assert len(told(receiver)) == 1


@pytest.mark.parametrize("change", [{"last_name": "B"}, {"email": "b@example.com"}])
def test_another_change_of_the_person_tells_nobody(
    rp: Flow, receiver: WebServer, user: Any, change: dict[str, str]
) -> None:
    rp.tokens(scope="openid")
    for name, value in change.items():
        setattr(user, name, value)
    user.save()
    rp.browser.force_login(user)  # the same person, again
    assert told(receiver) == [] and Participation.objects.count() == 1


def test_every_session_of_the_person_has_its_own(rp: Flow, receiver: WebServer, user: Any) -> None:
    rp.tokens(scope="openid")
    elsewhere = Flow(rp.client, Browser())
    elsewhere.browser.force_login(user)
    elsewhere.tokens(scope="openid")
    sign_out(rp.browser)
    assert len(told(receiver)) == 1
    assert signed_in(elsewhere.browser) and Participation.objects.count() == 1
    by_password(rp.browser, user)
    assert len({claims["sid"] for claims in told(receiver)}) == 2


def test_only_relying_parties_of_the_session_are_told(rp: Flow, receiver: WebServer) -> None:
    other = ClientFactory(metadata__backchannel_logout_uri=receiver.url("/other"))
    Flow(other, rp.browser).tokens(scope="notes:read")  # no openid: it knows nothing of the session
    rp.tokens(scope="openid")
    rp.tokens(scope="openid")
    sign_out(rp.browser)
    told(receiver)
    assert receiver.calls == {PATH: 1}


def test_signing_out_again_tells_nobody(rp: Flow, receiver: WebServer) -> None:
    rp.tokens(scope="openid")
    sign_out(rp.browser)
    assert len(told(receiver)) == 1
    by_view(rp.browser, None)
    assert len(told(receiver)) == 1


# -- when it does not work ------------------------------------------------------------------------------------------------


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waiting(rp: Flow, clock: Clock) -> LogoutDelivery:
    rp.tokens(scope="openid")
    sign_out(rp.browser)
    clock.now = timezone.now()
    return LogoutDelivery.objects.get()


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.8")
@pytest.mark.parametrize(
    ("status", "state"),
    [(200, DELIVERED), (204, DELIVERED), (400, FAILED), (404, WAITING), (500, WAITING), (503, WAITING), (302, WAITING)],
)
def test_what_the_relying_party_answers(
    waiting: LogoutDelivery, receiver: WebServer, clock: Clock, status: int, state: str
) -> None:
    receiver.pages[PATH] = (status, {"Location": receiver.url("/elsewhere")}, b"")
    receiver.pages["/elsewhere"] = (200, {}, b"")
    assert delivery.deliver_due(clock) == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts) == (state, 1)
    assert receiver.calls == {PATH: 1}
    assert (str(status) in waiting.reason) is (state != DELIVERED)


def test_it_is_tried_again_ever_later_and_given_up_in_the_end(
    waiting: LogoutDelivery, receiver: WebServer, clock: Clock
) -> None:
    receiver.pages[PATH] = (503, {}, b"")
    pauses = []
    for attempt in range(1, delivery.ATTEMPTS):
        assert delivery.deliver_due(clock) == 1
        waiting.refresh_from_db()
        assert (waiting.state, waiting.attempts) == (WAITING, attempt)
        pauses.append(waiting.due_at - clock())
        assert delivery.deliver_due(clock) == 0
        clock.now = waiting.due_at
    assert timedelta(seconds=5) <= pauses[0] <= timedelta(seconds=10)
    assert timedelta(seconds=20) <= pauses[2] <= timedelta(seconds=40)
    assert timedelta(minutes=30) <= pauses[-1] <= timedelta(hours=1)
    assert delivery.deliver_due(clock) == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempts, waiting.reason) == (FAILED, delivery.ATTEMPTS, "it answered 503")
    assert delivery.deliver_due(lambda: clock() + timedelta(days=30)) == 0


def test_each_attempt_has_a_token_of_its_own(waiting: LogoutDelivery, receiver: WebServer, clock: Clock) -> None:
    receiver.pages[PATH] = (500, {}, b"")
    delivery.deliver_due(clock)
    clock.forward(minutes=5)
    delivery.deliver_due(clock)
    first, second = (claims_of(form["logout_token"]) for form in receiver.forms)
    assert first["jti"] != second["jti"] and second["iat"] - first["iat"] == 300


def test_a_server_that_does_not_answer_in_time_is_tried_again(
    waiting: LogoutDelivery, receiver: WebServer, clock: Clock, settings: Any
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_timeout": timedelta(seconds=0.5)}
    receiver.released.clear()
    delivery.deliver_due(clock)
    waiting.refresh_from_db()
    assert waiting.state == WAITING and "does not answer" in waiting.reason


def test_an_address_inside_is_not_asked(
    waiting: LogoutDelivery, receiver: WebServer, clock: Clock, settings: Any
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"outbound_private_hosts": []}
    delivery.deliver_due(clock)
    waiting.refresh_from_db()
    assert receiver.connected == [] and "may not be asked" in waiting.reason


@pytest.mark.parametrize("issuer", ["https://127.0.0.1:{port}", "https://localhost:{port}/tenant"])
def test_this_server_never_tells_itself(
    waiting: LogoutDelivery, receiver: WebServer, clock: Clock, settings: Any, issuer: str
) -> None:
    own = {"issuer": issuer.format(port=receiver.port), "scopes": {"openid": "know who you are"}}
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, own]
    delivery.deliver_due(clock)
    waiting.refresh_from_db()
    assert receiver.connected == [] and "this server itself" in waiting.reason


@pytest.mark.parametrize("change", ["disabled", "no address", "no issuer"])
def test_who_cannot_be_told_any_more_is_given_up(
    waiting: LogoutDelivery, receiver: WebServer, clock: Clock, change: str
) -> None:
    found = Client.objects.filter(pk=waiting.client_id)
    if change == "disabled":
        found.update(is_active=False)
    elif change == "no address":
        found.update(metadata={})
    else:
        found.update(issuer="https://gone.example")
    delivery.deliver_due(clock)
    waiting.refresh_from_db()
    assert waiting.state == FAILED and waiting.reason and receiver.connected == []


def test_one_that_is_down_holds_up_no_other(receiver: WebServer, user: Any, browser: Browser) -> None:
    for path in ("/down", "/up"):
        client = ClientFactory(metadata__backchannel_logout_uri=receiver.url(path))
        Flow(client, browser).tokens(scope="openid")
    receiver.pages.update({"/down": (500, {}, b""), "/up": (200, {}, b"")})
    sign_out(browser)
    delivery.deliver_due()
    states = {one.client.backchannel_logout_uri[-3:]: one.state for one in LogoutDelivery.objects.all()}
    assert states == {"own": WAITING, "/up": DELIVERED}


def test_one_that_does_not_answer_is_not_waited_for_once_for_each_of_its_sessions(
    rp: Flow, receiver: WebServer, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post_form(url: str, form: dict[str, str], settings: IssuerSettings) -> int:
        briefly = replace(settings, outbound_timeout=timedelta(seconds=0.5))
        return outbound.post_form(url, form, briefly if url.endswith("/hung") else settings)

    monkeypatch.setattr(delivery, "post_form", post_form)
    hung, silence = ClientFactory(metadata__backchannel_logout_uri=receiver.url("/hung")), Event()
    receiver.pages["/hung"] = lambda: (silence.wait(HELD), (200, {}, b""))[1]
    ended = [LogoutDelivery(client=hung, sid=str(number), person=str(user.pk)) for number in range(40)]
    LogoutDelivery.objects.bulk_create(ended)
    rp.tokens(scope="openid")
    sign_out(rp.browser)
    began = timezone.now()
    delivery.deliver_due()
    silence.set()
    assert receiver.calls == {PATH: 1, "/hung": 1}
    waiting = LogoutDelivery.objects.filter(client=hung, state=WAITING)
    assert sorted(waiting.values_list("attempts", flat=True)) == [0] * 39 + [1]
    assert delivery.deliver_due() == 0, "the address is left alone, with all that waits for it"
    due = next_due(timezone.now())
    assert due - began > timedelta(seconds=3) and due - timezone.now() <= timedelta(seconds=10)


@pytest.fixture
def dead(receiver: WebServer) -> Client:
    """A relying party that is down, which has to be told of 30 sessions."""
    receiver.pages["/down"] = (503, {}, b"")
    client = ClientFactory(metadata__backchannel_logout_uri=receiver.url("/down"))
    ended = [LogoutDelivery(client=client, sid=str(number), person="1") for number in range(30)]
    LogoutDelivery.objects.bulk_create(ended)
    return client


def until_nobody_waits(clock: Clock) -> timedelta:
    """Deliver whenever something is due. Returns how long that went on."""
    began = clock()
    while due := next_due(clock()):
        assert clock() - began < timedelta(days=1)
        clock.now = max(due, clock() + timedelta(seconds=1))
        delivery.deliver_due(clock)
    return clock() - began


def test_a_dead_address_costs_little_and_comes_to_an_end(dead: Client, receiver: WebServer, clock: Clock) -> None:
    took = until_nobody_waits(clock)
    assert set(LogoutDelivery.objects.values_list("state", "reason")) == {(FAILED, "it answered 503")}
    assert receiver.calls["/down"] < 30
    assert delivery.LONGEST_WAIT <= took < delivery.LONGEST_WAIT + timedelta(hours=2)


def test_an_address_that_recovers_is_told_of_everything_at_once(
    dead: Client, receiver: WebServer, clock: Clock
) -> None:
    for _ in range(5):
        delivery.deliver_due(clock)
        clock.now = next_due(clock())
    receiver.pages["/down"] = (200, {}, b"")
    assert delivery.deliver_due(clock) >= 25
    clock.forward(minutes=5)
    delivery.deliver_due(clock)
    assert set(LogoutDelivery.objects.values_list("state", flat=True)) == {DELIVERED}


def test_another_address_is_asked_at_once(dead: Client, receiver: WebServer, clock: Clock) -> None:
    delivery.deliver_due(clock)
    receiver.pages["/moved"] = (200, {}, b"")
    dead.metadata["backchannel_logout_uri"] = receiver.url("/moved")
    dead.save()
    assert delivery.deliver_due(clock) == 29


def test_another_change_of_the_client_wakes_nobody(dead: Client, receiver: WebServer, clock: Clock) -> None:
    delivery.deliver_due(clock)
    dead.metadata["client_name"] = "Another"
    dead.save()
    assert delivery.deliver_due(clock) == 0


def test_what_an_operator_asks_for_again_is_sent_at_once_however_old(
    dead: Client, receiver: WebServer, clock: Clock
) -> None:
    until_nobody_waits(clock)
    assert try_again(LogoutDelivery.objects.all(), clock()) == 30
    assert delivery.deliver_due(clock) == 1
    assert LogoutDelivery.objects.filter(state=WAITING).count() == 30, "each has its time before it anew"
    receiver.pages["/down"] = (200, {}, b"")
    clock.forward(seconds=11)
    assert delivery.deliver_due(clock) >= 29


def test_one_that_its_senders_never_come_back_from_is_given_up(dead: Client, clock: Clock) -> None:
    LogoutDelivery.objects.update(attempts=delivery.ATTEMPTS)
    delivery.deliver_due(clock)
    assert set(LogoutDelivery.objects.values_list("state", flat=True)) == {FAILED}


def test_one_session_that_is_refused_again_and_again_keeps_no_other_from_being_told(
    dead: Client, receiver: WebServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client fails at the token of one session alone."""
    LogoutDelivery.objects.filter(sid="0").update(person="poison")

    def answer() -> tuple[int, dict[str, str], bytes]:
        said = json.loads(_decoded(receiver.forms[-1]["logout_token"].split(".")[1]))
        return (500 if said["sub"] == "poison" else 200), {}, b""

    monkeypatch.setattr(delivery, "_TO_ONE", 1)
    receiver.pages["/down"] = answer
    for _ in range(12):
        delivery.deliver_due(clock)
        clock.forward(seconds=15)
    assert LogoutDelivery.objects.filter(state=DELIVERED).count() == 29


def test_who_was_never_told_comes_before_who_did_not_listen(rp: Flow, receiver: WebServer, user: Any) -> None:
    down = ClientFactory(metadata__backchannel_logout_uri=receiver.url("/down"))
    tried = [LogoutDelivery(client=down, sid=str(number), person=str(user.pk), attempts=1) for number in range(8)]
    LogoutDelivery.objects.bulk_create(tried)
    rp.tokens(scope="openid")
    sign_out(rp.browser)
    assert rp.client in [one.client for one in claim(timezone.now(), delivery.LEASE, 8)]


def test_a_sender_that_never_comes_back_is_replaced_when_its_lease_is_over(
    waiting: LogoutDelivery, receiver: WebServer, clock: Clock
) -> None:
    assert len(claim(clock(), delivery.LEASE, 8)) == 1  # and then its process dies
    assert delivery.deliver_due(clock) == 0
    clock.forward(seconds=delivery.LEASE.total_seconds())
    assert delivery.deliver_due(clock) == 1
    assert receiver.calls == {PATH: 1}


def test_of_two_senders_one_sends(waiting: LogoutDelivery, clock: Clock) -> None:
    assert [len(claim(clock(), delivery.LEASE, 8)) for _ in range(2)] == [1, 0]


def test_the_command_delivers_what_waits(waiting: LogoutDelivery, receiver: WebServer, capsys: Any) -> None:
    call_command("deliverlogouts")
    waiting.refresh_from_db()
    assert waiting.state == DELIVERED and "Delivery attempts: 1" in capsys.readouterr().out


def test_the_command_goes_on_until_it_is_stopped(
    waiting: LogoutDelivery, receiver: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.pages[PATH] = (500, {}, b"")
    pauses: list[float] = []

    def rest(seconds: float) -> None:
        pauses.append(seconds)
        LogoutDelivery.objects.update(due_at=timezone.now())
        LogoutBackOff.objects.all().delete()
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("django_oauth_server.management.commands.deliverlogouts.sleep", rest)
    monkeypatch.setattr("django_oauth_server.management.commands.deliverlogouts.close_old_connections", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        call_command("deliverlogouts", "--forever", "--pause", "2")
    assert pauses == [2.0] * 3 and receiver.calls == {PATH: 3}


def test_nothing_is_told_of_what_was_rolled_back(rp: Flow, receiver: WebServer, user: Any) -> None:
    from django.db import transaction

    rp.tokens(scope="openid")
    with pytest.raises(RuntimeError), transaction.atomic():
        by_password(rp.browser, user)
        raise RuntimeError
    assert told(receiver) == [] and Participation.objects.count() == 1


@pytest.mark.parametrize(("means", "calls"), [("thread", ["wake"]), ("command", [])])
def test_who_delivers_is_told_after_the_commit(
    rp: Flow,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
    means: str,
    calls: list[str],
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"logout_delivery": means}
    rp.tokens(scope="openid")
    made: list[str] = []
    monkeypatch.setattr(courier.Courier, "wake", lambda self: made.append("wake"))
    with django_capture_on_commit_callbacks(execute=True):
        sign_out(rp.browser)
        assert made == []
    assert made == calls


@pytest.mark.skipif(django.VERSION < (6, 0), reason="this Django has no tasks")
def test_djangos_tasks_deliver(
    rp: Flow, receiver: WebServer, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"logout_delivery": "task"}
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    rp.tokens(scope="openid")
    with django_capture_on_commit_callbacks(execute=True):
        sign_out(rp.browser)
    assert len(receiver.forms) == 1
    assert LogoutDelivery.objects.get().finished_at is not None


# -- what it costs, and what may be registered --------------------------------------------------------------------------


def test_the_thread_outlives_whatever_goes_wrong(
    waiting: LogoutDelivery, receiver: WebServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A connection that the database has closed raises InterfaceError, which is no DatabaseError."""
    one = courier.Courier()
    with monkeypatch.context() as broken:
        broken.setattr(courier, "deliver_due", Mock(side_effect=InterfaceError("connection already closed")))
        assert one._round() == courier._REST_AFTER_TROUBLE
    assert "Pending logout notifications cannot be delivered" in caplog.text
    assert one._round() is None
    assert receiver.calls == {PATH: 1}


def test_a_participation_is_noted_once_a_session(rp: Flow, user: Any) -> None:
    rp.tokens(scope="openid")
    rp.tokens(scope="openid")
    row = Participation.objects.get()
    assert (row.client, row.user_id) == (rp.client, user.pk)
    assert rp.browser.session.session_key not in (row.sid, row.session_digest)


@pytest.mark.requirement(49)
def test_the_server_says_that_it_tells(client: Browser) -> None:
    found = client.get("/.well-known/openid-configuration").json()
    assert found["backchannel_logout_supported"] is found["backchannel_logout_session_supported"] is True


@pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.2")
@pytest.mark.parametrize(
    "uri", ["http://rp.example/logout", "https://rp.example/#x", "https://u@rp.example/", "rp.example", "urn:x"]
)
def test_such_addresses_are_not_registered(uri: str) -> None:
    document = {"redirect_uris": ["https://rp.example/callback"], "backchannel_logout_uri": uri}
    _, refusals = review(document, terms_of(default_issuer()), operator=True)
    assert "backchannel_logout_uri" in refusals


def test_old_rows_go(waiting: LogoutDelivery, rp: Flow, user: Any) -> None:
    rp.browser.force_login(get_user_model().objects.get(pk=user.pk))
    rp.tokens(scope="openid")
    call_command("cleartokens", verbosity=0)
    assert (LogoutDelivery.objects.count(), Participation.objects.count()) == (1, 1)
    LogoutDelivery.objects.update(finished_at=timezone.now() - timedelta(days=31))
    Participation.objects.update(created_at=timezone.now() - timedelta(days=91))
    call_command("cleartokens", verbosity=0)
    assert (LogoutDelivery.objects.count(), Participation.objects.count()) == (0, 0)
