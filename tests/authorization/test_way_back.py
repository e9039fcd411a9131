"""To another page and back: whatever the length of the request, and wherever the page is."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from html import unescape
from importlib import import_module, reload
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.authorization.way_back import LONGEST_REQUEST, MOST_AT_ONE_BROWSER
from django_oauth_server.models import Authorization, Ticket
from django_oauth_server.models.waiting_request import WaitingRequest
from django_oauth_server.storage import waiting_requests
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
from tests.flow import AUTHORIZE, Flow, answered

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
KEY = "oauth_request_"


def is_consent(response: HttpResponse) -> bool:
    return response.status_code == 200 and 'id="allow"' in response.content.decode()


def way_back(response: HttpResponse, page: str = LOGIN) -> str:
    location = urlsplit(response["Location"])
    assert location.path == page, response["Location"]
    return parse_qs(location.query)["next"][0]


def by_the_form(browser: Browser, user: Any, back: str) -> str:
    """Django's own sign-in page, which drops what it finds too long. Returns where it leads."""
    user.set_password("password")
    user.save()
    answer = browser.post(LOGIN, {"username": user.username, "password": "password", "next": back})
    assert answer.status_code == 302
    return answer["Location"]


def formless(flow: Flow) -> Browser:
    """The same browser, whose forms need no token in tests."""
    flow.browser.handler.enforce_csrf_checks = False
    return flow.browser


@pytest.fixture
def stranger(client_app: Any) -> Flow:
    return Flow(client_app, Browser())


@pytest.fixture(params=[10, 1400, 2000, 7000, 15000])
def state(request: Any) -> str:
    return (secrets.token_urlsafe(request.param) + "=+/ ü")[-request.param :]


def test_a_request_of_any_length_survives_sign_in(stranger: Flow, user: Any, state: str) -> None:
    back = way_back(stranger.authorize(state=state))
    page = stranger.browser.get(by_the_form(stranger.browser, user, back))
    assert answered(stranger.decide(page))["state"] == state


def test_where_somebody_else_was_signed_in_too(flow: Flow, state: str) -> None:
    """Django empties the session then."""
    back = way_back(flow.authorize(state=state, prompt="login", scope="openid"))
    page = flow.browser.get(by_the_form(formless(flow), UserFactory(), back))
    assert answered(flow.decide(page))["state"] == state


def test_not_you_loses_nothing(flow: Flow, state: str) -> None:
    back = way_back(flow.decide(flow.authorize(state=state, method="post"), "switch"))
    assert not flow.browser.session.get("_auth_user_id")
    page = flow.browser.get(by_the_form(formless(flow), UserFactory(), back))
    assert answered(flow.decide(page))["state"] == state


def test_nor_does_a_new_account(stranger: Flow, settings: Any, state: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"account_creation_url": "/accounts/new/"}
    back = way_back(stranger.authorize(state=state, prompt="create"), "/accounts/new/")
    stranger.browser.force_login(UserFactory())
    assert answered(stranger.decide(stranger.browser.get(back)))["state"] == state


def test_nor_does_an_error_that_waits_for_a_sign_in(stranger: Flow, user: Any, state: str) -> None:
    back = way_back(stranger.authorize(state=state, scope="unknown"))
    told = answered(stranger.browser.get(by_the_form(stranger.browser, user, back)))
    assert (told["error"], told["state"]) == ("invalid_scope", state)


def test_choosing_an_account_keeps_a_long_request(flow: Flow, state: str) -> None:
    chosen = flow.decide(flow.authorize(state=state, method="post", prompt="select_account"), "continue")
    assert len(chosen["Location"]) <= 2048
    assert answered(flow.decide(flow.browser.get(chosen["Location"])))["state"] == state


def test_every_address_fits_a_sign_in_page(stranger: Flow, state: str) -> None:
    assert len(way_back(stranger.authorize(state=state))) <= 2048


@pytest.mark.usefixtures("user")
def test_a_session_that_is_all_in_a_cookie_will_do(stranger: Flow, settings: Any, user: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    back = way_back(stranger.authorize(state="s" * 7000))
    assert is_consent(stranger.browser.get(by_the_form(stranger.browser, user, back)))


def test_it_can_be_looked_at_again_until_it_is_too_old(stranger: Flow, user: Any) -> None:
    back = way_back(stranger.authorize(state="s" * 7000))
    stranger.browser.force_login(user)
    assert is_consent(stranger.browser.get(back)) and is_consent(stranger.browser.get(back))
    WaitingRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert stranger.browser.get(back).status_code == 400


def test_nobody_elses_browser_takes_it_up(stranger: Flow, user: Any) -> None:
    back = way_back(stranger.authorize(state="s" * 7000))
    other = Browser()
    other.force_login(user)
    refused = other.get(back)
    assert refused.status_code == 400 and "ssss" not in refused.content.decode()
    stranger.authorize(state="t" * 7000)
    keys = [cookie for name, cookie in stranger.browser.cookies.items() if name.startswith(KEY)]
    assert len(keys) == 2
    for cookie in keys:
        assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == AUTHORIZE


def test_it_waits_at_one_issuer(settings: Any, client_app: Any, user: Any) -> None:
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, settings.OAUTH_SERVER | {"issuer": "https://as.example/second"}]
    reload(import_module("django_oauth_server.urls"))
    settings.ROOT_URLCONF = "django_oauth_server.urls"
    stranger = Flow(client_app, Browser())
    ClientFactory(issuer="https://as.example/second", client_id=client_app.client_id)
    back = way_back(stranger.authorize(state="s" * 7000))
    stranger.browser.force_login(user)
    for name, cookie in list(stranger.browser.cookies.items()):
        stranger.browser.cookies[name] = cookie.value
    assert stranger.browser.get("/second" + back).status_code == 400
    assert is_consent(stranger.browser.get(back))


def test_what_a_client_calls_waiting_is_its_own_affair(flow: Flow) -> None:
    assert is_consent(flow.authorize(waiting="x"))


def test_one_browser_keeps_few_and_the_oldest_go(stranger: Flow, user: Any) -> None:
    backs = [way_back(stranger.authorize(state=f"{number}" + "s" * 7000)) for number in range(MOST_AT_ONE_BROWSER + 3)]
    assert WaitingRequest.objects.count() == MOST_AT_ONE_BROWSER
    held = [name for name, cookie in stranger.browser.cookies.items() if name.startswith(KEY) and cookie.value]
    assert len(held) == MOST_AT_ONE_BROWSER
    stranger.browser.force_login(user)
    assert [stranger.browser.get(back).status_code for back in backs].count(200) == MOST_AT_ONE_BROWSER
    assert is_consent(stranger.browser.get(backs[-1]))


def test_strangers_without_cookies_fill_no_table(client_app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_requests, "MOST", 5)
    for _ in range(12):
        Flow(client_app, Browser()).authorize(state="s" * 7000)
    assert WaitingRequest.objects.count() == 5


def test_a_hint_of_any_length_burdens_no_address(stranger: Flow, user: Any) -> None:
    short = stranger.authorize(login_hint="ada@example.com")["Location"]
    assert parse_qs(urlsplit(short).query)["login_hint"] == ["ada@example.com"]
    long = stranger.authorize(login_hint="h" * 9000)
    assert len(long["Location"]) < 2500
    assert is_consent(stranger.browser.get(by_the_form(stranger.browser, user, way_back(long))))


def test_a_short_request_makes_no_row(stranger: Flow) -> None:
    stranger.authorize()
    assert not WaitingRequest.objects.exists()


# -- what is too long ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_request_that_is_too_long_is_told_so(flow: Flow, method: str) -> None:
    told = answered(flow.authorize(method=method, state="s" * LONGEST_REQUEST))
    assert told["error"] == "invalid_request" and str(LONGEST_REQUEST) in told["error_description"]
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_sent_nowhere_by_it(stranger: Flow, method: str) -> None:
    page = stranger.authorize(method=method, state="s" * LONGEST_REQUEST)
    assert page.status_code == 400 and str(LONGEST_REQUEST) in page.content.decode()
    assert not WaitingRequest.objects.exists()
    silent = stranger.authorize(method=method, state="s" * LONGEST_REQUEST, prompt="none")
    assert answered(silent)["error"] == "invalid_request"


def test_one_person_has_few_pages_open(flow: Flow) -> None:
    pages = [flow.authorize(state=f"{number}") for number in range(25)]
    assert Ticket.objects.filter(kind=Ticket.Kind.INTERACTION).count() == 20
    assert flow.decide(pages[0]).status_code == 400
    assert answered(flow.decide(pages[-1]))["state"] == "24"


def test_another_persons_pages_stay(flow: Flow, client_app: Any) -> None:
    other = Flow(client_app, Browser())
    other.browser.force_login(UserFactory())
    page = other.authorize()
    for _ in range(25):
        flow.authorize()
    assert "code" in answered(other.decide(page))


# -- a sign-in page at another host ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login_url", ["https://sso.example/login", "https://sso.example/login?tenant=a", "//sso.example/"]
)
def test_a_sign_in_page_at_another_host_is_told_an_absolute_way_back(
    stranger: Flow, settings: Any, login_url: str, state: str
) -> None:
    settings.LOGIN_URL = login_url
    back = parse_qs(urlsplit(stranger.authorize(state=state)["Location"]).query)["next"][0]
    assert back.startswith("https://as.example/oauth/authorize?") and len(back) <= 2048


@pytest.mark.parametrize("login_url", ["https://as.example/login", "/login", "login"])
def test_one_at_this_host_is_told_a_path(stranger: Flow, settings: Any, login_url: str) -> None:
    settings.LOGIN_URL = login_url
    assert parse_qs(urlsplit(stranger.authorize()["Location"]).query)["next"][0].startswith("/oauth/authorize?")


def test_so_is_one_for_signing_in_again(flow: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"reauthentication_url": "https://sso.example/again"}
    back = parse_qs(urlsplit(flow.authorize(scope="openid", prompt="login")["Location"]).query)["next"][0]
    assert back.startswith("https://as.example/oauth/authorize?")


# -- a POST of another site -------------------------------------------------------------------------------------------------


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
@pytest.mark.parametrize("params", [{}, {"prompt": "none", "scope": "openid"}, {"scope": "unknown"}])
def test_a_post_without_the_session_cookie_goes_by_get_first(
    stranger: Flow, user: Any, params: dict[str, str], state: str
) -> None:
    AuthorizationFactory(client=stranger.client, user=user)
    hop = stranger.authorize(method="post", state=state, **params)
    assert hop.status_code == 303 and len(hop["Location"]) <= 2048
    assert urlsplit(hop["Location"]).path == AUTHORIZE
    stranger.browser.force_login(user)  # the cookie comes with the GET
    told = answered(stranger.browser.get(hop["Location"]))
    assert told["state"] == state
    assert "code" in told or told["error"] == "invalid_scope"


def test_who_is_a_stranger_by_get_too_signs_in(stranger: Flow, state: str) -> None:
    hop = stranger.authorize(method="post", state=state)
    way_back(stranger.browser.get(hop["Location"]))
    silent = stranger.authorize(method="post", state=state, prompt="none")
    assert answered(stranger.browser.get(silent["Location"]))["error"] == "login_required"


def test_a_post_that_brings_the_session_is_answered_at_once(flow: Flow) -> None:
    assert is_consent(flow.authorize(method="post"))


def test_a_post_in_an_unknown_clients_name_goes_nowhere(stranger: Flow) -> None:
    assert stranger.authorize(method="post", client_id="nobody", state="s" * 7000).status_code == 400
    assert not WaitingRequest.objects.exists()


# -- a page that is too old --------------------------------------------------------------------------------------------------


def too_old(flow: Flow, **params: Any) -> HttpResponse:
    page = flow.authorize(**params)
    Ticket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    return flow.decide(page)


def test_a_page_that_is_too_old_begins_the_request_again(flow: Flow, state: str) -> None:
    page = too_old(flow, state=state, method="post").content.decode()
    again = re.search(r'<a class="button button-main" href="([^"]+)" id="again">', page)
    assert again
    assert answered(flow.decide(flow.browser.get(unescape(again[1]))))["state"] == state


def test_and_leads_to_the_app(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__client_uri="https://client.example/"), browser)
    assert 'href="https://client.example/"' in too_old(flow).content.decode()
    page = flow.authorize()
    Ticket.objects.all().delete()
    swept = flow.decide(page).content.decode()
    assert 'href="https://client.example/"' in swept and 'id="again"' not in swept


def test_so_does_one_whose_form_is_out_of_date(flow: Flow) -> None:
    """Whoever signed in or out in another tab has another CSRF token."""
    page = flow.decide(flow.authorize(state="kept"), csrfmiddlewaretoken="of another session")
    assert page.status_code == 403 and "frame-ancestors" in page["Content-Security-Policy"]
    assert not Authorization.objects.exists()
    again = re.search(r'href="([^"]+)" id="again">', page.content.decode())
    assert again
    assert answered(flow.decide(flow.browser.get(unescape(again[1]))))["state"] == "kept"


def test_of_an_app_that_is_disabled_nothing_is_said(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__client_uri="https://client.example/"), browser)
    page = flow.authorize()
    flow.client.is_active = False
    flow.client.save()
    Ticket.objects.all().delete()
    assert "client.example" not in flow.decide(page).content.decode()


def test_a_long_request_that_is_gone_leads_to_the_app(user: Any) -> None:
    stranger = Flow(ClientFactory(metadata__client_uri="https://client.example/"), Browser())
    back = way_back(stranger.authorize(state="s" * 7000))
    WaitingRequest.objects.all().delete()
    assert 'href="https://client.example/"' in stranger.browser.get(back).content.decode()


# -- in a popup ----------------------------------------------------------------------------------------------------------------


def test_nothing_on_the_way_takes_the_apps_window_away(flow: Flow, stranger: Flow) -> None:
    page = flow.authorize()
    AuthorizationFactory(client=flow.client, user=UserFactory())
    for response in (
        page,
        flow.authorize(client_id="nobody"),
        flow.authorize(scope="unknown"),
        flow.authorize(scope="unknown", response_mode="form_post"),
        flow.authorize(prompt="select_account"),
        flow.decide(page),
        flow.decide(page, "deny"),
        flow.decide(page, interaction="gone"),
        flow.authorize(response_mode="form_post"),
        flow.browser.delete("/oauth/authorize"),
        stranger.authorize(),
        stranger.authorize(method="post"),
        stranger.authorize(prompt="none"),
        flow.decide(page, "switch"),
    ):
        assert response["Cross-Origin-Opener-Policy"] == "unsafe-none", response


def test_other_pages_keep_the_projects_policy(flow: Flow) -> None:
    assert flow.browser.get("/oauth/connected-apps/")["Cross-Origin-Opener-Policy"] == "same-origin"
