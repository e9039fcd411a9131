"""What a person meets at the page of the code (RFC 8628 sections 3.3, 5.1, 5.3, 5.4)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.conf import Scope
from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.device_request import DeviceRequest
from tests.authorization.prompts import Terms
from tests.device.walk import PAGE, Device, words
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def is_form(response: HttpResponse) -> bool:
    return 'name="user_code"' in response.content.decode()


def is_confirmation(response: HttpResponse) -> bool:
    return response.status_code == 200 and "Does your device show this code?" in response.content.decode()


def is_consent(response: HttpResponse) -> bool:
    return response.status_code == 200 and 'id="allow"' in response.content.decode()


def error_of(response: HttpResponse) -> str:
    """What is told at the field, which says that it is wrong."""
    html = response.content.decode()
    told = re.search(r'<p class="errorlist" id="code-error" role="alert">([^<]*)</p>', html)
    assert told, html
    assert re.search(r'<input[^>]* aria-describedby="code-error code-help" aria-invalid="true"', html)
    return told[1]


class TestTyping:
    """Section 3.3."""

    @pytest.mark.spec("RFC 8628", "3.3")
    def test_who_opens_the_page_signs_in_first(self, device: Device, user: Any) -> None:
        stranger = Browser()
        location = urlsplit(stranger.get(PAGE)["Location"])
        assert (location.path, parse_qs(location.query)["next"]) == (LOGIN, [PAGE])
        stranger.force_login(user)
        page = stranger.get(PAGE)
        assert page.status_code == 200 and is_form(page)
        assert '<label for="user-code">' in page.content.decode() and 'id="user-code"' in page.content.decode()

    @pytest.mark.spec("RFC 8628", "3.3")
    @pytest.mark.parametrize(
        "typed", [str, str.lower, lambda code: code.replace("-", " "), lambda code: code.replace("-", "")]
    )
    def test_the_code_is_typed(self, device: Device, typed: Any) -> None:
        assert is_confirmation(device.type(typed(device.codes()["user_code"])))

    @pytest.mark.spec("RFC 8628", "3.3.1")
    def test_the_code_comes_with_a_link_and_is_to_be_compared_all_the_same(self, device: Device) -> None:
        codes = device.codes()
        link = urlsplit(codes["verification_uri_complete"])
        page = device.browser.get(f"{link.path}?{link.query}")
        assert is_confirmation(page) and codes["user_code"] in page.content.decode()
        assert is_consent(device.follow(device.decide(page, "continue")))

    @pytest.mark.spec("RFC 8628", "3.3.1")
    def test_a_stranger_with_a_link_signs_in_and_is_not_asked_for_the_code(self, device: Device, user: Any) -> None:
        codes, stranger = device.codes(prompt="login", scope="openid"), Browser()
        link = urlsplit(codes["verification_uri_complete"])
        back = parse_qs(urlsplit(stranger.get(f"{link.path}?{link.query}")["Location"]).query)["next"][0]
        user.set_password("password")
        user.save()
        signed_in = stranger.post(LOGIN, {"username": user.username, "password": "password", "next": back})
        page = stranger.get(signed_in["Location"])
        assert is_confirmation(page)
        walk = Device(device.client, stranger)
        assert is_consent(walk.follow(walk.decide(page, "continue"))), "signing in just now was the sign-in asked for"

    def test_what_was_typed_by_who_is_signed_out_meanwhile_is_not_lost(self, device: Device, user: Any) -> None:
        code, browser = device.codes()["user_code"], Browser()
        back = parse_qs(urlsplit(Device(device.client, browser).type(code)["Location"]).query)["next"][0]
        browser.force_login(user)
        assert is_confirmation(browser.get(back))

    @pytest.mark.spec("RFC 8628", "3.3")
    @pytest.mark.parametrize("typed", ["BBBB-BBBB", "nonsense", "", "x" * 1000])
    def test_a_wrong_code_is_told_at_its_field(self, device: Device, typed: str) -> None:
        device.codes()
        page = device.type(typed)
        assert "isn&#x27;t right" in error_of(page) and is_form(page)
        assert "<title>Error:" in page.content.decode()

    def test_what_was_typed_stays_in_the_field_and_is_no_markup(self, device: Device) -> None:
        page = device.type('"><script>').content.decode()
        assert "<script>" not in page and 'value="&quot;&gt;&lt;script&gt;"' in page

    @pytest.mark.spec("RFC 8628", "3.3")
    def test_a_code_that_has_expired(self, device: Device) -> None:
        code = device.codes()["user_code"]
        DeviceRequest.objects.update(expires_at=timezone.now())
        assert "has expired" in error_of(device.type(code))

    @pytest.mark.spec("RFC 8628", "3.3")
    @pytest.mark.parametrize("decision", ["allow", "deny"])
    def test_a_code_that_was_used(self, device: Device, decision: str) -> None:
        code = device.codes()["user_code"]
        device.decide(device.confirm(code), decision)
        assert "has already been used" in error_of(device.type(code))

    def test_nothing_of_the_page_is_stored_or_framed_and_only_our_own_scripts_run(self, device: Device) -> None:
        typing, comparing = device.browser.get(PAGE), device.type(device.codes()["user_code"])
        for page in (typing, comparing):
            assert page["Cache-Control"] == "no-store" and page["X-Frame-Options"] == "DENY"
        assert "script-src" not in typing["Content-Security-Policy"]
        assert re.findall(r"script-src ([^;]*)", comparing["Content-Security-Policy"]) == ["'self'"]


class TestConfirming:
    """Sections 3.3.1, 5.3 and 5.4."""

    @pytest.mark.spec("RFC 8628", "5.4")
    def test_it_says_who_asks_and_warns(self, device: Device) -> None:
        codes = device.codes()
        page = words(device.type(codes["user_code"]))
        for told in (
            "Notebook",
            codes["user_code"],
            "TV or streaming device",
            "Requested Just now",
            "Same as yours",
        ):
            assert told in page.replace("\xa0", " "), told
        assert "If someone sent you this code or read it to you over the phone" in page

    @pytest.mark.spec("RFC 8628", "5.4")
    def test_it_says_that_the_device_is_elsewhere(self, device: Device) -> None:
        code = device.codes()["user_code"]
        DeviceRequest.objects.update(request=DeviceRequest.objects.get().request | {"address": "203.0.113.9"})
        page = words(device.type(code))
        assert "Different from yours" in page and "203.0.113.9" in page

    @pytest.mark.parametrize(
        ("user_agent", "kind"),
        [
            ("Mozilla/5.0 (Web0S; Linux/SmartTV)", "TV or streaming device"),
            ("Mozilla/5.0 (PlayStation 5)", "Game console"),
            ("curl/8.5.0", "Program or script"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Computer"),
            ("<script>", ""),
            ("", ""),
        ],
    )
    def test_the_kind_of_device_is_what_it_says_itself(self, device: Device, user_agent: str, kind: str) -> None:
        code = device.codes()["user_code"]
        DeviceRequest.objects.update(request=DeviceRequest.objects.get().request | {"user_agent": user_agent})
        page = device.type(code)
        assert ("Device type" in page.content.decode()) is bool(kind)
        assert kind in words(page) and "<script>" not in page.content.decode()

    @pytest.mark.spec("RFC 8628", "5.4")
    def test_no_link_skips_it(self, device: Device) -> None:
        """What one person has confirmed counts for nobody whom they send the address to."""
        codes = device.codes()
        back = device.decide(device.type(codes["user_code"]), "continue")["Location"]
        victim = Browser()
        victim.force_login(UserFactory())
        assert is_confirmation(victim.get(back))

    def test_not_you(self, device: Device) -> None:
        code = device.codes()["user_code"]
        location = device.decide(device.type(code), "switch")["Location"]
        assert urlsplit(location).path == LOGIN
        device.browser.force_login(UserFactory())
        assert is_confirmation(device.browser.get(parse_qs(urlsplit(location).query)["next"][0]))


class TestConsent:
    """The usual questions."""

    @pytest.mark.spec("RFC 8628", "5.6")
    def test_it_says_where_access_goes_and_that_nothing_proves_the_app(self, device: Device) -> None:
        codes = device.codes()
        page = words(device.confirm(codes["user_code"]))
        assert f"Access goes to the device that shows {codes['user_code']}" in page.replace(
            "\N{NON-BREAKING HYPHEN}", "-"
        )
        assert (
            "This app can't prove who it is" in page and "Another device or program could use this app's name" in page
        )
        assert "You'll be sent back to" not in page

    @pytest.mark.spec("RFC 8628", "5.6")
    def test_a_public_client_is_allowed_nothing_without_consent(self, device: Device) -> None:
        for _ in range(2):
            assert is_consent(device.confirm(device.codes()["user_code"]))
            device.allow(device.codes()["user_code"])

    def test_a_confidential_one_is_remembered(self, confidential: Device) -> None:
        confidential.allow(confidential.codes()["user_code"])
        codes = confidential.codes()
        assert "Go back to your device" in words(confidential.confirm(codes["user_code"]))
        assert confidential.poll(codes["device_code"]).status_code == 200

    def test_what_the_person_clears_the_device_does_not_get(self, device: Device, settings: Any) -> None:
        scopes = {"notes:read": "see your notes", "notes:write": Scope("write notes", optional=True)}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes, "default_scopes": []}
        codes = device.codes()
        device.decide(device.confirm(codes["user_code"]), scope=[])
        assert device.poll(codes["device_code"]).json()["scope"] == "notes:read"

    def test_it_is_among_the_connected_apps(self, device: Device) -> None:
        done = device.allow(device.codes()["user_code"])
        assert 'href="/oauth/connected-apps/"' in done.content.decode()
        assert "Notebook" in words(device.browser.get("/oauth/connected-apps/"))

    @pytest.mark.spec("RFC 8628", "3.3")
    def test_a_code_that_expires_while_the_person_thinks(self, device: Device) -> None:
        codes = device.codes()
        page = device.confirm(codes["user_code"])
        DeviceRequest.objects.update(expires_at=timezone.now())
        assert "has expired" in error_of(device.decide(page))
        assert not Authorization.objects.exists()
        assert device.error(codes["device_code"]) == "expired_token"

    @pytest.mark.parametrize("first", ["allow", "deny"])
    @pytest.mark.parametrize("second", ["allow", "deny"])
    def test_the_first_answer_counts_and_is_told_again(self, device: Device, first: str, second: str) -> None:
        codes = device.codes()
        page, other = device.confirm(codes["user_code"]), device.confirm(codes["user_code"])
        told = "Go back to your device" if first == "allow" else "no access to your account"
        for answer in (device.decide(page, first), device.decide(page, first), device.decide(other, second)):
            assert told in words(answer)
        assert device.poll(codes["device_code"]).status_code == (200 if first == "allow" else 400)

    def test_somebody_else_is_told_that_the_code_was_used(self, device: Device) -> None:
        codes, browser = device.codes(), Browser(enforce_csrf_checks=True)
        browser.force_login(UserFactory())
        other = Device(device.client, browser)
        page = other.confirm(codes["user_code"])
        device.allow(codes["user_code"])
        for decision in ("allow", "deny"):
            assert "has already been used" in error_of(other.decide(page, decision))
        assert Authorization.objects.count() == 1

    def test_a_request_that_is_gone(self, device: Device) -> None:
        page = device.confirm(device.codes()["user_code"])
        DeviceRequest.objects.all().delete()
        gone = device.decide(page)
        assert "This request has expired" in gone.content.decode()

    def test_who_denied_may_type_another_code(self, device: Device) -> None:
        denied = device.decide(device.type(device.codes()["user_code"]), "deny").content.decode()
        assert f'href="{PAGE}"' in denied and "connected-apps" not in denied

    @pytest.mark.parametrize("change", [{"is_active": False}, {"metadata": {"grant_types": []}}])
    def test_a_client_that_may_not_any_more(self, device: Device, change: dict[str, Any]) -> None:
        codes = device.codes()
        page = device.confirm(codes["user_code"])
        if "metadata" in change:
            change = {"metadata": device.client.metadata | change["metadata"]}
        Client.objects.update(**change)
        assert "invalid request" in words(device.decide(page))
        assert not Authorization.objects.exists()

    def test_a_page_of_another_site_changes_nothing(self, device: Device) -> None:
        codes = device.codes()
        page = device.confirm(codes["user_code"])
        handle = re.search(r'name="interaction" value="([^"]*)"', page.content.decode())
        assert handle
        forged = device.browser.post("/oauth/authorize/decision", {"interaction": handle[1], "decision": "allow"})
        assert forged.status_code == 403
        assert device.error(codes["device_code"]) == "authorization_pending"

    def test_a_prompt_of_the_deployments_own(self, device: Device, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": ["tests.authorization.prompts.Terms"]}
        codes = device.codes()
        terms = device.confirm(codes["user_code"])
        assert Terms.__name__ in words(terms)
        consent = device.follow(device.decide(terms, "continue"))
        device.decide(consent)
        assert device.poll(codes["device_code"]).status_code == 200

    @pytest.mark.parametrize("params", [{"prompt": "select_account"}, {"max_age": 0}, {"prompt": "login"}])
    def test_what_else_a_client_may_ask_for(self, device: Device, params: dict[str, Any]) -> None:
        page = device.decide(device.type(device.codes(scope="openid", **params)["user_code"]), "continue")
        asked = device.follow(page)
        assert not is_consent(asked)
        assert "Which account" in words(asked) or urlsplit(asked["Location"]).path == LOGIN


class TestGuesses:
    """Section 5.1."""

    @pytest.fixture(autouse=True)
    def _limits(self, settings: Any) -> None:
        limits = {"device_code": "3/h", "device_code_by_session": "4/h", "device_code_by_address": "5/h"}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": limits}

    def guess(self, device: Device, times: int) -> list[int]:
        return [device.type("BBBB-BBBB").status_code for _ in range(times)]

    @pytest.mark.spec("RFC 8628", "5.1")
    def test_beyond_the_limit_no_code_is_looked_at(self, device: Device) -> None:
        code = device.codes()["user_code"]
        assert self.guess(device, 4) == [200, 200, 200, 429]
        held = device.type(code)
        assert held.status_code == 429 and int(held["Retry-After"]) > 0
        assert "Too many wrong codes" in error_of(held)
        assert device.browser.get(f"{PAGE}?user_code={code}").status_code == 429

    @pytest.mark.spec("RFC 8628", "5.1")
    def test_an_account_is_counted_in_all_its_sessions(self, device: Device, user: Any) -> None:
        self.guess(device, 4)
        other = Browser()
        other.force_login(user)
        assert self.guess(Device(device.client, other), 1) == [429]

    @pytest.mark.spec("RFC 8628", "5.1")
    def test_an_address_is_counted_for_all_accounts(self, device: Device) -> None:
        self.guess(device, 3)
        other = Browser()
        other.force_login(UserFactory())
        assert self.guess(Device(device.client, other), 3) == [200, 200, 429]

    @pytest.mark.spec("RFC 8628", "5.1")
    def test_right_codes_are_not_counted(self, device: Device) -> None:
        for _ in range(6):
            assert is_confirmation(device.type(device.codes()["user_code"]))

    @pytest.mark.spec("RFC 8628", "5.1")
    def test_an_account_that_is_held_back_holds_nobody_else_back(self, device: Device) -> None:
        assert self.guess(device, 20)[-1] == 429
        other = Browser()
        other.force_login(UserFactory())
        assert self.guess(Device(device.client, other), 1) == [200]

    def test_what_could_be_no_code_is_no_guess(self, device: Device) -> None:
        """Nor is one that was right, and is so no more: the page is opened again, or somebody takes their time."""
        used, late = device.codes(), device.codes()
        device.allow(used["user_code"])
        DeviceRequest.objects.filter(decided_at=None).update(expires_at=timezone.now())
        for _ in range(6):
            for typed, told in (
                ("BBBB", "isn&#x27;t right"),
                (used["user_code"], "used"),
                (late["user_code"], "expired"),
            ):
                assert told in error_of(device.type(typed))
        assert self.guess(device, 1) == [200]

    @pytest.mark.spec("RFC 8628", "5.1")
    def test_a_stranger_finds_nothing_out(self, device: Device) -> None:
        codes, stranger = device.codes(), Browser()
        for code in (codes["user_code"], "BBBB-BBBB"):
            assert urlsplit(stranger.get(f"{PAGE}?user_code={code}")["Location"]).path == LOGIN
