"""What a deployment knows of its clients, and which scopes they may have: the code on the page, run as it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from django_oauth_server.models import Authorization
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, answered
from tests.mysite.page import Project
from tests.openid.conftest import read

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = {"notes:read": "see", "notes:write": "write", "notes:delete": "delete", "openid": "sign in"}


@pytest.fixture
def cost_centre(project: Project) -> None:
    project.write("cost_centre")
    project.set(components=["mysite.cost_centre.CostCentre"], registration="open")


@pytest.fixture
def scopes(project: Project) -> None:
    project.write("scopes")
    project.set(allowed_scopes="mysite.scopes.allowed_scopes", scopes=SCOPES)


def create(*flags: str) -> dict[str, Any]:
    out = StringIO()
    call_command("createclient", "--json", "--redirect-uri", "https://a.example/", *flags, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_own_metadata_has_a_flag(cost_centre: None, db: None) -> None:
    assert create("--cost-centre", "4711")["cost_centre"] == "4711"
    with pytest.raises(CommandError, match="cost_centre: It must be a number"):
        create("--cost-centre", "the usual")


def test_own_metadata_has_a_field_in_the_admin(cost_centre: None, db: None) -> None:
    client, admin = ClientFactory(), Browser()
    admin.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = admin.get(f"/admin/django_oauth_server/client/{client.pk}/change/")
    assert b"Cost centre" in page.content and b"Number of the department that pays." in page.content


def test_own_metadata_for_operators_is_not_for_clients_that_register_themselves(cost_centre: None, db: None) -> None:
    said = {"redirect_uris": ["https://a.example/"], "cost_centre": "4711"}
    answer = Browser().post("/oauth/register", json.dumps(said), content_type="application/json")
    assert answer.status_code == 201 and "cost_centre" not in answer.json()


def test_a_grant_type_gets_fewer_scopes(scopes: None, db: None) -> None:
    flow = Flow(
        ClientFactory(metadata__scope="notes:read notes:write", metadata__grant_types=["client_credentials"]), Browser()
    )
    assert flow.token(grant_type="client_credentials").json()["scope"] == "notes:read"
    refused = flow.token(grant_type="client_credentials", scope="notes:write").json()
    assert refused["error"] == "invalid_scope"


def test_what_a_person_may_not_give_is_not_asked_for(scopes: None, browser: Browser, db: None) -> None:
    flow = Flow(ClientFactory(metadata__scope=" ".join(SCOPES)), browser)
    page = flow.authorize(scope="notes:read notes:delete")
    assert b"delete" not in page.content.partition(b"<main")[2]
    code = answered(flow.decide(page))["code"]
    assert flow.exchange(code).json()["scope"] == "notes:read"


def test_somebody_else_may_give_it(scopes: None, db: None) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(UserFactory(is_staff=True))
    flow = Flow(ClientFactory(metadata__scope=" ".join(SCOPES)), browser)
    assert flow.exchange(flow.code(scope="notes:read notes:delete")).json()["scope"] == "notes:delete notes:read"


@pytest.mark.spec("RFC 6749", "4.1.2.1")
def test_who_may_give_nothing_is_not_asked(scopes: None, browser: Browser, db: None) -> None:
    flow = Flow(ClientFactory(metadata__scope=" ".join(SCOPES)), browser)
    assert answered(flow.authorize(scope="notes:delete"))["error"] == "access_denied"


def test_openid_stays(project: Project, browser: Browser, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("scopes")
    project.set(allowed_scopes="mysite.scopes.allowed_scopes", scopes=SCOPES)
    monkeypatch.setattr(project.module("scopes"), "allowed_scopes", lambda client, grant_type, user, scopes: ())
    flow = Flow(ClientFactory(metadata__scope=" ".join(SCOPES)), browser)
    assert "id_token" in flow.exchange(flow.code(scope="openid")).json()


def test_who_may_not_give_it_any_more_gives_less_at_the_next_refresh(scopes: None, db: None) -> None:
    person, browser = UserFactory(is_staff=True), Browser(enforce_csrf_checks=True)
    browser.force_login(person)
    flow = Flow(ClientFactory(metadata__scope=" ".join(SCOPES)), browser)
    tokens = flow.exchange(flow.code(scope="notes:read notes:delete")).json()
    type(person).objects.filter(pk=person.pk).update(is_staff=False)
    assert flow.refresh(tokens["refresh_token"]).json()["scope"] == "notes:read"


def test_the_function_adds_nothing(project: Project, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("scopes")
    project.set(allowed_scopes="mysite.scopes.allowed_scopes", scopes=SCOPES)
    monkeypatch.setattr(project.module("scopes"), "allowed_scopes", lambda client, grant_type, user, scopes: SCOPES)
    flow = Flow(ClientFactory(metadata__scope="notes:read", metadata__grant_types=["client_credentials"]), Browser())
    assert flow.token(grant_type="client_credentials").json()["scope"] == "notes:read"


@pytest.mark.spec("OpenID Connect Core", "5.5")
def test_claims_of_a_scope_that_is_taken_away_are_not_had_one_by_one(
    project: Project, browser: Browser, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("scopes")
    offered = {"openid": "sign you in", "email": "see your email address", "profile": "see your profile"}
    project.set(allowed_scopes="mysite.scopes.allowed_scopes", scopes=offered)
    taken = lambda client, grant_type, user, scopes: scopes - {"email"} if user else scopes  # noqa: E731
    monkeypatch.setattr(project.module("scopes"), "allowed_scopes", taken)
    flow = Flow(ClientFactory(metadata__scope=" ".join(offered)), browser)
    tokens = flow.tokens(
        scope="openid", claims='{"userinfo": {"email": null, "name": null}, "id_token": {"email": null}}'
    )
    assert Authorization.objects.get().claims == ["name"]
    assert "email" not in read(tokens["id_token"])


@pytest.fixture
def no_email(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """An OpenID Provider whose function takes `email` away from a grant type, once it is told which."""
    project.write("scopes")
    offered = {"openid": "sign you in", "email": "see your email address", "profile": "see your profile"}
    project.set(allowed_scopes="mysite.scopes.allowed_scopes", scopes=offered, profile="openid_connect")

    def take_away(by: str) -> None:
        def allowed(client: object, grant_type: str, user: object, scopes: frozenset[str]) -> frozenset[str]:
            return scopes - {"email"} if grant_type == by else scopes

        monkeypatch.setattr(project.module("scopes"), "allowed_scopes", allowed)

    take_away("")
    return take_away


def relying_party(browser: Browser) -> Flow:
    metadata = {
        "metadata__scope": "openid email profile",
        "metadata__grant_types": ["authorization_code", "implicit", "refresh_token"],
        "metadata__response_types": ["code", "code token", "code id_token"],
    }
    return Flow(ClientFactory(**metadata), browser)


@pytest.mark.spec("OpenID Connect Core", "5.5")
@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token"])
def test_claims_one_by_one_are_judged_anew_with_each_token(
    no_email: Callable[[str], None], browser: Browser, user: Any, db: None, grant_type: str
) -> None:
    type(user).objects.update(email="alice@example.com", first_name="Alice")
    flow = relying_party(browser)
    code = flow.code(
        scope="openid",
        claims='{"userinfo": {"email": null, "given_name": null}, "id_token": {"email": null, "given_name": null}}',
    )

    def told(tokens: dict[str, Any]) -> list[set[str]]:
        both = read(tokens["id_token"]), flow.userinfo(tokens["access_token"])
        return [claims.keys() & {"email", "given_name"} for claims in both]

    if grant_type == "refresh_token":
        first = flow.exchange(code).json()
        assert told(first) == [{"email", "given_name"}] * 2
        no_email(grant_type)
        tokens = flow.refresh(first["refresh_token"]).json()
    else:
        no_email(grant_type)
        tokens = flow.exchange(code).json()
    assert told(tokens) == [{"given_name"}] * 2
    no_email("")
    assert told(flow.refresh(tokens["refresh_token"]).json()) == [{"email", "given_name"}] * 2


@pytest.mark.spec("OpenID Connect Core", "3.3")
@pytest.mark.parametrize("grant_type", ["authorization_code", "implicit"])
@pytest.mark.parametrize("response_type", ["code token", "code id_token"])
def test_a_hybrid_answer_is_judged_by_both_of_its_grant_types(
    no_email: Callable[[str], None], browser: Browser, db: None, grant_type: str, response_type: str
) -> None:
    no_email(grant_type)
    flow = relying_party(browser)
    refused = answered(flow.authorize(scope="openid email", response_type=response_type, nonce="n"))
    assert refused["error"] == "invalid_scope"
