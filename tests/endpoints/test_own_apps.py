"""The pages on which people register and manage apps of their own."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.clients.own_apps import store_app
from django_oauth_server.endpoints import own_apps
from django_oauth_server.endpoints.own_app_form import OwnAppForm
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
from tests.flow import Flow, answered
from tests.mysite.page import forget_urls

pytestmark = pytest.mark.django_db
APPS, NEW = "/oauth/apps/", "/oauth/apps/new"
REDIRECT = "https://notebook.example/callback"
ENTERED = {"client_name": "Notebook", "redirect_uris": REDIRECT, "scope": ["notes:read"]}


class Developer:
    """Somebody who may register apps, and their browser."""

    def __init__(self, *permissions: str) -> None:
        self.person = UserFactory()
        self.person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        self.browser = Browser(enforce_csrf_checks=True)
        self.browser.force_login(self.person)

    def get(self, path: str) -> str:
        response = self.browser.get(path)
        assert response.status_code == 200, response.content
        return response.content.decode()

    def post(self, path: str, **entered: Any) -> Any:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path))
        assert token
        return self.browser.post(path, {"csrfmiddlewaretoken": token[1], **entered})

    def register(self, kind: str = "web", **entered: Any) -> Any:
        return self.post(f"{NEW}?kind={kind}", **{**ENTERED, **entered})

    def registered(self, kind: str = "web", **entered: Any) -> Client:
        response = self.register(kind, **entered)
        assert response.status_code == 302, response.content.decode()
        return Client.objects.latest("pk")

    def app(self, **columns: Any) -> Client:
        return ClientFactory(owner=self.person, registered_by="person", **columns)


@pytest.fixture
def apps(settings: Any) -> Any:
    def switch_on(**said: object) -> None:
        settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "apps": {"enabled": True, **said}}
        forget_urls()

    switch_on()
    yield switch_on
    forget_urls()


@pytest.fixture
def developer(apps: Any) -> Developer:
    return Developer("register_own_client")


def at(app: Client, page: str = "") -> str:
    return f"{APPS}{app.pk}/{page}"


def secret_on(page: str) -> str:
    shown = re.search(r'id="client-secret" value="([^"]+)"', page)
    assert shown, page
    return html.unescape(shown[1])


# -- who may ---------------------------------------------------------------------------------------------------------------


def test_there_are_no_such_pages_unless_they_are_switched_on() -> None:
    developer = Developer("register_own_client")
    assert developer.browser.get(APPS).status_code == 404


@pytest.mark.parametrize("page", ["", "new", "1/", "1/change", "1/secret", "1/secret/shown", "1/delete"])
def test_a_stranger_signs_in_first(apps: Any, page: str) -> None:
    assert Browser().get(APPS + page)["Location"].startswith("/accounts/login/?next=/oauth/apps/")


@pytest.mark.parametrize("page", ["", "new", "1/", "1/change", "1/secret", "1/secret/shown", "1/delete"])
def test_without_the_permission_there_is_a_page_that_says_so(apps: Any, page: str) -> None:
    response = Developer().browser.get(APPS + page)
    assert response.status_code == 403
    assert "have permission to register apps" in html.unescape(response.content.decode())


def test_a_deployment_may_let_everybody(apps: Any) -> None:
    apps(permission="")
    assert Developer().registered().name == "Notebook"


@pytest.mark.parametrize("page", ["", "change", "secret", "secret/shown", "delete"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_persons_app_is_unknown(developer: Developer, page: str, method: str) -> None:
    others = Developer("register_own_client").app()
    browser = Browser()
    browser.force_login(developer.person)
    assert getattr(browser, method)(at(others, page)).status_code == 404
    assert Client.objects.filter(pk=others.pk).exists()


@pytest.mark.parametrize("page", ["change", "secret", "delete"])
def test_no_other_site_presses_a_button(developer: Developer, page: str) -> None:
    app = developer.app()
    assert developer.browser.post(at(app, page)).status_code == 403


# -- registering -----------------------------------------------------------------------------------------------------------


def test_the_first_question_is_what_it_is(developer: Developer) -> None:
    page = developer.get(NEW)
    assert re.findall(r'id="kind-(\w+)"', page) == ["web", "spa", "native", "device"]


def test_a_deployment_chooses_the_kinds(developer: Developer, apps: Any) -> None:
    apps(kinds=["web"])
    assert re.findall(r'id="kind-(\w+)"', developer.get(NEW)) == ["web"]
    assert "What kind of app is it?" in developer.get(f"{NEW}?kind=spa")


def test_an_app_is_registered_and_its_secret_shown_once(developer: Developer) -> None:
    response = developer.register()
    page = developer.get(response["Location"])
    app = Client.objects.get(owner=developer.person)
    assert app.has_secret(secret_on(page), timezone.now())
    assert app.registered_by == Client.RegisteredBy.PERSON
    assert app.metadata == {
        "client_name": "Notebook",
        "redirect_uris": [REDIRECT],
        "scope": "notes:read",
        "application_type": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    }
    again = developer.browser.get(response["Location"])
    assert again["Location"] == at(app)
    assert "cannot be shown again" in developer.get(at(app))


def test_it_works_at_once(developer: Developer) -> None:
    response = developer.register()
    app = Client.objects.get(owner=developer.person)
    app.secret = secret_on(developer.get(response["Location"]))
    flow = Flow(app, developer.browser)
    page = flow.authorize(scope="notes:read")
    assert "has not been verified" in page.content.decode()
    assert flow.exchange(flow.code(scope="notes:read")).status_code == 200


@pytest.mark.parametrize("kind", ["spa", "native"])
def test_an_app_without_a_secret_goes_to_its_page(developer: Developer, kind: str) -> None:
    response = developer.register(kind)
    app = Client.objects.get(owner=developer.person)
    assert response["Location"] == at(app)
    assert app.token_endpoint_auth_method == "none" and not app.secret_digest
    assert developer.browser.get(at(app, "secret")).status_code == 404


def test_a_device_has_no_redirect_uri(developer: Developer) -> None:
    app = developer.registered("device", redirect_uris="")
    assert app.redirect_uris == [] and "urn:ietf:params:oauth:grant-type:device_code" in app.grant_types


@pytest.mark.parametrize(
    ("entered", "told"),
    [
        ({"client_name": ""}, "This field is required."),
        ({"redirect_uris": ""}, "This field is required."),
        ({"redirect_uris": "https://ok.example/*"}, "must match exactly"),
        ({"redirect_uris": "http://notebook.example/"}, "use https"),
        ({"client_uri": "javascript:alert(1)"}, "https address"),
        ({"scope": ["admin"]}, "Select a valid choice"),
        ({"scope": []}, "This field is required."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(developer: Developer, entered: dict[str, Any], told: str) -> None:
    page = developer.register(**entered)
    assert page.status_code == 200 and told in html.unescape(page.content.decode())
    assert "Nothing was saved" in page.content.decode()
    assert not Client.objects.exists()


def test_nobody_gives_themselves_a_privilege(developer: Developer) -> None:
    app = developer.registered(
        grant_types=["client_credentials"], resource_identifiers=["https://as.example"], skip_consent="on", owner="1"
    )
    assert app.grant_types == ["authorization_code", "refresh_token"]
    assert "resource_identifiers" not in app.metadata and not app.skip_consent and app.owner == developer.person


def test_a_deployment_chooses_the_scopes(developer: Developer, apps: Any) -> None:
    apps(scopes=["notes:read"])
    assert developer.register(scope=["notes:write"]).status_code == 200
    assert developer.registered(scope=["notes:read"]).scopes == {"notes:read"}


def test_a_person_has_so_many_apps_and_no_more(developer: Developer, apps: Any) -> None:
    apps(most=2)
    form = developer.get(f"{NEW}?kind=web")
    for _ in range(2):
        developer.registered()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token
    refused = developer.browser.post(f"{NEW}?kind=web", {"csrfmiddlewaretoken": token[1], **ENTERED})
    assert refused["Location"] == APPS and Client.objects.count() == 2
    page = developer.get(APPS)
    assert "You already have 2 apps. Delete one first." in page and 'id="register"' not in page


def test_of_forms_that_are_sent_at_once_no_more_are_registered(
    developer: Developer, apps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps(most=1)

    def after_another(*args: Any) -> str:
        developer.app()
        return store_app(*args)

    monkeypatch.setattr(own_apps, "store_app", after_another)
    assert developer.register()["Location"] == APPS
    assert Client.objects.count() == 1
    assert "You already have 1 app. Delete it first." in developer.get(APPS)


# -- managing --------------------------------------------------------------------------------------------------------------


def test_the_list_has_ones_own_apps_alone(developer: Developer) -> None:
    app, _ = developer.app(metadata__client_name="Mine"), ClientFactory(metadata__client_name="Another's")
    page = html.unescape(developer.get(APPS))
    assert at(app) in page and "Mine" in page and "Another's" not in page


def test_an_empty_list_says_what_would_be_there(developer: Developer) -> None:
    assert "You haven't registered any apps" in html.unescape(developer.get(APPS))


def test_the_page_says_who_uses_it_and_what_code_needs(developer: Developer) -> None:
    app = developer.app()
    AuthorizationFactory(client=app)
    AuthorizationFactory(client=app)
    page = developer.get(at(app))
    assert "2 people" in page and app.client_id in page and "https://as.example/.well-known/" in page


def test_what_was_asked_is_changed_and_all_else_kept(developer: Developer) -> None:
    app = developer.app(metadata__software_id="kept", metadata__client_uri="https://notebook.example/")
    developer.post(at(app, "change"), **{**ENTERED, "client_name": "Jotter"})
    app.refresh_from_db()
    assert app.name == "Jotter" and app.redirect_uris == [REDIRECT] and app.metadata["software_id"] == "kept"
    assert "client_uri" not in app.metadata


def test_people_are_asked_anew_where_it_shows_something_else(developer: Developer, browser: Browser) -> None:
    app = developer.app()
    flow = Flow(app, browser)
    flow.code(scope="notes:read")
    assert flow.authorize(scope="notes:read").status_code == 303
    same = {"client_name": app.name, "redirect_uris": app.redirect_uris[0], "scope": ["notes:read", "notes:write"]}
    developer.post(at(app, "change"), **same)
    assert flow.authorize(scope="notes:read").status_code == 303
    developer.post(at(app, "change"), **same | {"client_name": "Your bank"})
    assert flow.authorize(scope="notes:read").status_code == 200


@pytest.mark.parametrize(
    "entered",
    [{"client_name": "Your bank"}, {"redirect_uris": REDIRECT}, {"logo_uri": "https://notebook.example/a.png"}],
)
def test_what_an_operator_vouches_for_is_not_the_owners_to_change(
    developer: Developer, entered: dict[str, Any]
) -> None:
    app = ClientFactory(owner=developer.person)
    same = {"client_name": app.name, "redirect_uris": app.redirect_uris[0], "scope": ["notes:read"]}
    refused = developer.post(at(app, "change"), **same | entered)
    assert "only be changed by an administrator" in refused.content.decode()
    app.refresh_from_db()
    assert app.name == same["client_name"] and app.redirect_uris == [same["redirect_uris"]]
    assert app.registered_by == Client.RegisteredBy.OPERATOR


def test_the_owner_changes_the_rest_and_an_operator_still_vouches_for_it(developer: Developer) -> None:
    app = ClientFactory(owner=developer.person)
    more = f"{app.redirect_uris[0]}\n{app.redirect_uris[0]}/beside"
    entered = {"client_name": app.name, "redirect_uris": more, "scope": ["notes:read"]}
    assert developer.post(at(app, "change"), **entered).status_code == 302
    app.refresh_from_db()
    assert app.redirect_uris == more.split() and app.scopes == {"notes:read"}
    assert app.registered_by == Client.RegisteredBy.OPERATOR
    assert developer.browser.get(at(app, "delete")).status_code == 404


def test_where_nobody_is_asked_the_owner_sends_people_nowhere_else(developer: Developer) -> None:
    app = developer.app(skip_consent=True)
    same = {"client_name": app.name, "redirect_uris": app.redirect_uris[0], "scope": ["notes:read"]}
    refused = developer.post(at(app, "change"), **same | {"redirect_uris": "https://elsewhere.example/"})
    assert refused.status_code == 200 and "An operator has to add them" in refused.content.decode()
    more = developer.post(at(app, "change"), **same)
    assert more.status_code == 302


def test_an_app_of_another_kind_is_the_operators_to_change(developer: Developer) -> None:
    app = developer.app(metadata__grant_types=["client_credentials"], metadata__response_types=[])
    assert "/change" not in developer.get(at(app))
    assert developer.browser.get(at(app, "change"))["Location"] == APPS


def test_a_disabled_app_is_looked_at_alone(developer: Developer) -> None:
    app = developer.app(is_active=False)
    page = developer.get(at(app))
    assert "has disabled this app" in page
    assert not re.search(r'id="(change|secret|delete)"', page)
    assert developer.browser.get(at(app, "delete")).status_code == 404
    assert developer.browser.get(at(app, "secret")).status_code == 404


# -- secrets and the end ---------------------------------------------------------------------------------------------------


def replaced(developer: Developer, app: Client, **said: str) -> Any:
    mark = re.search(r'name="replaces" value="(\w+)"', developer.get(at(app, "secret")))
    assert mark
    return developer.post(at(app, "secret"), replaces=mark[1], **said)


@pytest.mark.parametrize("at_once", ["", "on"])
def test_a_new_secret_replaces_the_old_one_later_or_at_once(developer: Developer, at_once: str) -> None:
    app = developer.app()
    old = app.secret
    new = secret_on(developer.get(replaced(developer, app, at_once=at_once)["Location"]))
    app.refresh_from_db()
    assert app.has_secret(new, timezone.now())
    assert app.has_secret(old, timezone.now()) is not bool(at_once)


def test_pressing_twice_generates_one_secret(developer: Developer) -> None:
    app = developer.app()
    form = developer.get(at(app, "secret"))
    said = dict(re.findall(r'name="(csrfmiddlewaretoken|replaces)" value="(\w+)"', form))
    first = developer.browser.post(at(app, "secret"), said)
    secret = secret_on(developer.get(first["Location"]))
    second = developer.browser.post(at(app, "secret"), said)
    assert second["Location"] == at(app)
    assert "already been replaced" in developer.get(at(app))
    app.refresh_from_db()
    assert app.has_secret(secret, timezone.now())


def test_another_browser_is_shown_no_secret(developer: Developer) -> None:
    app = developer.app()
    where = replaced(developer, app)["Location"]
    elsewhere = Browser()
    elsewhere.force_login(developer.person)
    assert elsewhere.get(where)["Location"] == at(app)


def test_deleting_says_what_it_ends_and_ends_it(developer: Developer, browser: Browser) -> None:
    app = developer.app()
    flow = Flow(app, browser)
    tokens = flow.tokens()
    assert "1 person will be signed out of this app." in developer.get(at(app, "delete"))
    assert developer.post(at(app, "delete"))["Location"] == APPS
    assert "Notebook has been deleted." in developer.get(APPS)
    assert not Client.objects.filter(pk=app.pk).exists()
    caller = Flow(ClientFactory(), Browser())
    assert caller.introspect(tokens["access_token"]) == {"active": False}


def test_what_an_operator_registered_is_not_the_owners_to_delete(developer: Developer) -> None:
    app = ClientFactory(owner=developer.person)
    assert 'id="delete"' not in developer.get(at(app))
    assert developer.browser.get(at(app, "delete")).status_code == 404


def test_of_many_people_no_more_are_counted_than_it_takes(
    developer: Developer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_apps, "_MOST_COUNTED", 2)
    app = developer.app()
    for _ in range(3):
        AuthorizationFactory(client=app)
    assert "2 people or more" in developer.get(at(app))


def test_a_scope_that_is_not_offered_is_found_at_the_start(apps: Any) -> None:
    apps(scopes=["notes:read", "notes:raed"])
    assert [one.msg for one in run_checks(tags=["security"]) if one.id == "oauth_server.E018"] == [
        "apps of https://as.example names scopes that are not offered: notes:raed."
    ]


def test_pages_keep_to_themselves(developer: Developer) -> None:
    response = developer.browser.get(at(developer.app()))
    assert response["Cache-Control"] == "no-store" and response["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("said", [{"most": 0}, {"kinds": ["service"]}, {"kinds": []}, {"no_such": True}])
def test_settings_are_checked(settings: Any, said: dict[str, Any]) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "apps": said}
    with pytest.raises(ImproperlyConfigured, match="apps"):
        default_issuer()


def test_prompt_none_learns_of_the_change(developer: Developer, browser: Browser) -> None:
    app = developer.app()
    flow = Flow(app, browser)
    flow.code(scope="notes:read")
    developer.post(at(app, "change"), **{**ENTERED, "redirect_uris": f"{app.redirect_uris[0]}\n{REDIRECT}"})
    assert answered(flow.authorize(scope="notes:read", prompt="none"))["error"] == "consent_required"


def test_scopes_left_blank_are_those_defaults_that_apps_may_have(
    developer: Developer, apps: Any, settings: Any
) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "default_scopes": ["notes:read", "notes:write"]}
    apps(scopes=["notes:read"])
    assert re.search(r'value="notes:read"[^>]*checked', developer.get(f"{NEW}?kind=web"))
    assert developer.registered(scope=[]).scopes == {"notes:read"}


def test_scopes_are_required_where_apps_may_have_no_default(developer: Developer, apps: Any, settings: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "default_scopes": ["notes:write"]}
    apps(scopes=["notes:read"])
    assert "This field is required." in developer.register(scope=[]).content.decode()
    assert not Client.objects.exists()


def test_a_change_undoes_nothing_that_an_operator_did_meanwhile(
    developer: Developer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, review = developer.app(metadata__software_id="operator"), OwnAppForm.is_valid
    same = {"client_name": app.name, "redirect_uris": app.redirect_uris[0], "scope": ["notes:read"]}

    def overtaken(form: OwnAppForm) -> bool:
        valid = review(form)
        if valid and not Client.objects.get(pk=app.pk).skip_consent:
            row = Client.objects.get(pk=app.pk)
            row.metadata["software_id"], row.skip_consent = "changed", True
            row.save()
        return valid

    monkeypatch.setattr(OwnAppForm, "is_valid", overtaken)
    refused = developer.post(at(app, "change"), **same | {"redirect_uris": "https://elsewhere.example/"})
    assert refused.status_code == 200 and "An operator has to add them" in refused.content.decode()
    developer.post(at(app, "change"), **same)
    app.refresh_from_db()
    assert app.metadata["software_id"] == "changed" and app.redirect_uris == [same["redirect_uris"]]


@pytest.mark.parametrize("page", ["", "change", "secret", "secret/shown", "delete"])
def test_a_number_beyond_every_row_is_unknown(developer: Developer, page: str) -> None:
    assert developer.browser.get(f"{APPS}{10**30}/{page}").status_code == 404
