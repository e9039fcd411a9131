"""A capability is one file and one line: each file of the page about extending, alone in a project, through the front door.

Nothing of the package is edited for any of them. Each is seen to work, to refuse, and to be gone without its line.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import path
from django.utils import timezone

from django_oauth_server.conf import Policy
from django_oauth_server.models import Authorization, Client
from django_oauth_server.registry import default_issuer
from django_oauth_server.resource.django import protected_resource
from tests.assertions import assertion, key_client, proof
from tests.factories import AuthorizationFactory, ClientFactory
from tests.flow import Flow, answered, told
from tests.mysite.models import Report
from tests.mysite.page import FILES, Project

pytestmark = pytest.mark.django_db

METADATA = "/.well-known/oauth-authorization-server"
FORM = "application/x-www-form-urlencoded"


def machine(**more: Any) -> Flow:
    return Flow(ClientFactory(metadata__grant_types=["client_credentials"], **more), Browser())


def buy(flow: Flow, **more: Any) -> HttpResponse:
    return flow.token(grant_type="client_credentials", scope="notes:read", **more)


# -- a source --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def presets(project: Project, settings: Any, flow: Flow) -> Flow:
    project.write("presets")
    project.set(components=["mysite.presets.Preset"])
    settings.PRESETS = {(flow.client.client_id, "kiosk"): {"scope": "notes:read"}}
    return flow


def test_a_source_brings_what_is_asked_for(presets: Flow) -> None:
    page = presets.authorize(scope="notes:write", preset="kiosk")
    assert "See your notes" in page.content.decode() and "delete your notes" not in page.content.decode()
    assert presets.exchange(answered(presets.decide(page))["code"]).json()["scope"] == "notes:read"


def test_a_source_refuses_and_the_client_is_told(presets: Flow) -> None:
    assert answered(presets.authorize(preset="stranger"))["error"] == "invalid_request"


def test_two_sources_are_not_followed_at_once(presets: Flow) -> None:
    assert answered(presets.authorize(preset="kiosk", request="a.b.c"))["error"] == "invalid_request"


# -- a check ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def purposeful(project: Project, flow: Flow) -> Flow:
    project.write("stated_purpose")
    project.set(components=["mysite.stated_purpose.StatedPurpose"])
    return flow


def test_a_check_lets_through_what_it_asks_for(purposeful: Flow) -> None:
    assert purposeful.authorize(scope="notes:write", purpose="backup").status_code == 200
    assert purposeful.authorize(scope="notes:read").status_code == 200


def test_a_check_refuses_and_the_client_is_told(purposeful: Flow) -> None:
    refused = answered(purposeful.authorize(scope="notes:write"))
    assert refused["error"] == "invalid_request" and "purpose" in refused["error_description"]


def test_the_parameter_of_a_check_is_not_repeated(purposeful: Flow) -> None:
    assert answered(purposeful.authorize(scope="notes:write", purpose=["one", "two"]))["error"] == "invalid_request"


# -- a binding, and its twin -----------------------------------------------------------------------------------------------

MINE, OTHERS = {"X-Client-Cert-Thumbprint": "thumbprint-of-mine"}, {"X-Client-Cert-Thumbprint": "thumbprint-of-another"}


@protected_resource("notes:read")
def notes(request: Any) -> HttpResponse:
    return HttpResponse("notes")


urlpatterns = [path("notes", notes)]


@pytest.fixture
def certificates(project: Project, settings: Any) -> None:
    project.write("client_certificate", "client_certificate_api")
    project.set(components=["mysite.client_certificate.ClientCertificate"])
    settings.OAUTH_RESOURCE_SERVER = {"bindings": ["mysite.client_certificate_api.CertificateBound"]}


def with_certificate(flow: Flow, headers: dict[str, str], **params: str) -> HttpResponse:
    authorization, form = flow._authenticate("", {"grant_type": "client_credentials", "scope": "notes:read"} | params)
    body = "&".join(f"{name}={value}" for name, value in form.items())
    return Browser().post("/oauth/token", body, FORM, headers=authorization | headers)


@pytest.mark.urls("tests.contracts.bound_urls")
@pytest.mark.parametrize("format", ["opaque", "at+jwt"])
def test_a_binding_binds_and_its_twin_opens_to_who_holds_the_key(certificates: None, format: str) -> None:
    flow = machine(access_token_format=format)
    answer = with_certificate(flow, MINE).json()
    assert answer["token_type"] == "Bearer"
    assert flow.introspect(answer["access_token"])["cnf"] == {"x5t#S256": "thumbprint-of-mine"}
    bearer = {"Authorization": f"Bearer {answer['access_token']}"}
    assert Browser().get("/notes", headers=bearer | MINE).status_code == 200
    for wrong in (OTHERS, {}):
        refused = Browser().get("/notes", headers=bearer | wrong)
        assert refused.status_code == 401 and 'error="invalid_token"' in refused["WWW-Authenticate"]


@pytest.mark.urls("tests.contracts.bound_urls")
def test_a_bound_token_opens_nothing_where_its_twin_is_not(certificates: None, settings: Any) -> None:
    token = with_certificate(machine(), MINE).json()["access_token"]
    settings.OAUTH_RESOURCE_SERVER = {}
    assert Browser().get("/notes", headers={"Authorization": f"Bearer {token}"} | MINE).status_code == 401


@pytest.mark.parametrize("asked", ["client", "policy"])
def test_a_binding_that_is_demanded_is_not_left_out(certificates: None, project: Project, asked: str) -> None:
    by_client = {"metadata__tls_client_certificate_bound_access_tokens": True} if asked == "client" else {}
    if asked == "policy":
        policy = Policy(name="ours", demands=frozenset({"certificate_bound"}))
        project.set(components=["mysite.client_certificate.ClientCertificate"], policy=policy)
    flow = machine(**by_client)
    assert buy(flow).json()["error"] == "invalid_request"
    assert with_certificate(flow, MINE).status_code == 200


def test_a_binding_is_advertised_and_asked_of_clients(certificates: None) -> None:
    name = "tls_client_certificate_bound_access_tokens"
    assert Browser().get(METADATA).json()[name] is True
    out = StringIO()
    call_command(
        "createclient", f"--{name.replace('_', '-')}", "--grant-types", "client_credentials", "--json", stdout=out
    )
    assert json.loads(out.getvalue())[name] is True


# -- a member of the token response ----------------------------------------------------------------------------------------

LINK = "https://mysite.example/grants/magic-link"


@pytest.fixture
def by_link(project: Project) -> Flow:
    project.write("magic_link")
    project.set(components=["mysite.magic_link.MagicLink"])
    return Flow(ClientFactory(metadata__grant_types=[LINK]), Browser())


def test_a_grant_tells_what_it_has_to_in_the_token_response(by_link: Flow, user: Any) -> None:
    answer = by_link.token(grant_type=LINK, link=signing.dumps(user.pk, salt="magic link")).json()
    assert answer["user_name"] == user.get_username() and answer["token_type"] == "Bearer"


def test_a_refusal_tells_nothing_of_it(by_link: Flow) -> None:
    assert set(told(by_link.token(grant_type=LINK, link="forged"))) == {"error", "error_description"}


# -- settings, a limit, a table --------------------------------------------------------------------------------------------


@pytest.fixture
def reports(project: Project) -> Project:
    project.write("models", "reports")
    project.set(components=["mysite.reports.Reports"])
    return project


def report(**form: str) -> HttpResponse:
    return Browser().post("/oauth/report", "&".join(f"{name}={value}" for name, value in form.items()), FORM)


def test_a_component_keeps_what_it_is_told(reports: Project) -> None:
    assert report(client_id="notebook", words="spam").status_code == 204
    assert Report.objects.get().client_id == "notebook"


def test_its_settings_count_and_are_checked(reports: Project) -> None:
    reports.set(components=["mysite.reports.Reports"], reports={"longest": 3})
    refused = report(client_id="notebook", words="spam")
    assert (refused.status_code, told(refused)["error"]) == (400, "invalid_request")
    for wrong, words in (
        ({"longets": 3}, "reports has no 'longets'. Did you mean 'longest'?"),
        ({"longest": "3"}, "reports: longest must be a number"),
        ({"longest": 0}, "reports: longest must be at least 1."),
    ):
        with pytest.raises(ImproperlyConfigured, match=re.escape(words)):
            reports.set(components=["mysite.reports.Reports"], reports=wrong)
            default_issuer()


def test_its_limit_holds_back(reports: Project) -> None:
    reports.set(components=["mysite.reports.Reports"], throttles={"reports": "2/h"})
    statuses = [report(client_id="notebook", words="spam").status_code for _ in range(3)]
    assert statuses == [204, 204, 429] and Report.objects.count() == 2


def test_its_table_is_swept_and_what_is_young_stays(reports: Project) -> None:
    for days in (10, 100):
        Report.objects.create(client_id="notebook", words="spam", created_at=timezone.now() - timedelta(days=days))
    out = StringIO()
    call_command("cleartokens", stdout=out)
    assert "1 old reports\n" in out.getvalue() and Report.objects.count() == 1


def test_its_system_check_is_made(reports: Project) -> None:
    assert "mysite.W001" not in {message.id for message in run_checks(tags=["security"])}
    reports.set(components=["mysite.reports.Reports"], throttles={"reports": None})
    assert "mysite.W001" in {message.id for message in run_checks(tags=["security"])}


# -- a prompt with a page of its own ---------------------------------------------------------------------------------------


@pytest.fixture
def terms(project: Project, flow: Flow) -> Flow:
    project.write("new_terms")
    project.templates()
    project.set(components=["mysite.new_terms.NewTerms"])
    return flow


def test_a_prompt_is_asked_on_its_own_page_and_then_the_others_are(terms: Flow) -> None:
    page = terms.authorize()
    assert "Our terms have changed" in page.content.decode()
    consent = terms.browser.get(terms.decide(page, "accept")["Location"])
    assert "code" in answered(terms.decide(consent))


def test_a_prompt_is_denied_passed_over_by_nobody_and_refused_where_none_may_be_asked(terms: Flow, user: Any) -> None:
    page = terms.authorize()
    assert answered(terms.decide(page, "deny"))["error"] == "access_denied"
    again = terms.decide(terms.authorize(), "whatever")
    assert "Our terms have changed" in terms.browser.get(again["Location"]).content.decode()
    AuthorizationFactory(client=terms.client, user=user, scope="notes:read notes:write")
    assert answered(terms.authorize(prompt="none"))["error"] == "interaction_required"


# -- a channel: where the answer goes --------------------------------------------------------------------------------------


@pytest.fixture
def invited(project: Project, flow: Flow) -> Flow:
    project.write("invitation")
    project.set(components=["mysite.invitation.Invitation"])
    return flow


def letter(flow: Flow, project: Project, scope: str = "notes:read") -> str:
    return project.module("invitation").invite(flow.client, scope)


def test_a_request_that_no_app_waits_for_asks_the_same_questions(invited: Flow, project: Project) -> None:
    link = {"letter": letter(invited, project)}
    assert Browser().get("/invitation", link)["Location"].startswith("/accounts/login/?next=/invitation%3Fletter")
    page = invited.browser.get("/invitation", link)
    assert "You were invited" in page.content.decode() and "sent back to" not in page.content.decode()
    assert invited.decide(page)["Location"] == "/thanks/"
    assert Authorization.objects.get().scope == "notes:read"
    assert "code" in answered(invited.authorize(scope="notes:read", prompt="none"))


def test_such_a_request_is_denied_refused_and_judged_anew(invited: Flow, project: Project) -> None:
    page = invited.browser.get("/invitation", {"letter": letter(invited, project)})
    assert invited.decide(page, "deny")["Location"] == "/declined/"
    unknown = invited.browser.get("/invitation", {"letter": letter(invited, project, scope="unknown")})
    assert unknown["Location"] == "/declined/"
    assert "has expired" in invited.browser.get("/invitation", {"letter": "forged"}).content.decode()
    assert "has expired" in invited.browser.get("/invitation").content.decode()
    Client.objects.update(is_active=False)
    assert "has expired" in invited.decide(page).content.decode()
    assert not Authorization.objects.exists()


# -- a client source -------------------------------------------------------------------------------------------------------


@pytest.fixture
def team(project: Project, browser: Browser, user: Any) -> Flow:
    project.write("teams")
    project.set(components=["mysite.teams.Teams"])
    return Flow(Client(issuer="https://as.example", client_id="team-sales", metadata=TEAM), browser)


TEAM = {"redirect_uris": ["https://sales.mysite.example/callback"], "token_endpoint_auth_method": "none"}


def test_a_client_without_a_row_is_answered_and_gets_one_with_what_it_is_allowed(team: Flow) -> None:
    page = team.authorize(scope="notes:read")
    assert "Sales" in page.content.decode()
    assert team.exchange(answered(team.decide(page))["code"]).status_code == 200
    assert Authorization.objects.get().client.client_id == "team-sales"


def test_a_client_that_its_source_does_not_know_any_more_is_unknown(team: Flow, project: Project) -> None:
    code = answered(team.decide(team.authorize(scope="notes:read")))["code"]
    assert Browser().get("/oauth/authorize", {"client_id": "team-nobody"}).status_code == 400
    project.module("teams").TEAMS.clear()
    assert told(team.exchange(code))["error"] == "invalid_client"
    assert team.authorize(scope="notes:read").status_code == 400


# -- a client authentication method whose proof is a header ----------------------------------------------------------------

METHOD = "https://mysite.example/client-auth/gateway"


@pytest.fixture
def gateway(project: Project, settings: Any) -> Flow:
    project.write("partner_gateway")
    project.set(components=["mysite.partner_gateway.PartnerGateway"])
    settings.GATEWAY_KEY = "a key of the gateway"
    return machine(client_id="partner", public=True, metadata__token_endpoint_auth_method=METHOD)


def by_gateway(key: str) -> HttpResponse:
    headers = {"X-Gateway-Client": "partner", "X-Gateway-Key": key}
    body = "grant_type=client_credentials&scope=notes:read"
    return Browser().post("/oauth/token", body, FORM, headers=headers)


def test_a_proof_in_a_header_lets_the_client_in_and_a_wrong_one_does_not(gateway: Flow) -> None:
    assert by_gateway("a key of the gateway").status_code == 200
    assert (by_gateway("guessed").status_code, told(by_gateway("guessed"))["error"]) == (401, "invalid_client")


def test_a_method_is_refused_where_the_clients_profile_does_not_permit_it(gateway: Flow, project: Project) -> None:
    strict = Policy(name="strict", permitted_client_auth_methods=frozenset({"private_key_jwt"}))
    project.set(components=["mysite.partner_gateway.PartnerGateway"], policies=[strict])
    Client.objects.filter(client_id="partner").update(profile="strict")
    assert told(by_gateway("a key of the gateway"))["error"] == "invalid_client"


# -- an answer of another media type ---------------------------------------------------------------------------------------


@pytest.fixture
def finger(project: Project) -> None:
    project.write("webfinger")
    project.set(components=["mysite.webfinger.WebFinger"])


def test_an_answer_has_a_media_type_and_headers_of_its_own(finger: None) -> None:
    answer = Browser().get("/.well-known/webfinger?resource=acct:alice@as.example")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/jrd+json")
    assert (answer["Cache-Control"], answer["Access-Control-Allow-Origin"]) == ("max-age=3600", "*")
    assert json.loads(answer.content)["links"][0]["href"] == "https://as.example"


def test_such_an_endpoint_refuses_as_the_others_do(finger: None) -> None:
    assert told(Browser().get("/.well-known/webfinger"))["error"] == "invalid_request"
    assert Browser().post("/.well-known/webfinger").status_code == 405


# -- a policy --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def partners(project: Project) -> dict[str, Any]:
    """The settings of the page."""
    from tests.mysite.page import PAGE

    (code,) = [code for code in re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M) if "Policy(" in code]
    written: dict[str, Any] = {}
    exec(code, written)
    project.write("client_certificate")
    project.set(**written["OAUTH_SERVER"])
    return written["OAUTH_SERVER"]


def ask(client: Any, headers: dict[str, str]) -> HttpResponse:
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof(assertion(client))
    return Browser().post(
        "/oauth/token", "&".join(f"{name}={value}" for name, value in form.items()), FORM, headers=headers
    )


def test_a_client_is_bound_to_a_policy_of_ones_own(partners: dict[str, Any]) -> None:
    client = key_client(profile="partners")
    assert ask(client, MINE).status_code == 200
    assert told(ask(client, {}))["error"] == "invalid_request", "what it demands"
    assert told(buy(machine(profile="partners")))["error"] == "invalid_client", "what it permits"
    assert buy(machine()).status_code == 200, "a client that is not bound to it"


def test_a_policy_whose_demand_nobody_sees_to_stops_the_start(partners: dict[str, Any], project: Project) -> None:
    with pytest.raises(ImproperlyConfigured, match="demands has an unknown 'certificate_bound'"):
        project.set(policies=partners["policies"])
        default_issuer()


# -- all of them -----------------------------------------------------------------------------------------------------------


def test_every_file_of_the_page_is_driven_here_or_by_the_pages_own_test() -> None:
    of_the_page = (Path(__file__).parents[1] / "docs").glob("test_extending*.py")
    tests = "".join(one.read_text(encoding="utf-8") for one in (Path(__file__), *of_the_page))
    written = set(re.findall(r"project\.write\((.*)\)", tests))
    assert set(FILES) == set(re.findall(r'"(\w+)"', " ".join(written)))


def test_without_its_line_nothing_of_it_is_there(flow: Flow, user: Any) -> None:
    metadata = Browser().get(METADATA).content.decode()
    assert "mysite.example" not in metadata and "certificate" not in metadata
    assert flow.authorize(preset="kiosk", purpose="backup").status_code == 200
    assert report(client_id="notebook", words="spam").status_code == 404
    assert Browser().get("/.well-known/webfinger?resource=acct:alice@as.example").status_code == 404
    assert flow.token(grant_type=LINK, link="x").json()["error"] == "unsupported_grant_type"
