"""The reference at the authorization endpoint (RFC 9126 section 4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.models import Authorization, Client, Ticket
from django_oauth_server.models.pushed_request import PushedRequest
from django_oauth_server.protocol.pkce import challenge_of
from tests.clients.directory import described
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
from tests.flow import AUTHORIZE, VERIFIER, answered, form
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db


def is_dead(response: HttpResponse) -> bool:
    """Whether the person is told to begin again at the app, which is told nothing."""
    return response.status_code == 400 and "expired or has already been answered" in response.content.decode()


def let_pass(**fields: Any) -> None:
    """The time of every reference is over for whoever comes new."""
    PushedRequest.objects.update(**({"usable_until": timezone.now()} | fields))


@pytest.mark.requirement(50, 51)
@pytest.mark.spec("RFC 9126", "4")
def test_client_and_reference_are_enough(pushing: Pushing) -> None:
    answer = pushing.done(pushing.reference())
    assert (answer["state"], answer["iss"]) == ("xyz", "https://as.example")
    assert pushing.exchange(answer["code"]).json()["scope"] == "notes:read notes:write"


@pytest.mark.spec("RFC 9126", "4")
def test_a_public_client_goes_all_the_way(public: Pushing) -> None:
    code = public.done(public.reference())["code"]
    assert public.exchange(code, code_verifier=VERIFIER).status_code == 200


@pytest.mark.requirement(51)
@pytest.mark.spec("RFC 9126", "4")
@pytest.mark.parametrize(
    "more",
    [
        {"state": "other", "scope": "notes:read", "redirect_uri": "https://evil.example/", "response_type": "token"},
        {"prompt": "none", "response_mode": "form_post"},
        {"code_challenge": "x" * 43, "nonce": "n", "resource": "https://unknown.example"},
    ],
)
def test_beside_them_nothing_is_read(pushing: Pushing, more: dict[str, str]) -> None:
    answer = pushing.done(pushing.reference(), **more)
    assert answer["state"] == "xyz"
    assert pushing.exchange(answer["code"]).json()["scope"] == "notes:read notes:write"


@pytest.mark.spec("RFC 9126", "4")
@pytest.mark.parametrize("client_id", [None, "nobody"])
def test_without_the_client_it_leads_nowhere(pushing: Pushing, client_id: str | None) -> None:
    response = pushing.go(pushing.reference(), client_id=client_id)
    assert response.status_code == 400
    assert "Location" not in response
    assert PushedRequest.objects.exists()


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "2.2", "7.3")
def test_it_is_its_clients_alone(pushing: Pushing) -> None:
    reference = pushing.reference()
    response = pushing.go(reference, client_id=ClientFactory().client_id)
    assert response.status_code == 400
    assert "Location" not in response
    assert pushing.done(reference)["state"] == "xyz"


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "4", "7.3")
def test_it_is_good_for_one_answer(pushing: Pushing) -> None:
    reference = pushing.reference()
    page = pushing.go(reference)
    assert "code" in answered(pushing.decide(page))
    assert is_dead(pushing.go(reference))
    assert is_dead(pushing.decide(page))
    assert is_dead(pushing.decide(page, "deny"))
    assert Ticket.objects.filter(kind=Ticket.Kind.AUTHORIZATION_CODE).count() == 1


@pytest.mark.spec("RFC 9126", "4")
def test_of_two_pages_of_one_reference_one_is_answered(pushing: Pushing) -> None:
    reference = pushing.reference()
    one, other = pushing.go(reference), pushing.go(reference)
    assert "code" in answered(pushing.decide(other))
    assert is_dead(pushing.decide(one))


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "4")
def test_a_denial_is_an_answer(pushing: Pushing) -> None:
    reference = pushing.reference()
    assert answered(pushing.decide(pushing.go(reference), "deny")) == {
        "error": "access_denied",
        "error_description": "The person denied access.",
        "state": "xyz",
        "iss": "https://as.example",
    }
    assert is_dead(pushing.go(reference))


@pytest.mark.spec("RFC 9126", "4")
def test_an_error_that_is_sent_back_is_an_answer(pushing: Pushing) -> None:
    reference = pushing.reference(prompt="none")
    assert answered(pushing.go(reference))["error"] == "consent_required"
    assert is_dead(pushing.go(reference))


def test_an_answer_that_the_server_was_too_busy_to_give_leaves_it_good(
    pushing: Pushing, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = pushing.go(pushing.reference())
    with monkeypatch.context() as busy:
        busy.setattr("django_oauth_server.authorization.answer.record_consent", _too_busy)
        assert answered(pushing.decide(page))["error"] == "temporarily_unavailable"
    let_pass()
    assert "code" in answered(pushing.decide(page))


def _too_busy(*args: Any, **more: Any) -> None:
    raise TemporarilyUnavailable("Try again in a moment.")


@pytest.mark.spec("RFC 9126", "4")
def test_what_the_person_allowed_before_is_answered_at_once(pushing: Pushing, user: Any) -> None:
    AuthorizationFactory(client=pushing.client, user=user)
    reference = pushing.reference(prompt="none")
    assert "code" in answered(pushing.go(reference))
    assert is_dead(pushing.go(reference))


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "4")
def test_it_is_dead_after_its_time_for_who_comes_new(pushing: Pushing) -> None:
    reference = pushing.reference()
    let_pass()
    assert is_dead(pushing.go(reference))
    assert is_dead(pushing.go(reference, turn="x"))


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "4")
def test_reload_and_back_work_and_a_person_may_take_longer(pushing: Pushing) -> None:
    reference = pushing.reference()
    first = pushing.go(reference)
    let_pass()
    again = pushing.go(reference)
    assert (first.status_code, again.status_code) == (200, 200)
    assert "code" in answered(pushing.decide(first))
    assert is_dead(pushing.decide(again))
    assert is_dead(pushing.go(reference))


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "4", "7.3")
def test_that_one_browser_came_in_time_counts_for_no_other(pushing: Pushing, user: Any) -> None:
    reference = pushing.reference()
    pushing.go(reference)
    let_pass()
    other = Browser()
    assert is_dead(pushing.go(reference, browser=other))
    other.force_login(user)
    assert is_dead(pushing.go(reference, browser=other))
    other.cookies["oauth_request_" + "0" * 24] = "0" * 64
    assert is_dead(pushing.go(reference, browser=other))
    assert pushing.go(reference).status_code == 200


@pytest.mark.spec("RFC 9126", "4")
def test_nor_for_another_reference(pushing: Pushing) -> None:
    pushing.go(pushing.reference())
    other = pushing.reference()
    let_pass()
    assert is_dead(pushing.go(other))


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_signing_in_again_because_the_request_says_so_takes_as_long_as_it_takes(pushing: Pushing, user: Any) -> None:
    to_sign_in = pushing.go(pushing.reference(prompt="login"))["Location"]
    let_pass()
    pushing.browser.force_login(user)
    page = pushing.browser.get(parse_qs(urlsplit(to_sign_in).query)["next"][0])
    assert "code" in answered(pushing.decide(page))


@pytest.mark.spec("RFC 9126", "4")
def test_nobody_takes_longer_than_an_interaction(pushing: Pushing) -> None:
    page = pushing.go(pushing.reference())
    let_pass(expires_at=timezone.now())
    assert is_dead(pushing.decide(page))


@pytest.mark.requirement(50)
@pytest.mark.spec("RFC 9126", "4")
def test_signing_in_in_between_works_and_may_take_longer(pushing: Pushing, user: Any) -> None:
    stranger = Browser(enforce_csrf_checks=True)
    to_sign_in = pushing.go(pushing.reference(), browser=stranger)["Location"]
    assert to_sign_in.startswith("/accounts/login/")
    back = parse_qs(urlsplit(to_sign_in).query)["next"][0]
    assert set(parse_qs(urlsplit(back).query)) == {"client_id", "request_uri"}
    let_pass()
    stranger.force_login(user)
    assert "code" in answered(Pushing(pushing.client, stranger).decide(stranger.get(back)))


def test_choosing_another_account_keeps_the_request(pushing: Pushing) -> None:
    page = pushing.go(pushing.reference())
    back = parse_qs(urlsplit(pushing.decide(page, "switch")["Location"]).query)["next"][0]
    let_pass()
    pushing.browser.force_login(UserFactory())
    assert "code" in answered(pushing.decide(pushing.browser.get(back)))


def test_the_sign_in_page_is_told_then_too_whom_the_client_expects(pushing: Pushing) -> None:
    page = pushing.go(pushing.reference(login_hint="joe@client.example"))
    to_sign_in = urlsplit(pushing.decide(page, "switch")["Location"])
    assert parse_qs(to_sign_in.query)["login_hint"] == ["joe@client.example"]


def test_a_form_that_leads_here_works(pushing: Pushing) -> None:
    query = form({"client_id": pushing.client.client_id, "request_uri": pushing.reference()})
    response = pushing.browser.post(AUTHORIZE, query, content_type="application/x-www-form-urlencoded")
    assert "code" in answered(pushing.decide(response))


@pytest.mark.spec("RFC 9126", "7.5")
def test_a_reference_that_was_swapped_for_another_gets_a_code_that_its_client_cannot_use(pushing: Pushing) -> None:
    swapped = pushing.reference(code_challenge=challenge_of("another" * 7))
    code = pushing.done(swapped)["code"]
    assert pushing.exchange(code).json()["error"] == "invalid_grant"


@pytest.mark.spec("RFC 9126", "4", "7.4")
def test_what_changed_since_it_was_pushed_is_judged_anew(pushing: Pushing) -> None:
    reference = pushing.reference()
    pushing.client.metadata["redirect_uris"] = ["https://client.example/other"]
    pushing.client.save()
    response = pushing.go(reference)
    assert response.status_code == 400
    assert "Location" not in response


@pytest.mark.spec("RFC 9126", "7.4")
def test_scopes_that_the_client_may_no_longer_have_are_refused(pushing: Pushing) -> None:
    reference = pushing.reference()
    pushing.client.metadata["scope"] = "notes:read"
    pushing.client.save()
    assert answered(pushing.go(reference))["error"] == "invalid_scope"


def test_a_disabled_client_is_not_served(pushing: Pushing) -> None:
    reference = pushing.reference()
    pushing.client.is_active = False
    pushing.client.save()
    assert pushing.go(reference).status_code == 400


def test_the_scopes_are_those_of_the_time_of_the_push(pushing: Pushing, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ("notes:read",)}
    reference = pushing.reference(scope=None)
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ("notes:read", "notes:write")}
    assert pushing.exchange(pushing.done(reference)["code"]).json()["scope"] == "notes:read"


@pytest.mark.spec("RFC 9126", "4")
@pytest.mark.parametrize(
    "reference",
    [
        "urn:ietf:params:oauth:request_uri:unknown",
        "urn:ietf:params:oauth:request_uri:",
        "urn:ietf:params:oauth:request_uri:" + "x" * 5000,
        "urn:ietf:params:oauth:request_uri:\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        "urn:ietf:params:oauth:request_uri:' OR 1=1 --",
    ],
)
def test_an_unknown_reference_leads_nowhere(pushing: Pushing, reference: str) -> None:
    assert is_dead(pushing.go(reference))


@pytest.mark.parametrize("reference", ["urn:ietf:params:oauth:request_uri:\0", "\0"])
def test_a_reference_with_a_nul_is_refused(pushing: Pushing, reference: str) -> None:
    assert pushing.go(reference).status_code == 400


@pytest.mark.spec("RFC 9101", "5.2")
def test_an_address_is_still_somebody_elses(pushing: Pushing, settings: Any) -> None:
    assert answered(pushing.browser.get(AUTHORIZE, _plain(pushing)))["error"] == "invalid_request_uri"
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}}
    assert answered(pushing.browser.get(AUTHORIZE, _plain(pushing)))["error"] == "request_uri_not_supported"


def _plain(pushing: Pushing) -> dict[str, str]:
    return {
        "client_id": pushing.client.client_id,
        "redirect_uri": pushing.redirect_uri,
        "request_uri": "https://client.example/request",
    }


def test_what_was_pushed_to_one_issuer_is_nothing_to_another(settings: Any, user: Any, browser: Browser) -> None:
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, settings.OAUTH_SERVER | {"issuer": "https://two.example"}]
    flow = Pushing(ClientFactory(client_id="same"), browser)
    flow.server = Browser(headers={"Host": "as.example"})
    query = {"client_id": "same", "request_uri": flow.reference()}
    ClientFactory(client_id="same", issuer="https://two.example")
    response = browser.get(AUTHORIZE, query, headers={"Host": "two.example"})
    assert response.status_code == 400
    assert "Location" not in response
    assert browser.get(AUTHORIZE, query, headers={"Host": "as.example"}).status_code == 200


@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_openid_requests_can_be_pushed(pushing: Pushing, settings: Any) -> None:
    assert set(OPENID_SCOPES) <= set(settings.OAUTH_SERVER["scopes"])
    claims = '{"userinfo": {"name": null}}'
    page = pushing.go(
        pushing.reference(scope="openid profile", nonce="n", claims=claims, max_age="600", prompt="consent")
    )
    assert page.status_code == 200
    tokens = pushing.exchange(answered(pushing.decide(page))["code"]).json()
    assert tokens["id_token"]


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode", "2")
def test_the_answer_may_be_a_form(pushing: Pushing) -> None:
    reference = pushing.reference(response_mode="form_post")
    response = pushing.decide(pushing.go(reference))
    assert response.status_code == 200
    assert 'name="code"' in response.content.decode()
    assert is_dead(pushing.go(reference))


def test_the_window_of_a_popup_keeps_its_opener(pushing: Pushing) -> None:
    reference = pushing.reference()
    page = pushing.go(reference)
    for response in (page, pushing.decide(page)):
        assert response["Cross-Origin-Opener-Policy"] == "unsafe-none"


def test_the_page_keeps_a_second_press_from_taking_the_place_of_the_first(pushing: Pushing) -> None:
    page = pushing.go(pushing.reference())
    assert "/static/oauth_server/once.js" in page.content.decode()
    assert "script-src 'self'" in page["Content-Security-Policy"]


def test_an_answer_is_undone_where_another_was_first(pushing: Pushing, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_oauth_server.authorization.sources import pushed

    page = pushing.go(pushing.reference())
    monkeypatch.setattr(pushed, "settle", lambda _: False)
    assert is_dead(pushing.decide(page))
    assert not Authorization.objects.exists()
    assert not Ticket.objects.filter(kind=Ticket.Kind.AUTHORIZATION_CODE).exists()


def test_cleartokens_sweeps_what_expired(pushing: Pushing, capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    dead, living = pushing.reference(), pushing.reference()
    first = PushedRequest.objects.order_by("pk").first()
    assert first is not None
    PushedRequest.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(days=1))
    call_command("cleartokens")
    assert PushedRequest.objects.count() == 1
    assert is_dead(pushing.go(dead))
    assert pushing.go(living).status_code == 200


def test_a_client_that_is_deleted_leaves_nothing_that_is_good(pushing: Pushing) -> None:
    reference = pushing.reference()
    pushing.client.delete()
    assert pushing.go(reference).status_code == 400


def test_a_client_that_another_source_describes_gets_no_row_because_it_pushes(settings: Any, browser: Browser) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"components": ["tests.clients.directory.Directory"]}
    client = described("almanac")
    flow = Pushing(client, browser)
    reference = flow.reference(scope="notes:read")
    assert not Client.objects.exists()
    code = flow.done(reference)["code"]
    assert flow.exchange(code).status_code == 200
