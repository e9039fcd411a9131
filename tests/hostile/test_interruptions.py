"""A database that stops answering, and a process that dies, at each statement of each request."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.keys.signing import jwks
from django_oauth_server.models import Authorization, Client, Ticket, Token
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.models.pushed_request import PushedRequest
from django_oauth_server.models.revocation import Revocation
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage import revoked
from tests.device.walk import Device, television
from tests.dpop.prover import Prover
from tests.factories import ClientFactory, UserFactory
from tests.flow import INTROSPECT, USERINFO, Flow, answered
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db(transaction=True)
Act = Callable[[], HttpResponse]


class Died(BaseException):
    """The process is gone."""


class _Failing:
    """Whatever is said from the statement *nth* on is answered with *error*; rolling back needs no answer."""

    def __init__(self, nth: int, error: BaseException, *, once: bool = False) -> None:
        self.nth, self.error, self.once = nth, error, once
        self.count = 0

    @property
    def happened(self) -> bool:
        return self.count >= self.nth

    def __call__(self, execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        is_end = sql.startswith("ROLLBACK") or (isinstance(self.error, Died) and sql.startswith("RELEASE"))
        self.count += not is_end
        if not is_end and (self.count == self.nth if self.once else self.count >= self.nth):
            raise self.error
        return execute(sql, *more)


def _walk(**columns: Any) -> Flow:
    browser = Browser(raise_request_exception=False)
    browser.force_login(UserFactory())
    flow = Flow(ClientFactory(**columns), browser)
    flow.server = Browser(raise_request_exception=False)
    return flow


def _rotating() -> Flow:
    return _walk(metadata__token_endpoint_auth_method="none", access_token_format="at+jwt")


def exchange() -> Act:
    flow = _walk()
    code = flow.code(scope="openid notes:read")
    return lambda: flow.exchange(code)


def replay_of_a_code() -> Act:
    flow = _walk(access_token_format="at+jwt")
    code = flow.code()
    flow.exchange(code)
    return lambda: flow.exchange(code)


def refresh() -> Act:
    flow = _walk()
    refresh_token = flow.tokens(scope="openid offline_access notes:read")["refresh_token"]
    return lambda: flow.refresh(refresh_token)


def rotation() -> Act:
    flow = _rotating()
    refresh_token = flow.tokens()["refresh_token"]
    return lambda: flow.refresh(refresh_token)


def reuse() -> Act:
    flow = _rotating()
    refresh_token = flow.tokens()["refresh_token"]
    flow.refresh(flow.refresh(refresh_token).json()["refresh_token"])
    return lambda: flow.refresh(refresh_token)


def client_credentials() -> Act:
    flow = _walk(metadata__grant_types=["client_credentials"])
    return lambda: flow.token(grant_type="client_credentials", scope="notes:read")


def revocation() -> Act:
    flow = _walk(access_token_format="at+jwt")
    refresh_token = flow.tokens()["refresh_token"]
    return lambda: flow.revoke(refresh_token)


def revocation_of_an_access_token() -> Act:
    flow = _walk(access_token_format="at+jwt")
    access_token = flow.tokens()["access_token"]
    return lambda: flow.revoke(access_token)


def introspection() -> Act:
    flow = _walk(access_token_format="at+jwt")
    form = {"token": flow.tokens()["access_token"]} | {
        "client_id": flow.client.client_id,
        "client_secret": flow.client.secret,
    }
    return lambda: flow.server.post(INTROSPECT, "&".join(f"{name}={value}" for name, value in form.items()), FORM)


def userinfo() -> Act:
    flow = _walk(access_token_format="at+jwt")
    headers = {"Authorization": f"Bearer {flow.tokens(scope='openid profile')['access_token']}"}
    return lambda: flow.server.get(USERINFO, headers=headers)


def consent_page() -> Act:
    return _walk().authorize


def consent() -> Act:
    flow = _walk()
    page = flow.authorize(scope="openid notes:read")
    return lambda: flow.decide(page)


def remembered_consent() -> Act:
    flow = _walk()
    flow.code()
    return flow.authorize


def connected_apps() -> Act:
    flow = _walk()
    flow.code()
    return lambda: flow.browser.get("/oauth/connected-apps/")


def removal_of_an_app() -> Act:
    flow = _walk(access_token_format="at+jwt")
    flow.tokens()
    (path,) = re.findall(
        r"/oauth/connected-apps/[0-9a-f-]{36}/remove", flow.browser.get("/oauth/connected-apps/").content.decode()
    )
    return lambda: flow.browser.post(path)


def end_of_a_session() -> Act:
    flow = _walk(metadata__backchannel_logout_uri="https://client.example/logout")
    hint = flow.tokens(scope="openid")["id_token"]
    return lambda: flow.browser.get("/oauth/end-session", {"id_token_hint": hint})


def _register() -> HttpResponse:
    document = json.dumps({"redirect_uris": ["https://client.example/callback"]})
    return Browser(raise_request_exception=False).post("/oauth/register", document, JSON)


def registration() -> Act:
    return _register


def _managed(method: str) -> Act:
    told = _register().json()
    path = told["registration_client_uri"].removeprefix("https://as.example")
    headers = {"Authorization": f"Bearer {told['registration_access_token']}"}
    document = json.dumps({"client_id": told["client_id"], "redirect_uris": told["redirect_uris"]})
    browser = Browser(raise_request_exception=False)
    return lambda: browser.generic(method, path, document, JSON, headers=headers)


def change_of_a_registration() -> Act:
    return _managed("PUT")


def end_of_a_registration() -> Act:
    return _managed("DELETE")


def _device() -> Device:
    browser = Browser(raise_request_exception=False)
    browser.force_login(UserFactory())
    device = Device(television(), browser)
    device.server = Browser(raise_request_exception=False)
    return device


def device_authorization() -> Act:
    return _device().ask


def code_that_is_typed() -> Act:
    device = _device()
    code = device.codes()["user_code"]
    return lambda: device.type(code)


def consent_for_a_device() -> Act:
    device = _device()
    page = device.confirm(device.codes()["user_code"])
    return lambda: device.decide(page)


def denial_for_a_device() -> Act:
    device = _device()
    page = device.type(device.codes()["user_code"])
    return lambda: device.decide(page, "deny")


def poll_that_waits() -> Act:
    device = _device()
    device_code = device.codes()["device_code"]
    return lambda: device.poll(device_code)


def poll_that_is_answered() -> Act:
    device = _device()
    codes = device.codes()
    device.allow(codes["user_code"])
    return lambda: device.poll(codes["device_code"])


def _pushing() -> Pushing:
    flow = _walk()
    pushing = Pushing(flow.client, flow.browser)
    pushing.server = flow.server
    return pushing


def push() -> Act:
    return _pushing().push


def consent_to_what_was_pushed() -> Act:
    pushing = _pushing()
    page = pushing.go(pushing.reference())
    return lambda: pushing.decide(page)


def exchange_with_a_proof() -> Act:
    flow, prover = _rotating(), Prover()
    code = flow.code()
    return lambda: flow.exchange(code, headers=prover.headers())


def rotation_with_a_proof() -> Act:
    flow, prover = _rotating(), Prover()
    refresh_token = flow.exchange(flow.code(), headers=prover.headers()).json()["refresh_token"]
    return lambda: flow.refresh(refresh_token, headers=prover.headers())


FORM, JSON = "application/x-www-form-urlencoded", "application/json"
CHANGES = [
    exchange,
    replay_of_a_code,
    refresh,
    rotation,
    reuse,
    client_credentials,
    revocation,
    revocation_of_an_access_token,
    consent,
    remembered_consent,
    removal_of_an_app,
    registration,
    change_of_a_registration,
    end_of_a_registration,
    device_authorization,
    consent_for_a_device,
    denial_for_a_device,
    poll_that_is_answered,
    push,
    consent_to_what_was_pushed,
    exchange_with_a_proof,
    rotation_with_a_proof,
]
REQUESTS = [
    *CHANGES,
    code_that_is_typed,
    poll_that_waits,
    introspection,
    userinfo,
    consent_page,
    connected_apps,
    end_of_a_session,
]


@pytest.fixture(autouse=True)
def _open(settings: Any) -> None:
    """What is noted of a refusal is left out: where that fails, the refusal is told all the same."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "open", "refusals": {"kept_for": timedelta()}}
    settings.ROOT_URLCONF = "tests.hostile.urls"
    jwks(default_issuer())  # the keys are there


@contextmanager
def _undone() -> Iterator[None]:
    """Whatever is done in here leaves nothing."""
    yield
    gc.collect()  # statements that were interrupted
    for model in (
        Token,
        DeviceRequest,
        PushedRequest,
        UsedAssertion,
        Ticket,
        Participation,
        LogoutDelivery,
        Authorization,
        Client,
        Revocation,
    ):
        model.objects.all().delete()
    revoked.forget()


def _is_told_to_come_again(response: HttpResponse) -> bool:
    if response.status_code == 303:
        return answered(response)["error"] == "temporarily_unavailable"
    return response.status_code == 503 and "Retry-After" in response


def _what_counts() -> list[int]:
    """How much is alive, and how much is known to be dead."""
    living = [Token.objects.filter(revoked_at=None, superseded_at=None), Authorization.objects.filter(is_live=True)]
    codes = Ticket.objects.filter(kind=Ticket.Kind.AUTHORIZATION_CODE)
    dead = [Token.objects.exclude(revoked_at=None), Revocation.objects.all(), codes.exclude(redeemed_at=None)]
    devices = [DeviceRequest.objects.exclude(decided_at=None), DeviceRequest.objects.exclude(redeemed_at=None)]
    told = [
        *devices,
        PushedRequest.objects.all(),
        Client.objects.all(),
        LogoutDelivery.objects.all(),
        Participation.objects.all(),
    ]
    return [rows.count() for rows in (*living, *dead, *told)]


def _undisturbed(request: Callable[[], Act]) -> tuple[int, list[int]]:
    with _undone():
        return request()().status_code, _what_counts()


@pytest.mark.parametrize(
    ("error", "once"), [(OperationalError, False), (InterfaceError, True)], ids=["from then on", "for a moment"]
)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.__name__)
def test_whoever_asks_while_the_database_stops_is_told_to_come_again_and_can(
    request_: Callable[[], Act], error: type[Exception], once: bool
) -> None:
    expected, outcome = _undisturbed(request_)
    nth, reached = 1, True
    while reached:
        with _undone():
            act = request_()
            revoked.look_again()
            failing = _Failing(nth, error("server closed the connection unexpectedly"), once=once)
            with connection.execute_wrapper(failing):
                response = act()
            reached = failing.happened
            if reached:
                assert _is_told_to_come_again(response), (nth, response.status_code, response.content)
                assert act().status_code == expected, nth
                assert _what_counts() == outcome, nth
        nth += 1
    assert nth > 2


@pytest.mark.skipif(connection.vendor == "sqlite", reason="what is interrupted so holds its locks")
@pytest.mark.parametrize("request_", CHANGES, ids=lambda request: request.__name__)
def test_what_a_process_did_not_live_to_finish_is_neither_lost_nor_done_twice(request_: Callable[[], Act]) -> None:
    expected, outcome = _undisturbed(request_)
    nth, reached = 1, True
    while reached:
        with _undone():
            act = request_()
            failing = _Failing(nth, Died())
            with connection.execute_wrapper(failing), suppress(Died):
                act()
            reached = failing.happened
            if reached:
                assert act().status_code == expected, nth
                assert _what_counts() == outcome, nth
        nth += 1
    assert nth > 2
