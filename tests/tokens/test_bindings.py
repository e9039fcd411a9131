"""What proves possession of a key: asked once for every grant, kept with the tokens, and told wherever they are described (RFC 7800)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.errors import InvalidGrant, InvalidRequest
from django_oauth_server.grants.confirmation import check_promise
from django_oauth_server.models import Client, Ticket, Token
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer, issuers
from django_oauth_server.storage.presented import spend
from django_oauth_server.tokens.bindings.base import Binding, Call, Possession
from django_oauth_server.tokens.verify import verify_access_token
from tests.factories import ClientFactory
from tests.flow import Flow, answered, told

pytestmark = pytest.mark.django_db


class Handshake(Binding):
    """Proves a key by saying its name: enough to see what becomes of it."""

    name = "handshake"
    member = "hand"
    token_type = "Shaken"
    promise = "hand_to_shake"
    parameters = frozenset({"hand_to_shake"})
    serves = frozenset({"authorize"})

    def prove(self, call: Call) -> Possession | None:
        shown = call.http.headers.get("Hand", "")
        if shown == "false":
            raise InvalidRequest("No such hand.", detail=call.url)
        number = call.http.headers.get("Number")
        uses = (partial(self._once, number, call),) if number else ()
        return Possession({self.member: shown}, {"Next-Hand": "other"}, uses) if shown else None

    def is_key(self, value: str) -> bool:
        return value in {"left", "right"}

    def demanded(self, client: Client, issuer: object) -> bool:
        return client.metadata.get("client_name") == "Shaker"

    @staticmethod
    def _once(number: str, call: Call) -> None:
        if not spend("hand", number, expires_at=call.now + timedelta(minutes=1)):
            raise InvalidRequest("Shaken before.")


@pytest.fixture(autouse=True)
def _shaking(settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "components": [f"{__name__}.Handshake"]}


def switch_off(settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "components": []}


LEFT, RIGHT = {"Hand": "left"}, {"Hand": "right"}


@pytest.fixture
def public(browser: Browser) -> Flow:
    return Flow(ClientFactory(public=True), browser)


@pytest.fixture
def machine() -> Flow:
    return Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())


def own(flow: Flow, **more: Any) -> Any:
    return flow.token(grant_type="client_credentials", scope="notes:read", **more)


def claims(token: str) -> dict[str, Any]:
    return dict(jose.unverified(token)[1])


def test_without_a_key_a_token_is_its_bearers(flow: Flow) -> None:
    bought = flow.tokens()
    assert bought["token_type"] == "Bearer"
    told_of_it = flow.introspect(bought["access_token"])
    assert told_of_it["token_type"] == "Bearer"
    assert "cnf" not in told_of_it


def test_a_key_that_is_shown_binds_the_access_token(flow: Flow) -> None:
    response = flow.exchange(flow.code(), headers=LEFT)
    bought = response.json()
    assert bought["token_type"] == "Shaken"
    assert response["Next-Hand"] == "other"
    told_of_it = flow.introspect(bought["access_token"])
    assert told_of_it["cnf"] == {"hand": "left"}
    assert told_of_it["token_type"] == "Shaken"
    verified = verify_access_token(bought["access_token"], _issuers(), Token.objects.latest("pk").issued_at)
    assert verified.confirmation == {"hand": "left"}


def test_a_jwt_says_the_key(flow: Flow) -> None:
    Client.objects.update(access_token_format="at+jwt")
    bought = flow.exchange(flow.code(), headers=LEFT).json()
    assert claims(bought["access_token"])["cnf"] == {"hand": "left"}
    assert flow.introspect(bought["access_token"])["token_type"] == "Shaken"


def test_a_jwt_that_is_not_stored_says_the_key(machine: Flow) -> None:
    Client.objects.update(access_token_format="at+jwt")
    bought = own(machine, headers=LEFT).json()
    assert not Token.objects.exists()
    assert bought["token_type"] == "Shaken"
    assert claims(bought["access_token"])["cnf"] == {"hand": "left"}
    told_of_it = machine.introspect(bought["access_token"])
    assert (told_of_it["cnf"], told_of_it["token_type"]) == ({"hand": "left"}, "Shaken")


def test_a_false_proof_burns_no_code(flow: Flow) -> None:
    code = flow.code()
    assert told(flow.exchange(code, headers={"Hand": "false"})) == {
        "error": "invalid_request",
        "error_description": "No such hand.",
    }
    assert flow.exchange(code).status_code == 200


def test_nobody_is_asked_for_a_key_before_the_client_is_known(flow: Flow) -> None:
    refused = flow.token(grant_type="authorization_code", code="x", authorization=None, headers={"Hand": "false"})
    assert refused.json()["error"] == "invalid_client"


def test_a_client_of_which_a_key_is_demanded_gets_nothing_without(flow: Flow) -> None:
    Client.objects.update(metadata={**Client.objects.get().metadata, "client_name": "Shaker"})
    code = flow.code()
    assert flow.exchange(code).json()["error"] == "invalid_request"
    assert flow.exchange(code, headers=LEFT).json()["token_type"] == "Shaken"


def test_a_policy_demands_that_every_token_is_bound(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "policy": _with(demands=frozenset({"sender_constrained_tokens"}))}
    code = flow.code()
    assert flow.exchange(code).status_code == 400
    assert flow.exchange(code, headers=LEFT).json()["token_type"] == "Shaken"


def test_a_code_is_bought_by_the_key_that_was_promised(flow: Flow) -> None:
    code = flow.code(hand_to_shake="left")
    for headers in ({}, RIGHT):
        refused = flow.exchange(code, headers=headers)
        assert refused.json()["error"] == "invalid_grant"
    assert flow.exchange(code, headers=LEFT).json()["token_type"] == "Shaken"


def test_a_promise_of_what_is_no_key_is_refused(flow: Flow) -> None:
    assert answered(flow.authorize(hand_to_shake="foot"))["error"] == "invalid_request"


def test_a_promise_that_nobody_can_keep_any_more_opens_nothing(flow: Flow, settings: Any) -> None:
    code = flow.code(hand_to_shake="left")
    switch_off(settings)
    assert flow.exchange(code, headers=LEFT).json()["error"] == "invalid_grant"


def test_a_replay_by_another_key_takes_nothing_back(flow: Flow) -> None:
    code = flow.code(hand_to_shake="left")
    bought = flow.exchange(code, headers=LEFT).json()
    assert flow.exchange(code, headers=RIGHT).json()["error"] == "invalid_grant"
    assert flow.is_active(bought["access_token"])


def test_a_public_clients_refresh_token_demands_the_key(public: Flow) -> None:
    bought = public.exchange(public.code(), headers=LEFT).json()
    for headers in ({}, RIGHT):
        assert public.refresh(bought["refresh_token"], headers=headers).json()["error"] == "invalid_grant"
    again = public.refresh(bought["refresh_token"], headers=LEFT).json()
    assert again["token_type"] == "Shaken"
    assert public.refresh(again["refresh_token"], headers=RIGHT).json()["error"] == "invalid_grant"
    assert public.refresh(again["refresh_token"], headers=LEFT).status_code == 200


def test_a_public_clients_refresh_token_is_bound_from_the_first_key_on(public: Flow) -> None:
    bought = public.tokens()
    bound = public.refresh(bought["refresh_token"], headers=LEFT).json()
    assert bound["token_type"] == "Shaken"
    assert public.refresh(bound["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_confidential_clients_refresh_token_takes_any_key(flow: Flow) -> None:
    bought = flow.exchange(flow.code(), headers=LEFT).json()
    assert "cnf" not in Token.objects.get(kind=Token.Kind.REFRESH).facts
    for headers, kind, key in [(RIGHT, "Shaken", "right"), ({}, "Bearer", None), (LEFT, "Shaken", "left")]:
        again = flow.refresh(bought["refresh_token"], headers=headers).json()
        assert again["token_type"] == kind
        assert flow.introspect(again["access_token"]).get("cnf", {}).get("hand") == key


def test_the_same_answer_is_for_the_same_key(public: Flow) -> None:
    bought = public.tokens()
    answer = public.refresh(bought["refresh_token"], headers=LEFT).json()
    again = public.refresh(bought["refresh_token"], headers=LEFT).json()
    assert {name: again[name] for name in ("access_token", "refresh_token", "token_type")} == {
        name: answer[name] for name in ("access_token", "refresh_token", "token_type")
    }
    assert not Token.objects.exclude(revoked_at=None).exists()


@pytest.mark.spec("RFC 9700", "4.14.2")
@pytest.mark.parametrize("headers", [{}, RIGHT])
def test_whoever_asks_for_the_answer_with_another_key_shows_that_two_have_the_token(
    public: Flow, headers: dict[str, str]
) -> None:
    bought = public.tokens()
    answer = public.refresh(bought["refresh_token"], headers=LEFT).json()
    assert public.refresh(bought["refresh_token"], headers=headers).json()["error"] == "invalid_grant"
    assert not Token.objects.filter(revoked_at=None).exists()
    assert public.refresh(answer["refresh_token"], headers=LEFT).json()["error"] == "invalid_grant"


def test_another_key_of_a_confidential_client_gets_another_access_token(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "policy": _with(require_refresh_token_rotation=True)}
    bought = flow.tokens()
    answer = flow.refresh(bought["refresh_token"], headers=LEFT).json()
    again = flow.refresh(bought["refresh_token"], headers=RIGHT).json()
    assert again["refresh_token"] == answer["refresh_token"]
    assert again["access_token"] != answer["access_token"]
    assert flow.introspect(again["access_token"])["cnf"] == {"hand": "right"}
    assert flow.introspect(answer["access_token"])["cnf"] == {"hand": "left"}


def test_a_token_bound_in_a_way_that_is_not_known_opens_nothing(flow: Flow, settings: Any) -> None:
    bought = flow.exchange(flow.code(), headers=LEFT).json()
    switch_off(settings)
    assert flow.introspect(bought["access_token"]) == {"active": False}


def test_what_may_be_presented_once_buys_once(machine: Flow) -> None:
    number = LEFT | {"Number": "1"}
    assert own(machine, headers=number).status_code == 200
    refused = own(machine, headers=number)
    assert told(refused) == {"error": "invalid_request", "error_description": "Shaken before."}
    assert Token.objects.count() == 1
    assert own(machine, headers=LEFT | {"Number": "2"}).status_code == 200


def test_a_refused_request_leaves_it_unspent(flow: Flow) -> None:
    number = LEFT | {"Number": "1"}
    code = flow.code()
    assert flow.exchange("oas_ac_unknown", headers=number).json()["error"] == "invalid_grant"
    assert flow.exchange(code, headers=number, resource="https://unknown.example").json()["error"] == "invalid_target"
    assert not UsedAssertion.objects.exists()
    assert flow.exchange(code, headers=number).status_code == 200


@pytest.mark.spec("OAuth 2.1", "7.5.2")
def test_a_request_that_somebody_recorded_takes_nothing_back(flow: Flow) -> None:
    code, number = flow.code(), LEFT | {"Number": "1"}
    bought = flow.exchange(code, headers=number).json()
    assert flow.exchange(code, headers=number).json()["error"] == "invalid_grant"
    assert flow.is_active(bought["access_token"])


@pytest.mark.spec("OAuth 2.1", "7.5.2")
def test_a_replay_that_proves_the_key_anew_takes_back_what_the_code_bought(flow: Flow) -> None:
    code = flow.code()
    bought = flow.exchange(code, headers=LEFT | {"Number": "1"}).json()
    assert flow.exchange(code, headers=LEFT | {"Number": "2"}).json()["error"] == "invalid_grant"
    assert not flow.is_active(bought["access_token"])


def test_a_recorded_refresh_ends_no_family_however_late_it_comes(public: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "refresh_token_replay_window": timedelta()}
    first = public.exchange(public.code(), headers=LEFT).json()["refresh_token"]
    number = LEFT | {"Number": "1"}
    second = public.refresh(first, headers=number).json()["refresh_token"]
    assert public.refresh(first, headers=number).json()["error"] == "invalid_grant"
    assert public.refresh(second, headers=LEFT).status_code == 200
    assert public.refresh(first, headers=LEFT | {"Number": "2"}).json()["error"] == "invalid_grant"
    assert not Token.objects.filter(revoked_at=None).exists()


def test_what_was_presented_before_burns_no_code(flow: Flow) -> None:
    number = LEFT | {"Number": "1"}
    flow.exchange(flow.code(), headers=number)
    code = flow.code()
    assert flow.exchange(code, headers=number).json()["error_description"] == "Shaken before."
    assert Ticket.objects.latest("pk").redeemed_at is None
    assert flow.exchange(code, headers=LEFT | {"Number": "2"}).status_code == 200


def test_an_answer_at_the_authorization_endpoint_is_its_bearers(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "profile": "legacy"}
    client = Client.objects.get()
    client.metadata |= {"response_types": ["token"], "grant_types": ["implicit"]}
    client.save()
    answer = flow.decide(flow.authorize(response_type="token", code_challenge=None, code_challenge_method=None))
    assert "token_type=Bearer" in answer["Location"]


def test_a_client_of_which_a_key_is_demanded_gets_no_token_there(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "profile": "legacy"}
    client = Client.objects.get()
    client.metadata |= {"response_types": ["token"], "grant_types": ["implicit"], "client_name": "Shaker"}
    client.save()
    refused = answered(flow.authorize(response_type="token", code_challenge=None, code_challenge_method=None))
    assert refused["error"] == "unauthorized_client"


def _issuers() -> dict[str, Any]:
    return {issuer.settings.issuer: issuer for issuer in issuers()}


def _with(**more: Any) -> Any:
    return replace(default_issuer().policy, **more)


def test_the_key_is_no_secret_that_a_refusal_tells() -> None:
    with pytest.raises(InvalidGrant) as refused:
        check_promise({"cnf": {"hand": "left"}}, {})
    assert "left" not in json.dumps([refused.value.description, refused.value.detail])
