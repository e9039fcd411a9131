"""The figure, with sign-in and sign-up by django-allauth; run by tests/e2e/test_allauth.py, in a process that has its settings."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import Client as Browser

from tests.factories import ClientFactory, UserFactory
from tests.flow import Flow, answered
from tests.openid.conftest import read

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow() -> Flow:
    """In a browser in which nobody is signed in, and which checks CSRF tokens."""
    return Flow(ClientFactory(), Browser(enforce_csrf_checks=True))


def submit(flow: Flow, address: str, **fields: str) -> HttpResponse:
    """Fill in the form at *address*, send it where it says, and follow one redirect: what the person sees next."""
    html = flow.browser.get(address).content.decode()
    form = next(one for one in re.findall(r"<form.*?</form>", html, re.S) if "password" in one)
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    action = re.search(r'action="([^"]+)"', form)
    done = flow.browser.post(
        unescape(action[1]) if action else address, {name: unescape(value) for name, value in hidden} | fields
    )
    assert done.status_code == 302, done.content.decode()
    return flow.browser.get(done["Location"])


def finish(flow: Flow, consent: HttpResponse, **params: Any) -> dict[str, Any]:
    """From the consent page to what is known of the token."""
    answer = answered(flow.decide(consent))
    assert answer["state"] == "a b&c"
    return flow.introspect(flow.exchange(answer["code"]).json()["access_token"])


def test_signing_in(flow: Flow) -> None:
    UserFactory(username="ada")
    sign_in = flow.authorize(state="a b&c")["Location"]
    assert sign_in.startswith("/accounts/login/?next=/oauth/authorize")
    consent = submit(flow, sign_in, login="ada", password="password")
    assert "ada" in consent.content.decode()
    assert finish(flow, consent)["username"] == "ada"


def test_signing_up_on_the_way(flow: Flow) -> None:
    sign_in = flow.authorize(state="a b&c")["Location"]
    page = flow.browser.get(sign_in).content.decode()
    sign_up = unescape(re.search(r'href="(/accounts/signup/[?]next=[^"]*)"', page)[1])
    words = "correct horse battery"
    consent = submit(flow, sign_up, username="grace", email="grace@example.org", password1=words, password2=words)
    assert finish(flow, consent)["username"] == "grace"


def test_not_you_leads_through_the_sign_in_page_back_to_the_request(flow: Flow) -> None:
    UserFactory(username="ada")
    UserFactory(username="grace")
    consent = submit(flow, flow.authorize(state="a b&c")["Location"], login="ada", password="password")
    sign_in = flow.decide(consent, "switch")["Location"]
    consent = submit(flow, sign_in, login="grace", password="password")
    assert finish(flow, consent)["username"] == "grace"


def test_a_new_password_ends_what_was_allowed(flow: Flow) -> None:
    UserFactory(username="ada")
    consent = submit(flow, flow.authorize()["Location"], login="ada", password="password")
    bought = flow.exchange(answered(flow.decide(consent))["code"]).json()
    assert flow.is_active(bought["access_token"])
    words = "correct horse battery"
    submit(flow, "/accounts/password/change/", oldpassword="password", password1=words, password2=words)
    assert get_user_model().objects.get().check_password(words)
    assert not flow.is_active(bought["access_token"])


def test_connected_apps_need_a_person_who_is_signed_in(flow: Flow) -> None:
    UserFactory(username="ada")
    sign_in = flow.browser.get("/oauth/connected-apps/")["Location"]
    page = submit(flow, sign_in, login="ada", password="password")
    assert "connected apps" in page.content.decode().lower()


def test_an_openid_request_is_told_when_and_how_and_can_ask_for_it_anew(flow: Flow) -> None:
    UserFactory(username="ada")
    asked = {"scope": "openid", "state": "a b&c"}
    consent = submit(flow, flow.authorize(**asked)["Location"], login="ada", password="password")
    first = read(flow.exchange(answered(flow.decide(consent))["code"]).json()["id_token"])
    assert first["amr"] == ["pwd"]
    again = flow.authorize(**asked, prompt="login")["Location"]
    assert again.startswith("/accounts/reauthenticate/?next=/oauth/authorize")
    answer = submit(flow, again, password="password")
    second = read(flow.exchange(answered(answer)["code"]).json()["id_token"])
    assert second["auth_time"] >= first["auth_time"]
    assert second["sid"] == first["sid"]
