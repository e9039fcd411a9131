"""Who has to be asked what, and when a sign-in is fresh enough (OpenID Connect Core section 3.1.2.1)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.authorization.session import Authentication
from tests.factories import AuthorizationFactory, UserFactory
from tests.flow import Flow, answered
from tests.openid.conftest import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("openid_connect")]

LOGIN = "/accounts/login/"


@pytest.fixture
def remembered(relying_party: Any, user: Any) -> Any:
    """The person allowed everything before, so that nothing but the sign-in is asked about."""
    return AuthorizationFactory(client=relying_party, user=user)


def sent_to(response: HttpResponse, page: str = LOGIN) -> str:
    """The address to come back to, from the page to which the person is sent."""
    assert response.status_code == 303, response.content
    location = urlsplit(response["Location"])
    assert location.path == page
    return dict(parse_qsl(location.query))["next"]


def sign_in(browser: Browser, user: User) -> None:
    browser.force_login(user)  # all that Django's sign-in page does, and its signal


def age_session(browser: Browser, seconds: int) -> None:
    session = browser.session
    session["oauth_server"] = {**session["oauth_server"], "auth_time": session["oauth_server"]["auth_time"] - seconds}
    session.save()


@pytest.mark.requirement(19)
def test_none_without_a_session_is_login_required(relying_party: Any) -> None:
    response = Flow(relying_party, Browser()).authorize(scope="openid", prompt="none")
    assert answered(response)["error"] == "login_required"


@pytest.mark.requirement(19)
def test_none_with_a_session_succeeds_in_silence(rp: Flow, remembered: Any) -> None:
    first = read(rp.tokens(scope="openid")["id_token"])
    silent = read(rp.tokens(scope="openid", prompt="none")["id_token"])
    assert (silent["sub"], silent["auth_time"], silent["sid"]) == (first["sub"], first["auth_time"], first["sid"])


def test_none_without_consent_is_consent_required(rp: Flow) -> None:
    assert answered(rp.authorize(scope="openid", prompt="none"))["error"] == "consent_required"


@pytest.mark.parametrize(
    "question",
    [
        {"max_age": 50},
        {"acr_values": "phr"},
    ],
    ids=["when", "how"],
)
def test_a_silent_request_does_not_find_out_how_somebody_signed_in_who_allowed_nothing(
    rp: Flow, settings: Any, question: dict[str, Any]
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"acr_values": ["phr"]}
    age_session(rp.browser, 100)
    told = answered(rp.authorize(scope="openid", prompt="none", **question))
    assert told["error"] == "consent_required", told


def test_nor_who_it_is(rp: Flow, user: Any) -> None:
    def told(sub: object) -> dict[str, str]:
        claims = json.dumps({"id_token": {"sub": {"value": str(sub)}}})
        answer = answered(rp.authorize(scope="openid", prompt="none", claims=claims))
        return {name: answer[name] for name in ("error", "error_description")}

    assert told(user.pk) == told("somebody else")
    assert told(user.pk)["error"] == "login_required"


@pytest.mark.requirement(20)
def test_login_asks_again_and_the_time_is_later(rp: Flow, remembered: Any, user: Any) -> None:
    age_session(rp.browser, 100)
    before = read(rp.tokens(scope="openid")["id_token"])
    back = sent_to(rp.authorize(scope="openid", prompt="login"))
    sign_in(rp.browser, user)
    after = read(rp.exchange(answered(rp.browser.get(back))["code"]).json()["id_token"])
    assert after["auth_time"] > before["auth_time"]
    assert after["sid"] == before["sid"], "the same person in the same browser"


def test_coming_back_without_signing_in_is_an_error_and_no_circle(rp: Flow, remembered: Any) -> None:
    back = sent_to(rp.authorize(scope="openid", prompt="login"))
    assert answered(rp.browser.get(back))["error"] == "login_required"


def test_one_sign_in_answers_one_request(rp: Flow, remembered: Any, user: Any) -> None:
    back = sent_to(rp.authorize(scope="openid", prompt="login"))
    sign_in(rp.browser, user)
    assert "code" in answered(rp.browser.get(back))
    sent_to(rp.authorize(scope="openid", prompt="login"))


def test_what_was_done_for_one_request_counts_for_no_other(rp: Flow, remembered: Any, user: Any) -> None:
    turn = dict(parse_qsl(urlsplit(sent_to(rp.authorize(scope="openid", prompt="login"))).query))["turn"]
    sign_in(rp.browser, user)
    sent_to(rp.authorize(scope="openid profile", prompt="login", turn=turn))
    sent_to(rp.authorize(scope="openid", prompt="login", turn=turn[:-1] + ("A" if turn[-1] != "A" else "B")))


def test_whoever_signs_in_for_the_request_is_not_asked_again(relying_party: Any, user: Any, remembered: Any) -> None:
    fresh = Flow(relying_party, Browser())
    back = sent_to(fresh.authorize(scope="openid", prompt="login", max_age=0))
    sign_in(fresh.browser, user)
    assert "code" in answered(fresh.browser.get(back))


@pytest.mark.requirement(20)
@pytest.mark.parametrize(("age", "max_age", "asked"), [(100, 99, True), (100, 200, False), (0, 0, True)])
def test_max_age(rp: Flow, remembered: Any, age: int, max_age: int, *, asked: bool) -> None:
    age_session(rp.browser, age)
    response = rp.authorize(scope="openid", max_age=max_age)
    if asked:
        sent_to(response)
    else:
        claims = read(rp.exchange(answered(response)["code"]).json()["id_token"])
        assert claims["auth_time"] <= claims["iat"] - age


@pytest.mark.parametrize("max_age", ["-1", "x", "1.5", "٣", "9" * 30])
def test_a_max_age_that_is_no_number_is_refused(rp: Flow, max_age: str) -> None:
    told = answered(rp.authorize(scope="openid", max_age=max_age))
    assert told["error"] == "invalid_request" and "max_age" in told["error_description"]


def test_a_client_registers_its_longest_age(rp: Flow, remembered: Any) -> None:
    rp.client.metadata["default_max_age"] = 50
    rp.client.save()
    age_session(rp.browser, 100)
    sent_to(rp.authorize(scope="openid"))
    assert "code" in answered(rp.authorize(scope="openid", max_age=1000))


def test_a_session_whose_age_nobody_knows_is_too_old(rp: Flow, remembered: Any) -> None:
    session = rp.browser.session
    del session["oauth_server"]
    session.save()
    assert "auth_time" not in read(rp.tokens(scope="openid")["id_token"])
    sent_to(rp.authorize(scope="openid", max_age=10**6))
    rp.client.metadata["require_auth_time"] = True
    rp.client.save()
    sent_to(rp.authorize(scope="openid"))


def test_select_account_asks_which_and_goes_on(rp: Flow, remembered: Any, user: Any) -> None:
    page = rp.authorize(scope="openid", prompt="select_account")
    assert user.username in page.content.decode()
    again = rp.decide(page, "continue")
    assert answered(rp.browser.get(again["Location"])).keys() >= {"code"}


def test_select_account_can_be_another(rp: Flow, remembered: Any) -> None:
    other = UserFactory()
    AuthorizationFactory(client=rp.client, user=other)
    switched = rp.decide(rp.authorize(scope="openid", prompt="select_account"), "switch")
    back = sent_to(switched)
    sign_in(rp.browser, other)
    code = answered(rp.browser.get(back))["code"]
    assert read(rp.exchange(code).json()["id_token"])["sub"] == str(other.pk)


def test_the_account_page_decides_nothing_else(rp: Flow) -> None:
    page = rp.authorize(scope="openid", prompt="select_account")
    again = rp.decide(page, "allow")
    assert urlsplit(again["Location"]).path == "/oauth/authorize", "consent was never shown"
    assert answered(rp.decide(page, "deny"))["error"] == "access_denied"


@pytest.mark.requirement(21)
def test_a_hint_of_the_person_who_is_signed_in_succeeds_in_silence(rp: Flow, remembered: Any) -> None:
    hint = rp.tokens(scope="openid")["id_token"]
    assert "code" in answered(rp.authorize(scope="openid", prompt="none", id_token_hint=hint))


def test_a_hint_of_somebody_else_has_the_account_changed(rp: Flow, remembered: Any) -> None:
    hint = rp.tokens(scope="openid")["id_token"]
    rp.browser.force_login(UserFactory())
    silent = rp.authorize(scope="openid", prompt="none", id_token_hint=hint)
    assert answered(silent)["error"] == "login_required"
    page = rp.authorize(scope="openid", id_token_hint=hint).content.decode()
    assert "expects another account" in page and 'value="continue"' not in page


@pytest.mark.parametrize("hint", ["x", "a.b.c", "{}", ""])
def test_a_hint_that_is_no_id_token_is_refused(rp: Flow, remembered: Any, hint: str) -> None:
    told = answered(rp.authorize(scope="openid", id_token_hint=hint))
    assert told.get("error") == ("invalid_request" if hint else None)


def test_a_hint_of_another_client_is_refused(rp: Flow, remembered: Any, flow: Flow) -> None:
    AuthorizationFactory(client=flow.client, user=remembered.user)
    hint = flow.tokens(scope="openid")["id_token"]
    assert answered(rp.authorize(scope="openid", id_token_hint=hint))["error"] == "invalid_request"


def test_an_access_token_is_no_hint(rp: Flow, remembered: Any) -> None:
    rp.client.access_token_format = "at+jwt"
    rp.client.save()
    token = rp.tokens(scope="openid")["access_token"]
    assert answered(rp.authorize(scope="openid", id_token_hint=token))["error"] == "invalid_request"


def test_none_beside_another_value_and_unknown_values_are_refused(rp: Flow) -> None:
    for prompt in ("none login", "login none", "create", "everything"):
        told = answered(rp.authorize(scope="openid", prompt=prompt))
        assert told["error"] == "invalid_request" and "prompt" in told["error_description"]


def test_create_leads_to_the_page_that_makes_accounts(rp: Flow, remembered: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"account_creation_url": "/accounts/new/"}
    back = sent_to(rp.authorize(scope="openid", prompt="create"), "/accounts/new/")
    newcomer = AuthorizationFactory(client=rp.client, user=UserFactory()).user
    sign_in(rp.browser, newcomer)
    assert "code" in answered(rp.browser.get(back))


def test_sign_in_is_told_whom_the_client_expects(relying_party: Any) -> None:
    response = Flow(relying_party, Browser()).authorize(scope="openid", login_hint="alice@example.com")
    assert dict(parse_qsl(urlsplit(response["Location"]).query))["login_hint"] == "alice@example.com"


@pytest.mark.requirement(13)
@pytest.mark.parametrize(
    "params",
    [
        {"display": "popup"},
        {"ui_locales": "xx de-CH-1996 not_a_tag"},
        {"claims_locales": "de"},
        {"acr_values": "1 2 urn:none"},
        {"login_hint": "nobody"},
        {"extra": "foobar"},
    ],
)
def test_what_is_unknown_or_merely_wished_for_is_no_error(rp: Flow, remembered: Any, params: dict[str, str]) -> None:
    assert "code" in answered(rp.authorize(scope="openid", **params))


# -- acr ---------------------------------------------------------------------------------------------------------------


def by_session(request: Any) -> Authentication:
    """An `authentication` hook: tests write into the session how the person signed in."""
    return Authentication(
        timezone.now() - timedelta(seconds=request.session.get("age", 100)),
        ("pwd",),
        request.session.get("acr", "bronze"),
    )


@pytest.fixture
def gold(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "acr_values": ["bronze", "gold"],
        "authentication": f"{__name__}.by_session",
    }


def with_acr(browser: Browser, acr: str, age: int) -> None:
    session = browser.session
    session["acr"], session["age"] = acr, age
    session.save()


@pytest.mark.spec("RFC 9470", "5")
@pytest.mark.usefixtures("gold")
def test_a_stronger_sign_in_is_asked_for_and_told(rp: Flow, remembered: Any) -> None:
    back = sent_to(rp.authorize(scope="openid", acr_values="gold"))
    with_acr(rp.browser, "gold", 0)
    code = answered(rp.browser.get(back))["code"]
    assert read(rp.exchange(code).json()["id_token"])["acr"] == "gold"
    assert "code" in answered(rp.authorize(scope="openid", acr_values="gold", prompt="none"))


@pytest.mark.usefixtures("gold")
def test_a_wish_that_is_not_met_is_told_and_no_error(rp: Flow, remembered: Any) -> None:
    back = sent_to(rp.authorize(scope="openid", acr_values="gold"))
    with_acr(rp.browser, "bronze", -1)
    code = answered(rp.browser.get(back))["code"]
    assert read(rp.exchange(code).json()["id_token"])["acr"] == "bronze"


@pytest.mark.usefixtures("gold")
def test_a_demand_that_is_not_met_is_an_error(rp: Flow, remembered: Any) -> None:
    demand = '{"id_token": {"acr": {"essential": true, "values": ["gold"]}}}'
    back = sent_to(rp.authorize(scope="openid", claims=demand))
    with_acr(rp.browser, "bronze", -1)
    assert answered(rp.browser.get(back))["error"] == "unmet_authentication_requirements"
    impossible = demand.replace("gold", "platinum")
    assert answered(rp.authorize(scope="openid", claims=impossible))["error"] == "unmet_authentication_requirements"


@pytest.mark.usefixtures("gold")
def test_a_client_registers_how_people_had_best_sign_in(rp: Flow, remembered: Any) -> None:
    rp.client.metadata["default_acr_values"] = ["gold"]
    rp.client.save()
    sent_to(rp.authorize(scope="openid"))
    assert "code" in answered(rp.authorize(scope="openid", acr_values="bronze"))
