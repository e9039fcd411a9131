"""A component of a deployment is one class and one line of settings: the code on the page, run as it stands."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.core import signing
from django.test import Client as Browser

from tests.docs.pages import generate
from tests.factories import ClientFactory, TokenFactory, UserFactory
from tests.flow import Flow, answered
from tests.mysite.page import Project

COMPONENTS = [
    "mysite.magic_link.MagicLink",
    "mysite.partner_gateway.PartnerGateway",
    "mysite.router_fragment.RouterFragment",
    "mysite.new_terms.NewTerms",
]
GRANT = "https://mysite.example/grants/magic-link"
METHOD = "https://mysite.example/client-auth/gateway"
MODE = "https://mysite.example/response-modes/router"
METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture
def mysite(project: Project, settings: Any) -> None:
    """Several files of the page in one project, and their lines of settings."""
    project.write("magic_link", "partner_gateway", "router_fragment", "new_terms")
    project.templates()
    settings.GATEWAY_KEY = "a key of the gateway"
    project.set(components=COMPONENTS)


def past_terms(flow: Flow, page: Any) -> Any:
    """The page that follows, for who accepts."""
    return flow.browser.get(flow.decide(page, "accept")["Location"])


def link_for(user: Any) -> str:
    return signing.dumps(user.pk, salt="magic link")


@pytest.mark.spec("RFC 6749", "4.5")
def test_an_extension_grant_is_one_class_and_one_line(mysite: None, user: Any) -> None:
    flow = Flow(ClientFactory(metadata__grant_types=[GRANT, "refresh_token"]), Browser())
    link = link_for(user)
    answer = flow.token(grant_type=GRANT, link=link).json()
    assert flow.introspect(answer["access_token"])["sub"] == str(user.pk)
    assert flow.refresh(answer["refresh_token"]).status_code == 200
    assert flow.token(grant_type=GRANT, link=link).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("params", [{"link": "forged"}, {"link": ""}, {}])
def test_an_extension_grant_refuses_as_the_others_do(mysite: None, db: None, params: dict[str, str]) -> None:
    flow = Flow(ClientFactory(metadata__grant_types=[GRANT]), Browser())
    assert flow.token(grant_type=GRANT, **params).json()["error"] in {"invalid_grant", "invalid_request"}


def test_a_client_must_have_registered_an_extension_grant(mysite: None, flow: Flow, user: Any) -> None:
    assert flow.token(grant_type=GRANT, link=link_for(user)).json()["error"] == "unauthorized_client"


@pytest.mark.parametrize("sent", [{}, {"client_id": "partner"}])
def test_a_client_authentication_method_is_one_class_and_one_line(mysite: None, db: None, sent: dict[str, str]) -> None:
    ClientFactory(
        client_id="partner",
        public=True,
        metadata__grant_types=["client_credentials"],
        metadata__token_endpoint_auth_method=METHOD,
    )
    form = {"grant_type": "client_credentials", "scope": "notes:read", **sent}

    def ask(**headers: str) -> Any:
        return Browser().post(
            "/oauth/token",
            "&".join(f"{name}={value}" for name, value in form.items()),
            "application/x-www-form-urlencoded",
            headers=headers,
        )

    proof = {"X-Gateway-Client": "partner", "X-Gateway-Key": "a key of the gateway"}
    assert ask(**proof).status_code == 200
    assert ask(**proof | {"X-Gateway-Key": "guessed"}).json()["error"] == "invalid_client"
    assert ask(**proof | {"Authorization": "Basic cGFydG5lcjpndWVzc2Vk"}).json()["error"] == "invalid_request"
    assert ask().json()["error"] == "invalid_client"


def test_a_response_mode_is_one_class_and_one_line(mysite: None, flow: Flow) -> None:
    page = past_terms(flow, flow.authorize(response_mode=MODE))
    location = urlsplit(flow.decide(page)["Location"])
    route, _, parameters = location.fragment.partition("?")
    assert route == "/signed-in"
    assert flow.exchange(dict(parse_qsl(parameters))["code"]).status_code == 200


def test_a_prompt_is_one_class_one_template_and_one_line(mysite: None, flow: Flow) -> None:
    terms = flow.authorize()
    assert "Our terms have changed" in terms.content.decode()
    assert answered(flow.decide(terms, "deny"))["error"] == "access_denied"
    consent = past_terms(flow, terms)
    assert "code" in answered(flow.decide(consent))
    assert "Our terms have changed" in flow.authorize().content.decode(), "another request"


def test_the_metadata_offers_them(mysite: None, client: Browser) -> None:
    offered = client.get(METADATA).json()
    assert GRANT in offered["grant_types_supported"]
    assert METHOD in offered["token_endpoint_auth_methods_supported"]
    assert MODE in offered["response_modes_supported"]


def test_the_admin_offers_them(mysite: None, admin_client: Browser) -> None:
    form = admin_client.get("/admin/django_oauth_server/client/add/", {"kind": "web"}).content.decode()
    assert GRANT in form and "Magic link" in form
    assert METHOD in form and "Partner gateway" in form


def test_the_generated_tables_show_them(mysite: None) -> None:
    table = generate.components_page()
    for name in (GRANT, METHOD, MODE):
        assert f"`{name}`" in table


def test_without_the_line_nothing_is_offered(flow: Flow) -> None:
    assert flow.token(grant_type=GRANT).json()["error"] == "unsupported_grant_type"
    assert answered(flow.authorize(response_mode=MODE))["error"] == "invalid_request"


def test_the_factory_makes_a_token_that_opens_a_view(db: None, client: Browser) -> None:
    token = TokenFactory(scope="notes:read", authorization__user=UserFactory())
    assert token.value.startswith("oas_at_")


def test_a_fact_is_one_class_one_template_and_one_line(project: Project, flow: Flow, user: Any) -> None:
    project.write("choose_team")
    project.templates()
    project.set(components=["mysite.choose_team.ChooseTeam"])
    user.groups.add(Group.objects.create(name="Sales"))

    def team(page: Any) -> str:
        code = answered(flow.decide(page) if page.status_code == 200 else page)["code"]
        return str(flow.introspect(flow.exchange(code).json()["access_token"])["team"])

    consent = flow.authorize()
    assert "Team: Sales" in consent.content.decode(), "there is one"
    assert team(consent) == "Sales"
    user.groups.add(Group.objects.create(name="Support"))
    assert team(flow.authorize()) == "Sales", "it is allowed already"
    choice = flow.authorize(prompt="consent")
    assert "Which team is this for?" in choice.content.decode()
    assert team(flow.browser.get(flow.decide(choice, "", team="Support")["Location"])) == "Support"
    assert team(flow.authorize(team="Support")) == "Support"
    assert answered(flow.authorize(prompt="none"))["error"] == "interaction_required"
