"""Where a request comes from, and what it must satisfy: sources and checks of a deployment's own, each one class and one line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client as Browser

from django_oauth_server.authorization.checks import Draft, ExpiredRequest, RequestCheck, judge
from django_oauth_server.authorization.sources.base import Arrival, Found, RequestSource
from django_oauth_server.component import ASKING, AUTHORIZE, DEVICE
from django_oauth_server.errors import InvalidRequest, InvalidScope
from django_oauth_server.models import Authorization, Ticket
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.pkce import challenge_of
from django_oauth_server.registry import default_issuer
from tests.flow import VERIFIER, Flow, answered

pytestmark = pytest.mark.django_db

BARE: dict[str, Any] = dict.fromkeys(
    ("response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")
)


class Template(RequestSource):
    """A request that this server knows by heart. It shares its parameter with request objects by reference."""

    name = "template"
    parameters = frozenset({"request_uri"})
    parameter = "request_uri"

    def knows(self, value: str) -> bool:
        return value.startswith("urn:example:template:")

    def read(self, arrival: Arrival) -> Found:
        if arrival.sent["request_uri"] != "urn:example:template:notes":
            raise InvalidRequest("There is no such template.")
        return Found(Parameters([("scope", "notes:read"), ("state", "known")]))


class Kept(RequestSource):
    """A request that this server keeps until it is answered. What waits for the person is its reference."""

    name = "kept"
    parameters = frozenset({"kept"})
    parameter = "kept"
    rows: ClassVar[dict[str, list[tuple[str, str]]]] = {}

    def read(self, arrival: Arrival) -> Found:
        if arrival.sent["kept"] not in self.rows:
            raise ExpiredRequest(arrival.client, parameter="kept", rule="ours", detail="not kept")
        waits = Parameters([("client_id", arrival.client.client_id), ("kept", arrival.sent["kept"])])
        return Found(Parameters(self.rows[arrival.sent["kept"]]), alone=True, waits=waits)

    def answered(self, arrival: Arrival, now: datetime) -> None:
        if self.rows.pop(arrival.sent["kept"], None) is None:
            raise ExpiredRequest(arrival.client, parameter="kept", rule="ours", detail="answered")


class Ticketed(RequestCheck):
    """Whoever asks for notes says under which ticket."""

    name = "ticketed"
    parameters = frozenset({"ticket", "label"})
    repeatable = frozenset({"label"})
    serves = ASKING

    def judge(self, draft: Draft) -> None:
        if "ticket" not in draft.params:
            raise InvalidRequest("The parameter ticket is missing.")


@pytest.fixture
def _own(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [f"{__name__}.Template", f"{__name__}.Ticketed"]}


@pytest.mark.usefixtures("_own")
def test_a_source_completes_what_is_sent(flow: Flow) -> None:
    page = flow.authorize(scope=None, state=None, request_uri="urn:example:template:notes", ticket="7")
    assert answered(flow.decide(page))["state"] == "known"


@pytest.mark.usefixtures("_own")
def test_what_it_refuses_the_client_is_told(flow: Flow) -> None:
    told = answered(flow.authorize(request_uri="urn:example:template:none", ticket="7"))
    assert told["error_description"] == "There is no such template."


@pytest.mark.usefixtures("_own")
def test_two_sources_share_a_parameter_and_tell_by_its_value_whose_it_is(flow: Flow) -> None:
    told = answered(flow.authorize(request_uri="https://client.example/request", ticket="7"))
    assert told["error"] == "invalid_request_uri"


@pytest.mark.usefixtures("_own")
def test_of_a_source_that_is_switched_off_a_client_is_told(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}}
    for name, error in (("request_uri", "request_uri_not_supported"), ("request", "request_not_supported")):
        assert answered(flow.authorize(**{name: "https://client.example/request"}, ticket="7"))["error"] == error
    page = flow.authorize(scope=None, state=None, request_uri="urn:example:template:notes", ticket="7")
    assert answered(flow.decide(page))["state"] == "known"


@pytest.mark.usefixtures("_own")
def test_a_component_adds_a_check_and_the_parameters_that_it_needs(flow: Flow) -> None:
    assert answered(flow.authorize())["error_description"] == "The parameter ticket is missing."
    assert "code" in answered(flow.decide(flow.authorize(ticket="7", label=["a", "b"])))
    assert answered(flow.authorize(ticket=["7", "8"]))["error_description"] == "The parameter ticket is repeated."


@pytest.mark.usefixtures("_own")
def test_each_endpoint_reads_what_its_components_declare() -> None:
    components = default_issuer().components
    assert components.read_at(DEVICE).parameters >= {"ticket", "label"}
    assert "response_type" not in components.read_at(DEVICE).parameters
    assert components.read_at(AUTHORIZE).parameters >= {"ticket", "response_type", "prompt", "code_challenge", "nonce"}
    assert components.read_at(AUTHORIZE).repeatable == {"resource", "label"}


@pytest.fixture
def _kept(settings: Any, flow: Flow) -> Iterator[None]:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [f"{__name__}.Kept"]}
    asked = {"response_type": "code", "scope": "notes:read", "state": "kept", "redirect_uri": flow.redirect_uri}
    challenge = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    Kept.rows["one"] = [*asked.items(), *challenge.items()]
    yield
    Kept.rows.clear()


@pytest.mark.usefixtures("_kept")
def test_what_waits_is_the_reference_and_the_browser_notes_that_it_came_until_the_answer(flow: Flow) -> None:
    page = flow.authorize(**BARE, kept="one")
    notes = [name for name in page.cookies if name.startswith("oauth_request_")]
    assert len(notes) == 1
    assert flow.authorize(**BARE, kept="one").cookies.keys().isdisjoint(notes)
    assert Ticket.objects.order_by("-pk")[0].payload["parameters"] == [
        ["client_id", flow.client.client_id],
        ["kept", "one"],
    ]
    answer = flow.decide(page)
    assert answered(answer)["state"] == "kept"
    assert answer.cookies[notes[0]]["max-age"] == 0


@pytest.mark.usefixtures("_kept")
def test_a_stranger_signs_in_for_the_reference(flow: Flow, user: Any) -> None:
    flow.browser = Browser(enforce_csrf_checks=True)
    to_sign_in = flow.authorize(**BARE, kept="one")
    back = parse_qs(urlsplit(to_sign_in["Location"]).query)["next"][0]
    assert set(parse_qs(urlsplit(back).query)) == {"client_id", "kept"}
    assert any(name.startswith("oauth_request_") for name in to_sign_in.cookies)
    flow.browser.force_login(user)
    assert answered(flow.decide(flow.browser.get(back)))["state"] == "kept"


@pytest.mark.usefixtures("_kept")
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_source_is_told_of_the_answer_and_can_refuse_another(flow: Flow, decision: str) -> None:
    page = flow.authorize(**BARE, kept="one")
    assert answered(flow.decide(page, decision))["state"] == "kept"
    assert not Kept.rows
    for again in (flow.decide(page), flow.authorize(**BARE, kept="one")):
        assert again.status_code == 400
        assert "expired or has already been answered" in again.content.decode()


@pytest.mark.usefixtures("_kept")
def test_an_error_that_the_client_is_told_is_an_answer(flow: Flow) -> None:
    Kept.rows["one"].append(("max_age", "soon"))
    assert answered(flow.authorize(**BARE, kept="one"))["error"] == "invalid_request"
    assert not Kept.rows


@pytest.mark.usefixtures("_kept")
def test_an_answer_that_the_source_refuses_is_undone(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    page = flow.authorize(**BARE, kept="one")

    def another_was_first(source: Kept, arrival: Arrival, now: datetime) -> None:
        raise ExpiredRequest(arrival.client, parameter="kept", rule="ours", detail="answered")

    monkeypatch.setattr(Kept, "answered", another_was_first)
    assert flow.decide(page).status_code == 400
    assert not Authorization.objects.exists()


def _asked_by_a_device(client: Any, **params: str) -> Draft:
    return Draft(Parameters(params.items()), client, default_issuer(), endpoint=DEVICE)


@pytest.mark.spec("RFC 8628", "3.1")
def test_a_device_is_judged_without_redirect_uri_and_response_type(client_app: Any) -> None:
    asked = judge(_asked_by_a_device(client_app, scope="notes:read"))
    assert asked.scopes == ("notes:read",)


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize("scope", ["", "admin", "notes:read admin"])
def test_nor_has_it_scopes_that_its_client_may_not_have(client_app: Any, scope: str) -> None:
    with pytest.raises(InvalidScope):
        judge(_asked_by_a_device(client_app, scope=scope))


@pytest.mark.usefixtures("_own")
def test_a_check_of_a_component_serves_the_endpoints_that_it_names(client_app: Any) -> None:
    with pytest.raises(InvalidRequest, match="ticket is missing"):
        judge(_asked_by_a_device(client_app, scope="notes:read"))
