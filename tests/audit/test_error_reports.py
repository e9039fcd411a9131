"""What an operator is mailed when the server fails, every local variable included, holds nothing that opens anything."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.http import HttpRequest, JsonResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter

from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.storage.tickets import hand_out
from django_oauth_server.testing.proofs import DPoPKey
from tests.factories import ClientFactory, TokenFactory
from tests.flow import INTROSPECT, REVOKE, VERIFIER, Flow

pytestmark = [pytest.mark.django_db, pytest.mark.spec("OAuth 2.1", "1.4")]


def _fail(*args: object, **kwargs: object) -> None:
    raise RuntimeError("the disk is full")


@pytest.fixture
def reports(settings: Any) -> Iterator[Callable[[], str]]:
    """All that was mailed so far, text and HTML."""
    settings.ADMINS = [("operator", "operator@as.example")]
    handler, logger = AdminEmailHandler(include_html=True), logging.getLogger("django.request")
    logger.addHandler(handler)
    yield lambda: "\n".join(f"{one.body}{one.alternatives}" for one in mail.outbox)
    logger.removeHandler(handler)


def _patient(flow: Flow) -> Flow:
    """Neither the server nor the browser lets a failure through to the test."""
    flow.server.raise_request_exception = flow.browser.raise_request_exception = False
    return flow


@pytest.mark.parametrize("authentication", ["client_secret_basic", "client_secret_post"])
def test_of_the_token_endpoint(
    reports: Callable[[], str], monkeypatch: pytest.MonkeyPatch, browser: Any, authentication: str
) -> None:
    client = ClientFactory(metadata__token_endpoint_auth_method=authentication)
    flow = _patient(Flow(client, browser))
    code = flow.code()
    monkeypatch.setattr("django_oauth_server.tokens.issue.store", _fail)
    posted = {"authorization": None, "client_id": client.client_id, "client_secret": client.secret}
    assert flow.exchange(code, **(posted if authentication == "client_secret_post" else {})).status_code == 500
    assert "the disk is full" in reports()
    for secret in (code, VERIFIER, client.secret):
        assert secret not in reports()


@pytest.mark.parametrize(("path", "failing"), [(INTROSPECT, "find_token_for"), (REVOKE, "find_token")])
def test_of_introspection_and_revocation(
    reports: Callable[[], str], monkeypatch: pytest.MonkeyPatch, flow: Flow, path: str, failing: str
) -> None:
    token, server = flow.tokens()["access_token"], _patient(flow).server
    monkeypatch.setattr(f"django_oauth_server.tokens.locate.{failing}", _fail)
    basic = {"Authorization": format_basic(flow.client.client_id, flow.client.secret)}
    form = "application/x-www-form-urlencoded"
    assert server.post(path, urlencode({"token": token}), content_type=form, headers=basic).status_code == 500
    assert "the disk is full" in reports()
    assert token not in reports()


def test_of_the_decision(reports: Callable[[], str], monkeypatch: pytest.MonkeyPatch, flow: Flow) -> None:
    page, made = flow.authorize(), []

    def remember(ticket: Any, prefix: str) -> str:
        made.append(hand_out(ticket, prefix))
        return made[0]

    monkeypatch.setattr("django_oauth_server.authorization.response_types.code.hand_out", remember)
    monkeypatch.setattr("django_oauth_server.authorization.response_modes.query.add_parameters", _fail)
    assert _patient(flow).decide(page).status_code == 500
    handle = page.content.decode().split('name="interaction" value="')[1].split('"')[0]
    assert "the disk is full" in reports()
    for secret in (handle, *made):
        assert secret not in reports()
    assert made


@pytest.mark.parametrize(
    ("path", "failing", "name"),
    [
        ("/oauth/end-session", "django_oauth_server.endpoints.end_session.query_parameters", "id_token_hint"),
        ("/oauth/authorize", "django_oauth_server.endpoints.authorize.query_parameters", "request"),
    ],
)
def test_of_what_is_in_an_address(
    reports: Callable[[], str], monkeypatch: pytest.MonkeyPatch, flow: Flow, path: str, failing: str, name: str
) -> None:
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    monkeypatch.setattr(failing, _fail)
    address = f"{path}?client_id={flow.client.client_id}&{name}={jwt}"
    page = {"Referer": f"https://as.example{address}&page=1"}
    assert _patient(flow).browser.get(address, RAW_URI=address, headers=page).status_code == 500
    assert "the disk is full" in reports() and f"client_id&amp;{name}" in reports()
    assert jwt not in reports()


@protected_resource("notes:read")
def notes(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


@protected_resource("notes:read")
async def anotes(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


@pytest.mark.parametrize(
    ("view", "factory"), [(notes, RequestFactory()), (async_to_sync(anotes), AsyncRequestFactory())]
)
def test_of_a_protected_view(monkeypatch: pytest.MonkeyPatch, view: Any, factory: Any) -> None:
    token = TokenFactory().value
    monkeypatch.setattr("django_oauth_server.tokens.verify.find_token", _fail)
    request = factory.get("/", headers={"Authorization": f"Bearer {token}"})
    try:
        view(request)
    except RuntimeError:
        told = ExceptionReporter(request, *sys.exc_info())
    assert "the disk is full" in told.get_traceback_html()
    assert token not in _of_the_package(told)


@pytest.mark.parametrize(
    "failing",
    [
        "django_oauth_server.protocol.dpop.verify_embedded",
        "django_oauth_server.resource.bindings.dpop.constant_time_compare",
        "django_oauth_server.storage.proofs.spend",
    ],
)
@pytest.mark.parametrize(
    ("view", "factory"), [(notes, RequestFactory()), (async_to_sync(anotes), AsyncRequestFactory())]
)
def test_of_a_view_that_is_opened_by_a_bound_token(
    monkeypatch: pytest.MonkeyPatch, view: Any, factory: Any, failing: str
) -> None:
    key = DPoPKey()
    token = TokenFactory(facts={"cnf": dict(key.confirmation)}).value
    monkeypatch.setattr(failing, _fail)
    headers = {"Authorization": f"DPoP {token}", "DPoP": key.proof("GET", "https://as.example/", token)}
    request = factory.get("/", headers=headers)
    try:
        view(request)
    except RuntimeError:
        told = ExceptionReporter(request, *sys.exc_info())
    assert "the disk is full" in told.get_traceback_html()
    assert token not in _of_the_package(told)


def _of_the_package(told: ExceptionReporter) -> str:
    """Every variable of every frame, but for those of this file."""
    return "\n".join(
        f"{frame['vars']}" for frame in told.get_traceback_data()["frames"] if frame["filename"] != __file__
    )
