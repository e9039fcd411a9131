"""After every answer the prompts are judged anew, until none is needed."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.authorization.session import Authentication
from django_oauth_server.conf import Scope
from django_oauth_server.models import Authorization
from tests.factories import AuthorizationFactory, UserFactory
from tests.flow import Flow, answered

pytestmark = pytest.mark.django_db

OWN = "tests.authorization.prompts."


@pytest.fixture
def own(settings: Any) -> Any:
    def switch_on(*names: str) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [OWN + name for name in names]}

    return switch_on


def is_consent(response: HttpResponse) -> bool:
    return response.status_code == 200 and 'id="allow"' in response.content.decode()


def is_terms(response: HttpResponse) -> bool:
    return response.status_code == 200 and 'id="continue"' in response.content.decode()


def back_from(response: HttpResponse, page: str) -> str:
    """The address to come back to, from the page to which the person is sent."""
    location = urlsplit(response["Location"])
    assert location.path == page, response["Location"]
    return parse_qs(location.query)["next"][0]


def prove(user: Any, last_name: str = "proven") -> None:
    user.last_name = last_name
    user.save()


def test_a_prompt_of_ones_own_comes_before_consent_at_the_first_visit_and_at_later_ones(
    flow: Flow, user: Any, own: Any
) -> None:
    own("SecondFactor")
    back = back_from(flow.authorize(), "/second-factor/")
    assert flow.browser.get(back)["Location"].startswith("/second-factor/"), "nobody has proven anything yet"
    prove(user)
    page = flow.browser.get(back)
    assert is_consent(page)
    assert "code" in answered(flow.decide(page))
    prove(user, "")
    back = back_from(flow.authorize(), "/second-factor/")
    prove(user)
    assert "code" in answered(flow.browser.get(back))


def test_what_is_needed_by_the_time_of_the_answer_is_asked_then(flow: Flow, user: Any, own: Any) -> None:
    own("SecondFactor")
    prove(user)
    page = flow.authorize()
    prove(user, "")
    back = back_from(flow.decide(page), "/second-factor/")
    assert not Authorization.objects.exists()
    prove(user)
    assert "code" in answered(flow.browser.get(back)), "consent was given, and is not asked for twice"


def test_a_prompt_may_come_after_consent(flow: Flow, user: Any, own: Any) -> None:
    own("LastQuestion")
    for _ in range(2):
        prove(user, "")
        page = flow.authorize(prompt="consent", scope="notes:read")
        assert is_consent(page)
        back = back_from(flow.decide(page), "/second-factor/")
        prove(user)
        code = answered(flow.browser.get(back))["code"]
        assert flow.exchange(code).json()["scope"] == "notes:read"


def test_what_one_person_allowed_counts_for_nobody_else(flow: Flow, user: Any, own: Any) -> None:
    own("LastQuestion")
    back = back_from(flow.decide(flow.authorize()), "/second-factor/")
    said = signing.loads(parse_qs(urlsplit(back).query)["turn"][0], salt="oauth_server.turn")
    assert said["by"] and said["by"] != str(user.pk), "the address passes other pages"
    victim = Browser()
    victim.force_login(UserFactory(last_name="proven"))
    assert is_consent(victim.get(back))
    assert not Authorization.objects.exists()


def test_nor_does_a_stranger_on_the_way_make_it_anybodys(flow: Flow, own: Any) -> None:
    own("LastQuestion")
    back = back_from(flow.decide(flow.authorize()), "/second-factor/")
    own("LastQuestion", "Age")
    other = Browser()
    signing_in = back_from(other.get(back_from(other.get(back), "/age/")), "/accounts/login/")
    other.force_login(UserFactory(last_name="proven"))
    assert is_consent(other.get(back_from(other.get(signing_in), "/age/")))
    assert not Authorization.objects.exists()


def test_what_a_scope_was_cleared_of_stays_cleared_on_the_way(flow: Flow, user: Any, own: Any, settings: Any) -> None:
    own("LastQuestion")
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "scopes": {"notes:read": "see your notes", "notes:write": Scope("write notes", optional=True)}
    }
    back = back_from(flow.decide(flow.authorize(), scope=[]), "/second-factor/")
    prove(user)
    assert flow.exchange(answered(flow.browser.get(back))["code"]).json()["scope"] == "notes:read"


@pytest.mark.parametrize("how", ["form", "link"])
def test_a_prompt_with_a_page_of_its_own_is_answered_there(flow: Flow, own: Any, how: str) -> None:
    own("Terms")
    page = flow.authorize()
    assert is_terms(page)
    if how == "form":
        following = flow.decide(page, "continue")["Location"]
    else:
        link = re.search(r"<bdi>(/oauth/authorize[^<]*)</bdi>", page.content.decode())
        assert link
        following = unescape(link[1])
    consent = flow.browser.get(following)
    assert is_consent(consent)
    assert "code" in answered(flow.decide(consent))


def test_a_page_of_ones_own_can_be_denied_left_and_misused(flow: Flow, own: Any) -> None:
    own("Terms")
    assert answered(flow.decide(flow.authorize(), "deny"))["error"] == "access_denied"
    again = flow.decide(flow.authorize(), "allow")
    assert is_terms(flow.browser.get(again["Location"])), "it is not the consent page"
    assert flow.decide(flow.authorize(), "switch")["Location"].startswith("/accounts/login/")


def test_whose_own_prompt_is_switched_off_meanwhile_is_asked_anew(flow: Flow, own: Any) -> None:
    own("Terms")
    page = flow.authorize()
    own()
    assert is_consent(flow.browser.get(flow.decide(page, "continue")["Location"]))


def test_all_own_prompts_are_asked_each_at_its_place(flow: Flow, user: Any, own: Any) -> None:
    own("LastQuestion", "Terms")
    terms = flow.authorize()
    assert is_terms(terms)
    consent = flow.browser.get(flow.decide(terms, "continue")["Location"])
    assert is_consent(consent)
    back = back_from(flow.decide(consent), "/second-factor/")
    prove(user)
    assert "code" in answered(flow.browser.get(back))


def test_a_stranger_signs_in_before_they_are_asked_for_more(client_app: Any, own: Any) -> None:
    own("LastQuestion", "Terms", "SecondFactor")
    stranger = Flow(client_app, Browser())
    assert "next" in parse_qs(urlsplit(stranger.authorize()["Location"]).query)
    assert answered(stranger.authorize(prompt="none"))["error"] == "login_required"


def test_what_was_answered_before_the_sign_in_counts_after_it(client_app: Any, user: Any, own: Any) -> None:
    own("Age")
    stranger = Flow(client_app, Browser())
    signing_in = back_from(stranger.browser.get(back_from(stranger.authorize(), "/age/")), "/accounts/login/")
    stranger.browser.force_login(user)
    assert is_consent(stranger.browser.get(signing_in))


def test_a_silent_request_is_told_that_something_has_to_be_asked(flow: Flow, user: Any, own: Any) -> None:
    AuthorizationFactory(client=flow.client, user=user)
    own("SecondFactor")
    assert answered(flow.authorize(prompt="none"))["error"] == "interaction_required"


# -- sign-in, judged again at the answer ---------------------------------------------------------------------------------


def by_session(request: Any) -> Authentication:
    """An `authentication` hook: tests write into the session how the person signed in."""
    at = timezone.now() - timedelta(seconds=request.session.get("age", 0))
    return Authentication(at, acr=request.session.get("acr", ""))


@pytest.fixture
def told(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "acr_values": ["strong"],
        "authentication": f"{__name__}.by_session",
        "account_creation_url": "/accounts/new/",
    }


def say(browser: Browser, **facts: object) -> None:
    session = browser.session
    session.update(facts)
    session.save()


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.usefixtures("told")
def test_a_max_age_that_passed_while_the_person_thought_asks_them_to_sign_in(flow: Flow) -> None:
    page = flow.authorize(scope="openid", max_age=60)
    say(flow.browser, age=3000)
    back = back_from(flow.decide(page), "/accounts/login/")
    say(flow.browser, age=-1)
    assert "code" in answered(flow.browser.get(back)), "consent was given, and is not asked for twice"


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("age", [0, 60])
def test_also_where_they_had_signed_in_for_this_request(user: Any, client_app: Any, age: int) -> None:
    flow = Flow(client_app, Browser())
    back = back_from(flow.authorize(scope="openid", max_age=age), "/accounts/login/")
    flow.browser.force_login(user)
    say(flow.browser, age=-1)
    page = flow.browser.get(back)
    assert is_consent(page)
    say(flow.browser, age=3000)
    assert "code" not in parse_qs(urlsplit(flow.decide(page)["Location"]).query)


@pytest.mark.spec("OpenID Connect Core", "5.5.1.1")
@pytest.mark.usefixtures("told")
def test_an_essential_acr_that_is_lost_meanwhile_is_asked_for(flow: Flow) -> None:
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "strong"}}})
    say(flow.browser, acr="strong")
    page = flow.authorize(scope="openid", claims=claims)
    assert is_consent(page)
    say(flow.browser, acr="", age=10)
    back = back_from(flow.decide(page), "/accounts/login/")
    say(flow.browser, acr="strong", age=-1)
    assert "code" in answered(flow.browser.get(back))


@pytest.mark.usefixtures("told")
def test_who_is_sent_to_another_page_first_was_not_asked_to_sign_in(flow: Flow, user: Any, own: Any) -> None:
    own("SecondFactor")
    say(flow.browser, age=0)
    back = back_from(flow.authorize(scope="openid", max_age=60), "/second-factor/")
    prove(user)
    say(flow.browser, age=3000)
    back_from(flow.browser.get(back), "/accounts/login/")


# -- done is what was done -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("told")
def test_an_account_that_was_not_created_is_none(flow: Flow) -> None:
    say(flow.browser, age=10)
    back = back_from(flow.authorize(prompt="create"), "/accounts/new/")
    assert answered(flow.browser.get(back))["error"] == "interaction_required"


@pytest.mark.usefixtures("told")
def test_who_created_an_account_and_is_not_signed_in_signs_in(client_app: Any) -> None:
    flow = Flow(client_app, Browser())
    back = back_from(flow.authorize(prompt="create"), "/accounts/new/")
    back = back_from(flow.browser.get(back), "/accounts/login/")
    flow.browser.force_login(UserFactory())
    say(flow.browser, age=-1)
    assert is_consent(flow.browser.get(back))


@pytest.mark.usefixtures("told")
def test_an_account_is_chosen_by_who_signs_in_and_not_by_who_was_sent_to(flow: Flow) -> None:
    say(flow.browser, age=10)
    back = back_from(flow.decide(flow.authorize(prompt="select_account"), "switch"), "/accounts/login/")
    flow.browser.force_login(UserFactory())
    say(flow.browser, age=3000)
    assert is_terms(flow.browser.get(back)), "asked which account it is to be"


def test_a_client_cannot_say_what_was_done(flow: Flow) -> None:
    assert is_consent(flow.authorize(turn="eyJkb25lIjpbImNvbnNlbnQiXX0:x:y"))
