"""A fact that a prompt settles, such as for which team, goes along with what the person allows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Authorization
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.tokens.verify import verify_access_token
from tests.device.walk import Device, television
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
from tests.flow import Flow, answered

pytestmark = pytest.mark.django_db

OWN = "tests.authorization.prompts."
OPENID = "openid notes:read"


@pytest.fixture(autouse=True)
def _offered(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [OWN + "Team"]}


@pytest.fixture
def teams(user: Any) -> Any:
    user.groups.set([Group.objects.create(name=name) for name in ("A", "B")])
    return user.groups


def is_choice(response: HttpResponse) -> bool:
    return (
        response.status_code == 200 and 'name="interaction"' in response.content.decode() and not is_consent(response)
    )


def is_consent(response: HttpResponse) -> bool:
    return response.status_code == 200 and 'id="allow"' in response.content.decode()


def choose(flow: Flow, page: HttpResponse, team: str) -> HttpResponse:
    """What follows from the choice."""
    assert is_choice(page)
    return flow.browser.get(flow.decide(page, "continue", team=team)["Location"])


def code_for(flow: Flow, team: str, **params: Any) -> str:
    page = choose(flow, flow.authorize(**{"scope": OPENID, "prompt": "select_account"} | params), team)
    return answered(flow.decide(page) if is_consent(page) else page)["code"]


def tokens_for(flow: Flow, team: str, **params: Any) -> dict[str, Any]:
    response = flow.exchange(code_for(flow, team, **params))
    assert response.status_code == 200, response.content
    return response.json()


@pytest.fixture
def flow(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """`prompt=select_account` asks which team; the account itself was chosen."""
    monkeypatch.setattr("django_oauth_server.authorization.prompts.select_account.SelectAccount.needed", _never)
    return flow


def _never(self: object, situation: object) -> bool:
    return False


@pytest.mark.parametrize("form", ["opaque", "at+jwt"])
def test_every_door_says_it(browser: Browser, teams: Any, flow: Flow, form: str) -> None:
    flow = Flow(ClientFactory(access_token_format=form), browser)
    tokens = tokens_for(flow, "A")
    assert jose.unverified(tokens["id_token"])[1]["team"] == "A"
    assert flow.userinfo(tokens["access_token"])["team"] == "A"
    assert flow.introspect(tokens["access_token"])["team"] == "A"
    assert flow.introspect(tokens["refresh_token"])["team"] == "A"
    issuer = default_issuer()
    assert verify_access_token(tokens["access_token"], {str(issuer): issuer}, timezone.now()).claims["team"] == "A"
    again = flow.refresh(tokens["refresh_token"]).json()
    assert flow.introspect(again["access_token"])["team"] == "A"
    assert jose.unverified(again["id_token"])[1]["team"] == "A"
    if form == "at+jwt":
        assert jose.unverified(again["access_token"])[1]["team"] == "A"


def test_the_person_sees_it_where_they_agree_and_among_their_apps(flow: Flow, teams: Any) -> None:
    page = choose(flow, flow.authorize(), "A")
    assert "Team A" in page.content.decode()
    flow.decide(page)
    tokens_for(flow, "B")
    apps = flow.browser.get("/oauth/connected-apps/").content.decode()
    assert "Team A" in apps and "Team B" in apps


def test_each_answer_has_an_authorization_of_its_own(flow: Flow, teams: Any) -> None:
    first, second = tokens_for(flow, "A"), tokens_for(flow, "B")
    assert [one.facts for one in Authorization.objects.order_by("pk")] == [{"team": "A"}, {"team": "B"}]
    assert [flow.introspect(one["access_token"])["team"] for one in (first, second)] == ["A", "B"]
    assert Authorization.objects.filter(is_live=True).count() == 2
    tokens_for(flow, "A")
    assert Authorization.objects.count() == 2, "what is allowed already is not asked for again"


def test_consent_for_one_is_no_consent_for_another(flow: Flow, teams: Any) -> None:
    tokens_for(flow, "A")
    assert is_consent(choose(flow, flow.authorize(prompt="select_account"), "B"))


def test_two_tabs_may_choose_two(flow: Flow, teams: Any) -> None:
    first, second = flow.authorize(scope=OPENID), flow.authorize(scope=OPENID)
    consents = [choose(flow, first, "A"), choose(flow, second, "B")]
    codes = [answered(flow.decide(page))["code"] for page in consents]
    found = [flow.introspect(flow.exchange(code).json()["access_token"])["team"] for code in codes]
    assert found == ["A", "B"]


def test_what_was_shown_is_what_is_allowed(flow: Flow, teams: Any) -> None:
    """Whatever somebody adds to the form."""
    consent = choose(flow, flow.authorize(scope=OPENID), "A")
    code = answered(flow.decide(consent, team="B"))["code"]
    assert flow.introspect(flow.exchange(code).json()["access_token"])["team"] == "A"


def test_only_what_holds_can_be_chosen(flow: Flow, teams: Any) -> None:
    Group.objects.create(name="C")
    assert is_choice(choose(flow, flow.authorize(), "C"))
    assert is_choice(flow.authorize(team="C")), "nor can the app name it"
    assert not Authorization.objects.exists()


def test_what_held_is_judged_anew_by_the_time_of_the_answer(flow: Flow, teams: Any) -> None:
    consent = choose(flow, flow.authorize(), "A")
    teams.remove(Group.objects.get(name="A"))
    assert is_choice(flow.decide(consent))
    assert not Authorization.objects.exists()


def test_the_one_that_is_allowed_is_taken_until_the_client_asks(flow: Flow, teams: Any) -> None:
    tokens_for(flow, "A")
    assert "code" in answered(flow.authorize(scope=OPENID))
    assert is_choice(flow.authorize(scope=OPENID, prompt="consent"))
    teams.remove(Group.objects.get(name="A"))
    assert is_choice(flow.authorize(scope=OPENID)), "it does not hold any more"


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_a_silent_request_is_answered_where_it_is_clear_which(flow: Flow, teams: Any) -> None:
    silent = {"scope": OPENID, "prompt": "none"}
    assert answered(flow.authorize(**silent))["error"] == "consent_required"
    tokens_for(flow, "A")
    assert "code" in answered(flow.authorize(**silent))
    tokens_for(flow, "B")
    assert answered(flow.authorize(**silent))["error"] == "interaction_required"
    for team in ("A", "B"):
        code = answered(flow.authorize(**silent, team=team))["code"]
        assert flow.introspect(flow.exchange(code).json()["access_token"])["team"] == team
    teams.remove(Group.objects.get(name="B"))
    assert answered(flow.authorize(**silent, team="B"))["error"] == "interaction_required"


def test_a_silent_request_for_somebody_else_says_only_that(flow: Flow, teams: Any, user: Any) -> None:
    hint = tokens_for(flow, "A")["id_token"]
    other = UserFactory()
    other.groups.set(teams.all())
    flow.browser.force_login(other)
    for team in ("A", "B"):
        tokens_for(flow, team)
    refused = answered(flow.authorize(scope=OPENID, prompt="none", id_token_hint=hint))
    assert refused["error"] == "login_required"


def test_one_that_is_revoked_takes_only_its_own_along(flow: Flow, teams: Any) -> None:
    first, second = tokens_for(flow, "A"), tokens_for(flow, "B")
    gone = Authorization.objects.get(facts__team="A")
    page = flow.browser.get(f"/oauth/connected-apps/{gone.grant_id}/remove")
    assert "Team A" in page.content.decode()
    flow.browser.post(f"/oauth/connected-apps/{gone.grant_id}/remove", hidden(page))
    assert flow.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert not flow.is_active(first["access_token"])
    assert flow.refresh(second["refresh_token"]).status_code == 200
    assert "code" in answered(flow.authorize(scope=OPENID, prompt="none")), "one is left"


def hidden(page: HttpResponse) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode()))


def test_a_new_password_ends_all(flow: Flow, teams: Any, user: Any) -> None:
    every = [tokens_for(flow, team) for team in ("A", "B")]
    user.set_password("another")
    user.save()
    assert not any(flow.is_active(one["access_token"]) for one in every)
    flow.browser.force_login(user)
    assert answered(flow.authorize(scope=OPENID, prompt="none"))["error"] == "consent_required"
    tokens_for(flow, "A")
    assert Authorization.objects.filter(is_live=True, facts__team="A").count() == 1
    assert not flow.is_active(every[1]["access_token"])


def test_reuse_of_a_refresh_token_ends_only_its_family(browser: Browser, teams: Any, settings: Any, flow: Flow) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"refresh_token_replay_window": timedelta(0)}
    flow = Flow(ClientFactory(public=True), browser)
    first, second = tokens_for(flow, "A"), tokens_for(flow, "B")
    flow.refresh(first["refresh_token"])
    assert flow.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert flow.refresh(second["refresh_token"]).status_code == 200


@pytest.mark.parametrize("response_type", ["code id_token", "code id_token token"])
def test_a_hybrid_answer_says_it(browser: Browser, teams: Any, settings: Any, flow: Flow, response_type: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
    client = ClientFactory(
        metadata__grant_types=["authorization_code", "implicit"], metadata__response_types=[response_type]
    )
    flow = Flow(client, browser)
    page = choose(flow, flow.authorize(response_type=response_type, scope=OPENID, nonce="n"), "B")
    told = answered(flow.decide(page))
    assert jose.unverified(told["id_token"])[1]["team"] == "B"
    assert flow.introspect(flow.exchange(told["code"]).json()["access_token"])["team"] == "B"


def test_a_device_gets_it(browser: Browser, teams: Any) -> None:
    device = Device(television(public=False), browser)
    codes = device.codes()
    page = choose(device, device.confirm(codes["user_code"]), "A")
    device.decide(page)
    tokens = device.poll(codes["device_code"]).json()
    assert device.introspect(tokens["access_token"])["team"] == "A"


def test_somebody_else_who_signs_in_meanwhile_is_asked_anew(flow: Flow, teams: Any) -> None:
    chosen = flow.decide(flow.authorize(), "continue", team="A")["Location"]
    other = UserFactory()
    other.groups.set(teams.all())
    flow.browser.force_login(other)
    assert is_choice(flow.browser.get(chosen))


def test_what_an_app_was_allowed_without_a_fact_is_not_taken_for_one(flow: Flow, teams: Any, user: Any) -> None:
    AuthorizationFactory(client=flow.client, user=user)
    assert is_choice(flow.authorize())
    assert answered(flow.authorize(prompt="none"))["error"] == "interaction_required"


def test_a_prompt_that_is_offered_no_more_leaves_what_it_settled(flow: Flow, teams: Any, settings: Any) -> None:
    tokens = tokens_for(flow, "A")
    chosen = flow.decide(flow.authorize(prompt="select_account"), "continue", team="B")["Location"]
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": []}
    page = flow.browser.get(chosen)
    assert is_consent(page), "nothing was allowed without a team"
    flow.decide(page)
    assert [one.facts for one in Authorization.objects.order_by("pk")] == [{"team": "A"}, None]
    assert flow.introspect(tokens["access_token"])["team"] == "A"
    assert "team: A" in flow.browser.get("/oauth/connected-apps/").content.decode()


def test_several_facts_make_one_authorization(flow: Flow, teams: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [OWN + "Team", OWN + "Plan"]}
    said = flow.introspect(tokens_for(flow, "A")["access_token"])
    assert (said["team"], said["plan"]) == ("A", 3)
    assert Authorization.objects.get().facts == {"team": "A", "plan": 3}


def test_a_first_party_client_is_bound_to_it_too(flow: Flow, teams: Any) -> None:
    flow.client.skip_consent = True
    flow.client.save()
    page = choose(flow, flow.authorize(scope=OPENID), "A")
    assert flow.introspect(flow.exchange(answered(page)["code"]).json()["access_token"])["team"] == "A"


def test_revoking_by_the_fact_is_a_filter(flow: Flow, teams: Any) -> None:
    first, second = tokens_for(flow, "A"), tokens_for(flow, "B")
    found = Authorization.objects.filter(is_live=True, facts__team="A").select_related("client", "user")
    revoke_authorizations(found, timezone.now())
    assert [flow.is_active(one["access_token"]) for one in (first, second)] == [False, True]


def test_a_fact_that_tokens_have_already_is_an_error(settings: Any, flow: Flow) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": [OWN + "Mistaken"]}
    assert "oauth_server.E016" in {one.id for one in run_checks(tags=["security"])}
    tokens = flow.tokens()
    assert flow.introspect(tokens["access_token"])["client_id"] == flow.client.client_id


def test_the_metadata_says_that_it_is_told(client: Browser) -> None:
    assert "team" in client.get("/.well-known/openid-configuration").json()["claims_supported"]
