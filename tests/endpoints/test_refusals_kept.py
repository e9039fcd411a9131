"""A refusal is kept for whoever asks why, by the reference that was told; and no stranger fills the table."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models.refusal import Refusal
from django_oauth_server.storage import refusals
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.fixture
def service() -> Flow:
    return Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())


def ask(address: str = "192.0.2.1", **form: str) -> HttpResponse:
    """A token request of whoever names a client."""
    return Browser(REMOTE_ADDR=address).post("/oauth/token", urlencode(form), content_type=FORM)


def test_at_the_token_endpoint(service: Flow) -> None:
    answer = service.token(grant_type="client_credentials", scope="notes:read nothing").json()
    kept = Refusal.objects.get(reference=answer["error_reference"])
    assert (kept.client_id, kept.endpoint, kept.error) == (service.client.client_id, "/oauth/token", "invalid_scope")
    assert (kept.parameter, kept.rule) == ("scope", "RFC 6749 section 3.3")
    assert kept.description == answer["error_description"]


@pytest.mark.parametrize(
    ("form", "parameter"),
    [
        ({"scope": "notes:read"}, "grant_type"),
        ({"grant_type": "unheard_of"}, "grant_type"),
        ({"grant_type": "authorization_code"}, "grant_type"),
        ({"grant_type": "client_credentials", "resource": "https://nowhere.example"}, "resource"),
    ],
)
def test_it_says_which_parameter_is_wrong(service: Flow, form: dict[str, str], parameter: str) -> None:
    service.token(**form)
    assert Refusal.objects.get().parameter == parameter


def test_a_redirect_uri_that_is_not_registered(flow: Flow) -> None:
    page = flow.authorize(redirect_uri="https://client.example/other").content.decode()
    kept = Refusal.objects.get()
    assert kept.reference in page
    assert (kept.client_id, kept.parameter) == (flow.client.client_id, "redirect_uri")
    assert "https://client.example/other" in kept.reason


def test_what_is_told_by_a_redirect_is_kept_too(flow: Flow) -> None:
    flow.authorize(scope="nothing")
    assert Refusal.objects.get().client_id == flow.client.client_id


def test_at_the_end_of_a_session(flow: Flow) -> None:
    flow.browser.get(
        "/oauth/end-session", {"client_id": flow.client.client_id, "post_logout_redirect_uri": "https://other.example/"}
    )
    kept = Refusal.objects.get()
    assert (kept.client_id, kept.parameter) == (flow.client.client_id, "post_logout_redirect_uri")


def test_a_wrong_secret_is_kept_with_the_client_and_an_unknown_client_with_none(service: Flow) -> None:
    service.client.secret = "wrong"
    service.token(grant_type="client_credentials")
    ask(grant_type="client_credentials", client_id="nobody", client_secret="wrong")
    kept = Refusal.objects.order_by("pk").values_list("client_id", "error", "reason")
    assert list(kept) == [
        (service.client.client_id, "invalid_client", "client_secret_basic failed"),
        ("", "invalid_client", "unknown client, client_id 'nobody'"),
    ]


def test_the_log_names_a_client_once(service: Flow, flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
    service.client.secret = "wrong"
    service.token(grant_type="client_credentials")
    flow.authorize(redirect_uri="https://client.example/other")
    ask(grant_type="client_credentials", client_id="nobody", client_secret="wrong")
    lines = [one.getMessage() for one in caplog.records if one.name == "django_oauth_server"]
    assert [line.count("client_id '") for line in lines] == [1, 1, 1]


@pytest.mark.parametrize("decision", ["deny", "prompt=none"])
def test_what_a_person_decides_is_no_refusal(flow: Flow, decision: str) -> None:
    if decision == "deny":
        flow.decide(flow.authorize(), "deny")
    else:
        flow.authorize(prompt="none")
    assert not Refusal.objects.exists()


@pytest.mark.parametrize(
    "secret", [JWT, "oas_at_" + "s" * 43, "oas_cs_" + "s" * 43, "https://x.example/?token=s3cr3t-s3cr3t"]
)
@pytest.mark.parametrize(
    "name", ["grant_type", "client_id", "code", "scope", "resource", "redirect_uri", "response_type", "prompt"]
)
def test_no_secret_is_kept_wherever_it_is_sent(flow: Flow, name: str, secret: str) -> None:
    asked = {"client_id": flow.client.client_id, "redirect_uri": flow.redirect_uri, "response_type": "code"}
    flow.browser.get("/oauth/authorize", asked | {name: secret})
    flow.token(**{"grant_type": "client_credentials", name: secret})
    kept = [str(value) for row in Refusal.objects.values() for value in row.values()]
    assert Refusal.objects.exists()
    assert not [value for value in kept if JWT in value or "ssssss" in value or "s3cr3t" in value]


def test_who_is_refused_again_and_again_fills_no_table() -> None:
    made = {re.fullmatch("[0-9A-F]{8}", ask().json()["error_reference"])[0] for _ in range(30)}  # type: ignore[index]
    assert (len(made), Refusal.objects.count()) == (30, refusals.FROM_ONE_ADDRESS.count)


def test_a_client_in_whose_name_many_ask_leaves_room_for_others(service: Flow) -> None:
    for number in range(30):
        ask(f"192.0.2.{number}", grant_type="client_credentials", client_id=service.client.client_id)
    assert Refusal.objects.count() == refusals.FOR_ONE_CLIENT.count
    Flow(ClientFactory(), Browser()).token(grant_type="unheard_of")
    assert Refusal.objects.count() == refusals.FOR_ONE_CLIENT.count + 1


def test_a_process_writes_no_more_than_so_many_a_minute() -> None:
    clients = [ClientFactory().client_id for _ in range(4)]
    for number in range(100):
        ask(f"192.0.2.{number}", grant_type="client_credentials", client_id=clients[number % 4], client_secret="wrong")
    assert Refusal.objects.count() == refusals.OF_ONE_PROCESS.count


def test_a_client_has_a_share_of_the_table(service: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "OF_EACH_CLIENT", 3)
    monkeypatch.setattr(refusals, "_TRIMMED_EACH", 1)
    service.token(grant_type="client_credentials", scope="nothing")
    ours = Refusal.objects.get()
    told = [ask().json()["error_reference"] for _ in range(5)]
    assert list(Refusal.objects.order_by("pk").values_list("reference", flat=True)) == [ours.reference, *told[-3:]]


def test_the_table_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST", 2)
    monkeypatch.setattr(refusals, "_TRIMMED_EACH", 1)
    told = [Flow(ClientFactory(), Browser()).token().json()["error_reference"] for _ in range(4)]
    assert list(Refusal.objects.order_by("pk").values_list("reference", flat=True)) == told[-2:]


def test_zero_keeps_none(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"refusals": {"kept_for": timedelta()}}
    assert ask().json()["error_reference"]
    assert not Refusal.objects.exists()


def test_they_go_when_nobody_asks_any_more() -> None:
    ask()
    call_command("cleartokens")
    assert Refusal.objects.exists()
    Refusal.objects.update(expires_at=timezone.now() - timedelta(hours=2))
    call_command("cleartokens")
    assert not Refusal.objects.exists()


def test_what_cannot_be_kept_is_refused_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    def away(*args: object, **kwargs: object) -> None:
        tried.append(1)
        raise OperationalError("the database is away")

    monkeypatch.setattr(Refusal, "save", away)
    answers = [ask() for _ in range(3)]
    assert [one.status_code for one in answers] == [400, 400, 400]
    assert all(one.json()["error_reference"] in caplog.text for one in answers)
    assert len(tried) == 1  # it is left alone for a while
