"""Steps (A) and (B): what a person is asked, and what becomes of the answer."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser
from django.test import override_settings
from django.utils.translation import gettext_lazy

from django_oauth_server.conf import OPENID_SCOPES, Scope
from django_oauth_server.conf.loader import load
from django_oauth_server.models import Authorization, Ticket
from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, answered
from tests.settings import OAUTH_SERVER

pytestmark = pytest.mark.django_db


def test_nobody_signed_in_is_sent_to_sign_in_and_back(client_app: object) -> None:
    flow = Flow(client_app, Browser())
    response = flow.authorize(state="a b")
    assert response.status_code == 303
    assert response["Location"].startswith("/accounts/login/?next=/oauth/authorize%3F")
    assert "a%2Bb" in response["Location"]


def test_prompt_none_is_told_that_nobody_is_signed_in(client_app: object) -> None:
    assert answered(Flow(client_app, Browser()).authorize(prompt="none"))["error"] == "login_required"


def test_allow_records_who_allowed_what_to_whom(flow: Flow, user: object) -> None:
    flow.code(scope="notes:read")
    authorization = Authorization.objects.get()
    assert (authorization.user, authorization.client, authorization.scope) == (user, flow.client, "notes:read")


def test_deny_tells_the_client_and_records_nothing(flow: Flow) -> None:
    response = answered(flow.decide(flow.authorize(), "deny"))
    assert response["error"] == "access_denied"
    assert response["state"] == "xyz"
    assert not Authorization.objects.exists()


def test_what_was_allowed_is_not_asked_again(flow: Flow) -> None:
    flow.code()
    assert "code" in answered(flow.authorize())
    assert "code" in answered(flow.authorize(scope="notes:read", prompt="none"))


def asked(page: Any) -> tuple[str, str]:
    """What is new, and what was allowed before."""
    listed = page.content.decode().partition("will also be able to")[2]
    new, _, known = listed.partition('<details id="known">')
    return new, known.partition("</details>")[0]


def test_a_wider_request_asks_again_and_says_what_is_new_and_what_the_app_has(flow: Flow) -> None:
    flow.code(scope="notes:read")
    new, known = asked(flow.authorize(scope="notes:read notes:write"))
    assert "Write and delete your notes" in new and "See your notes" not in new
    assert "See your notes" in known and "1 permission you have already allowed" in known


def test_asking_again_for_the_same_says_that_it_is_nothing_new(flow: Flow) -> None:
    flow.code(scope="notes:read")
    page = flow.authorize(scope="notes:read", prompt="consent").content.decode()
    assert "You have already allowed this app to" in page and "See your notes" in page
    assert 'id="known"' not in page


def test_a_scope_is_new_also_where_a_claim_of_its_name_was_allowed(flow: Flow) -> None:
    flow.code(scope="openid", claims='{"userinfo": {"profile": null}}')
    new, known = asked(flow.authorize(scope="openid profile"))
    assert str(OPENID_SCOPES["profile"].description).capitalize() in new and known


def test_a_wider_consent_widens_the_one_record(flow: Flow) -> None:
    flow.code(scope="notes:read")
    flow.code(scope="notes:write")
    assert Authorization.objects.get().scope == "notes:read notes:write"


def test_another_resource_asks_again(flow: Flow) -> None:
    flow.code(resource="https://api.example/notes")
    page = flow.authorize(resource="https://api.example/mail")
    assert "Mail API" in page.content.decode()


def test_prompt_consent_asks_always(flow: Flow) -> None:
    flow.code()
    assert 'id="allow"' in flow.authorize(prompt="consent").content.decode()


@pytest.mark.spec("OAuth 2.1", "7.3.1")
@pytest.mark.parametrize("redirect_uri", ["http://127.0.0.1/cb", "http://localhost:8000/cb", "com.example.app:/cb"])
def test_a_client_whose_identity_nothing_proves_asks_each_time(browser: Browser, redirect_uri: str) -> None:
    flow = Flow(ClientFactory(public=True, skip_consent=True, metadata__redirect_uris=[redirect_uri]), browser)
    flow.code()
    assert flow.authorize().status_code == 200
    assert answered(flow.authorize(prompt="none"))["error"] == "consent_required"


def test_a_public_client_with_an_https_address_is_remembered(browser: Browser) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    flow.code()
    assert "code" in answered(flow.authorize())


def test_a_first_party_client_asks_nobody(browser: Browser) -> None:
    flow = Flow(ClientFactory(skip_consent=True), browser)
    assert "code" in answered(flow.authorize())
    assert Authorization.objects.count() == 1


def test_pressing_allow_twice_gives_two_good_codes_and_one_authorization(flow: Flow) -> None:
    page = flow.authorize()
    first, second = (answered(flow.decide(page))["code"] for _ in range(2))
    assert Authorization.objects.count() == 1
    assert flow.exchange(second).status_code == 200
    assert flow.exchange(first).status_code == 200


def test_back_and_allow_after_deny_works(flow: Flow) -> None:
    page = flow.authorize()
    flow.decide(page, "deny")
    assert "code" in answered(flow.decide(page))


def test_an_answer_without_a_decision_asks_again(flow: Flow) -> None:
    response = flow.decide(flow.authorize(), "perhaps")
    assert response["Location"].startswith("/oauth/authorize?")


def test_not_you_signs_out_and_leads_back_here(flow: Flow) -> None:
    response = flow.decide(flow.authorize(), "switch")
    assert response["Location"].startswith("/accounts/login/?next=/oauth/authorize%3F")
    assert "_auth_user_id" not in flow.browser.session
    assert not Authorization.objects.exists()


def test_another_persons_page_is_asked_anew(flow: Flow) -> None:
    page = flow.authorize()
    flow.browser.force_login(UserFactory())
    flow.browser.cookies["csrftoken"] = page.wsgi_request.META["CSRF_COOKIE"]
    response = flow.decide(page)
    assert response["Location"].startswith("/oauth/authorize?")
    assert not Authorization.objects.exists()


def test_an_old_page_says_so(flow: Flow) -> None:
    page = flow.authorize()
    Ticket.objects.update(expires_at=Ticket.objects.get().created_at)
    response = flow.decide(page)
    assert response.status_code == 400
    assert "This request has expired" in response.content.decode()


@pytest.mark.parametrize("handle", ["", "nonsense", "oas_in_" + "x" * 5000, "ü", "\x00"])
def test_a_made_up_handle_says_the_page_is_too_old(flow: Flow, handle: str) -> None:
    assert flow.decide(flow.authorize(), interaction=handle).status_code == 400


def test_the_answer_needs_a_csrf_token(flow: Flow) -> None:
    page = flow.authorize()
    assert flow.decide(page, csrfmiddlewaretoken="wrong").status_code == 403
    assert not Authorization.objects.exists()


@pytest.mark.spec("OAuth 2.1", "7.11")
def test_a_project_without_the_csrf_middleware_is_protected_too(flow: Flow, settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    page = flow.authorize()
    assert flow.decide(page, csrfmiddlewaretoken="x").status_code == 403
    assert "code" in answered(flow.decide(flow.authorize(scope="notes:read")))
    assert "code" in answered(flow.decide(page)), "an older tab is good as well"


def test_no_page_can_be_framed(flow: Flow) -> None:
    for page in (flow.authorize(), flow.authorize(client_id="nobody")):
        assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
        assert page["X-Frame-Options"] == "DENY"


def test_a_scope_that_the_person_cleared_is_not_granted() -> None:
    scopes = {"notes:read": "see your notes", "notes:write": Scope("write notes", optional=True)}
    with override_settings(OAUTH_SERVER=OAUTH_SERVER | {"scopes": scopes}):
        browser = Browser()
        browser.force_login(UserFactory())
        flow = Flow(ClientFactory(), browser)
        code = answered(flow.decide(flow.authorize(), scope=[]))["code"]
        assert flow.exchange(code).json()["scope"] == "notes:read"


MAIL, NOTES = "https://api.example/mail", "https://api.example/notes"
MANY = {
    "openid": "know that it is you",
    **{f"mail:{n}": Scope(f"use mail {n}", resource=MAIL, sensitive=n == 6) for n in range(7)},
    **{f"notes:{n}": Scope(f"use notes {n}", resource=NOTES, sensitive=n == 1) for n in range(3)},
}
IN_ORDER = ["notes 1", "mail 6", "notes 0", "notes 2", *(f"mail {n}" for n in range(6))]


def of_many(user: object) -> Flow:
    browser = Browser()
    browser.force_login(user)
    return Flow(ClientFactory(metadata__scope=" ".join(MANY)), browser)


@override_settings(OAUTH_SERVER=OAUTH_SERVER | {"scopes": MANY, "default_scopes": []})
def test_what_is_sensitive_stands_before_all_resources_and_a_long_group_is_folded(user: object) -> None:
    flow = of_many(user)
    page = flow.authorize(scope=" ".join(sorted(MANY, reverse=True))).content.decode()
    assert re.findall(r"Use (\w+ \d)", page) == IN_ORDER
    assert page.index("Use mail 6") < page.index("Know that it is you") < page.index("Use notes 0")
    assert re.findall(r"<h3[^>]*><bdi>(.*?)</bdi>", page) == ["Notes API", "Mail API"]
    assert page.index("Use mail 4") < page.index("1 more") < page.index("Use mail 5")


@override_settings(OAUTH_SERVER=OAUTH_SERVER | {"scopes": MANY, "default_scopes": []})
def test_connected_apps_list_in_the_order_of_consent(user: object) -> None:
    flow = of_many(user)
    flow.code(scope=" ".join(MANY))
    page = flow.browser.get("/oauth/connected-apps/").content.decode()
    assert re.findall(r"Use (\w+ \d)", page) == IN_ORDER


def test_a_changed_password_asks_again(flow: Flow, user: object) -> None:
    flow.code()
    user.set_password("another")
    user.save()
    flow.browser.force_login(user)
    flow.code()
    assert Authorization.objects.filter(is_live=True).count() == 1
    assert Authorization.objects.count() == 2


@pytest.mark.spec("OAuth 2.1", "4.1.2")
def test_a_code_lives_a_minute(flow: Flow) -> None:
    flow.code()
    ticket = Ticket.objects.get(kind=Ticket.Kind.AUTHORIZATION_CODE)
    assert ticket.expires_at - ticket.created_at == timedelta(seconds=60)


@pytest.mark.parametrize("words", [gettext_lazy("read the diary"), Scope(gettext_lazy("read the diary"))])
def test_words_that_are_marked_for_translation_are_shown(flow, settings, words):
    flow.client.metadata["scope"] = "notes:read"
    flow.client.save()
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "scopes": {"notes:read": words},
        "resources": {"https://api.example/diary": gettext_lazy("The diary")},
        "default_scopes": [],
    }
    page = flow.authorize(scope="notes:read", resource="https://api.example/diary").content.decode()
    assert "Read the diary" in page and "The diary" in page


@pytest.mark.parametrize("member", ["scopes", "resources"])
@pytest.mark.parametrize("words", [None, 3, {"description": "read"}])
def test_what_has_no_words_stops_the_start(settings, member, words):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {member: {"https://api.example/": words}, "default_scopes": []}
    with pytest.raises(
        ImproperlyConfigured, match=f"{member} must be a dict, in which .* is a (Scope|Resource) or a string"
    ):
        load()


def test_names_without_words_stop_the_start(settings):
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": ["notes:read"]}
    with pytest.raises(ImproperlyConfigured, match="scopes must be a dict"):
        load()


def test_a_page_that_was_open_before_an_upgrade_is_answered_after_it(flow: Flow) -> None:
    page = flow.authorize()
    ticket = Ticket.objects.get(kind=Ticket.Kind.INTERACTION)
    del ticket.payload["channel"]
    ticket.save()
    assert "code" in answered(flow.decide(page))
