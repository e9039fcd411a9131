"""OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import review
from django_oauth_server.keys import signing
from django_oauth_server.keys.rotation import rotate_all
from django_oauth_server.models import Client, SigningKey
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory, UserFactory
from tests.flow import END_SESSION, Flow, answered
from tests.logout.conftest import BACK, asks, end_session, press, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.spec("OpenID Connect RP-Initiated Logout", "2")]
FORM = "application/x-www-form-urlencoded"


def links(page: HttpResponse) -> list[str]:
    """Those that lead away from this site."""
    found = map(unescape, re.findall(r'<a [^>]*href="([^"]*)"', page.content.decode()))
    return [address for address in found if address != "/oauth/connected-apps/"]


def assert_stays(page: HttpResponse) -> None:
    """Nothing on *page* leads anywhere by itself."""
    html = page.content.decode()
    assert page.status_code == 200 and "http-equiv" not in html and "<script" not in html


def assert_signs_out_and_stays(browser: Browser, question: HttpResponse) -> None:
    assert asks(question) and signed_in(browser)
    response = press(browser, question)
    assert not signed_in(browser)
    assert links(response) == []
    assert_stays(response)


@pytest.mark.requirement(43)
def test_the_person_is_asked_signed_out_and_sent_back_with_state(rp: Flow, hint: str) -> None:
    page = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK, state="s" * 130)
    assert asks(page) and "Notebook" in page.content.decode()
    assert signed_in(rp.browser)
    response = press(rp.browser, page)
    assert (response.status_code, response["Location"]) == (303, f"{BACK}?state={'s' * 130}")
    assert not signed_in(rp.browser)


@pytest.mark.requirement(46)
def test_afterwards_nobody_is_signed_in_silently(rp: Flow, hint: str) -> None:
    press(rp.browser, end_session(rp.browser, id_token_hint=hint))
    assert answered(rp.authorize(scope="openid", prompt="none"))["error"] == "login_required"


def test_a_person_who_stays_is_not_signed_out_and_not_sent_anywhere(rp: Flow, hint: str) -> None:
    page = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    response = press(rp.browser, page, "stay")
    assert response.status_code == 200 and "You are still signed in" in response.content.decode()
    assert signed_in(rp.browser)


@pytest.mark.requirement(45)
@pytest.mark.parametrize(
    "params", [{}, {"state": "xyz"}, {"ui_locales": "xx en"}, {"logout_hint": "ada"}, {"unknown": "x"}]
)
def test_without_anything_that_counts_the_person_is_signed_out_and_told(
    browser: Browser, params: dict[str, str]
) -> None:
    response = press(browser, end_session(browser, **params))
    assert response.status_code == 200 and "You are signed out" in response.content.decode()
    assert not signed_in(browser)


@pytest.mark.requirement(43)
def test_an_address_of_nobody_leads_nowhere(rp: Flow) -> None:
    page = end_session(rp.browser, post_logout_redirect_uri=BACK, state="xyz")
    response = press(rp.browser, page)
    assert response.status_code == 200 and not signed_in(rp.browser)
    assert links(response) == []
    assert b"id_token_hint" in response.content


@pytest.mark.requirement(43)
def test_an_app_that_names_itself_gets_a_link_and_no_redirect(rp: Flow) -> None:
    asked = {"client_id": rp.client.client_id, "post_logout_redirect_uri": BACK, "state": "xyz"}
    page = end_session(rp.browser, **asked)
    assert asks(page) and "Notebook" not in page.content.decode(), "nothing proves who asks"
    response = press(rp.browser, page)
    assert response.status_code == 200 and not signed_in(rp.browser)
    assert links(response) == [f"{BACK}?state=xyz"]
    assert "Continue to <bdi>rp.example</bdi>" in response.content.decode()
    assert_stays(response)


@pytest.mark.parametrize(
    "change", [{"post_logout_redirect_uri": BACK + "/"}, {"client_id": "nobody"}, {"client_id": "disabled"}]
)
def test_who_names_itself_gets_a_link_to_what_it_registered_and_nothing_else(rp: Flow, change: dict[str, str]) -> None:
    ClientFactory(client_id="disabled", is_active=False, metadata__post_logout_redirect_uris=[BACK])
    asked = {"client_id": rp.client.client_id, "post_logout_redirect_uri": BACK} | change
    assert links(press(rp.browser, end_session(rp.browser, **asked))) == []


def test_the_id_token_of_somebody_else_leads_nobody_away(rp: Flow, user: Any) -> None:
    """Anybody can get an ID token of their own at an app of their own, and lay the address before others."""
    theirs = Browser()
    theirs.force_login(UserFactory())
    hint = Flow(rp.client, theirs).tokens(scope="openid")["id_token"]
    response = press(rp.browser, end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK))
    assert links(response) == [BACK]
    assert_stays(response)


def test_what_is_registered_is_kept_byte_by_byte(rp: Flow, hint: str) -> None:
    page = end_session(
        rp.browser, id_token_hint=hint, post_logout_redirect_uri="https://rp.example/bye?from=as", state="a b"
    )
    assert press(rp.browser, page)["Location"] == "https://rp.example/bye?from=as&state=a%20b"


@pytest.mark.requirement(43)
@pytest.mark.parametrize(
    "uri",
    [
        BACK + "/",
        BACK + "?more=1",
        BACK.upper(),
        "https://rp.example/callback",
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "/",
    ],
)
def test_an_address_that_is_not_registered_leads_nowhere(rp: Flow, hint: str, uri: str) -> None:
    for browser in (rp.browser, Browser()):
        response = end_session(browser, id_token_hint=hint, post_logout_redirect_uri=uri)
        assert response.status_code == 200 and "is not registered" in response.content.decode()
        assert links(response) == []
    assert_signs_out_and_stays(rp.browser, end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=uri))


def forged(hint: str) -> str:
    pair = jose.SigningKeyPair.generate("RS256")
    claims = {"iss": "https://as.example", "sub": "1", "aud": "client", "exp": 2**31, "iat": 1}
    return jose.sign(claims, pair, typ="JWT")


@pytest.mark.requirement(44)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda hint: hint[:-8] + ("AAAAAAAA" if not hint.endswith("AAAAAAAA") else "BBBBBBBB"),
        lambda hint: hint.split(".")[0] + ".e30." + hint.split(".")[2],
        lambda hint: "eyJhbGciOiJub25lIn0." + hint.split(".")[1] + ".",
        lambda hint: "nonsense",
        lambda hint: hint + "." + hint,
        forged,
    ],
    ids=["signature", "claims", "unsigned", "nonsense", "too many parts", "another issuer"],
)
@pytest.mark.parametrize("with_uri", [True, False])
def test_a_hint_that_is_not_ours_is_a_question_and_leads_nowhere(
    rp: Flow, hint: str, spoil: Any, with_uri: bool
) -> None:
    params = {"post_logout_redirect_uri": BACK} if with_uri else {}
    response = end_session(rp.browser, id_token_hint=spoil(hint), **params)
    assert "is not an ID token that this server issued" in response.content.decode()
    assert_signs_out_and_stays(rp.browser, response)


@pytest.mark.requirement(44)
def test_an_access_token_is_no_hint(browser: Browser, user: Any) -> None:
    flow = Flow(ClientFactory(access_token_format="at+jwt"), browser)
    token = flow.tokens(scope="openid")["access_token"]
    assert_signs_out_and_stays(browser, end_session(browser, id_token_hint=token, post_logout_redirect_uri=BACK))


@pytest.mark.requirement(44)
@pytest.mark.parametrize("named", [True, False])
def test_a_hint_of_another_client_leads_nowhere(rp: Flow, hint: str, named: bool) -> None:
    other = ClientFactory(metadata__post_logout_redirect_uris=["https://other.example/"])
    params = {"client_id": other.client_id} if named else {}
    response = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri="https://other.example/", **params)
    assert ("is not the client" if named else "is not registered") in response.content.decode()
    assert_signs_out_and_stays(rp.browser, response)


@pytest.mark.parametrize("gone", ["disabled", "deleted"])
def test_a_client_that_is_gone_leads_nowhere(rp: Flow, hint: str, gone: str) -> None:
    found = Client.objects.filter(pk=rp.client.pk)
    found.update(is_active=False) if gone == "disabled" else found.delete()
    response = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert_signs_out_and_stays(rp.browser, response)


@pytest.mark.parametrize("name", ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"])
def test_of_a_request_with_a_repeated_parameter_nothing_counts(rp: Flow, hint: str, name: str) -> None:
    good = {"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "x", "client_id": rp.client.client_id}
    response = rp.browser.get(END_SESSION, good | {name: [good[name], "b"]})
    assert name in response.content.decode()
    assert_signs_out_and_stays(rp.browser, response)


@pytest.mark.requirement(43)
def test_a_hint_that_has_expired_is_good(rp: Flow, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"id_token_lifetime": timedelta(0)}
    hint = rp.tokens(scope="openid")["id_token"]
    page = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert press(rp.browser, page)["Location"] == BACK


@pytest.mark.requirement(43)
def test_a_hint_of_a_key_that_was_rotated_out_is_good_while_the_key_is_kept(rp: Flow, hint: str) -> None:
    rotate_all(default_issuer(), now=timezone.now(), at_once=True)
    assert asks(end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK))
    SigningKey.objects.exclude(expires_at=None).update(expires_at=timezone.now() - timedelta(seconds=1))
    signing.forget()
    response = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert_signs_out_and_stays(rp.browser, response)


def test_nobody_is_asked_who_is_not_signed_in_or_sent_anywhere_without_a_click(rp: Flow, hint: str) -> None:
    response = end_session(Browser(), id_token_hint=hint, post_logout_redirect_uri=BACK, state="x")
    assert response.status_code == 200 and "You are signed out" in response.content.decode()
    assert links(response) == [f"{BACK}?state=x"]
    assert_stays(response)
    response = end_session(Browser())
    assert response.status_code == 200 and "You are signed out" in response.content.decode()


def test_another_site_may_post_the_request_but_not_the_answer(rp: Flow, hint: str) -> None:
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BACK}
    assert asks(rp.browser.post(END_SESSION, urlencode(asked), content_type=FORM))
    response = rp.browser.post(f"{END_SESSION}/decision", urlencode({"decision": "sign_out"}), content_type=FORM)
    assert response.status_code == 403
    assert signed_in(rp.browser)


def test_who_answers_on_a_page_that_is_too_old_is_asked_again(rp: Flow, hint: str) -> None:
    page = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK, state="x")
    rp.browser.cookies["csrftoken"] = "a" * 32  # they have signed in anew in another tab
    again = press(rp.browser, page)
    assert again.status_code == 403 and "This request has expired" in again.content.decode()
    assert signed_in(rp.browser)
    assert press(rp.browser, again)["Location"] == f"{BACK}?state=x"
    assert not signed_in(rp.browser)


def test_who_answers_too_late_and_is_signed_out_already_is_told_so(rp: Flow, hint: str) -> None:
    page = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    rp.browser.cookies.clear()
    answer = press(rp.browser, page)
    told = rp.browser.get(answer["Location"])
    assert "You are signed out" in told.content.decode() and links(told) == [BACK]


def test_a_post_without_its_cookies_comes_again_with_them(rp: Flow, hint: str) -> None:
    """SameSite=Lax: what another site posts comes without the session, and would be taken for a stranger's."""
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "x"}
    response = Browser().post(END_SESSION, urlencode(asked), content_type=FORM)
    assert response.status_code == 303
    again = urlsplit(response["Location"])
    assert again.path == END_SESSION and parse_qs(again.query) == {name: [value] for name, value in asked.items()}
    assert asks(rp.browser.get(response["Location"]))


def test_an_answer_that_comes_twice_changes_nothing_more(rp: Flow, hint: str) -> None:
    page = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    assert press(rp.browser, page)["Location"] == press(rp.browser, page)["Location"] == BACK


def test_the_answer_is_judged_again(rp: Flow, hint: str) -> None:
    page = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    rp.client.metadata["post_logout_redirect_uris"] = []
    rp.client.save()
    assert links(press(rp.browser, page)) == []
    assert not signed_in(rp.browser)


def test_an_address_that_a_policy_no_longer_allows_leads_nowhere(rp: Flow, hint: str) -> None:
    Client.objects.filter(pk=rp.client.pk).update(
        metadata=rp.client.metadata | {"post_logout_redirect_uris": ["http://rp.example/", "javascript:alert(1)"]}
    )
    for uri in ("http://rp.example/", "javascript:alert(1)"):
        response = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=uri)
        assert asks(response) and "no longer allowed" in response.content.decode() and links(response) == []


@pytest.mark.parametrize(
    "uri", ["http://rp.example/", "https://rp.example/#x", "javascript:alert(1)", "myapp:/x", "no"]
)
def test_such_addresses_are_not_registered(uri: str) -> None:
    document = {"redirect_uris": ["https://rp.example/callback"], "post_logout_redirect_uris": [uri]}
    _, refusals = review(document, terms_of(default_issuer()), operator=True)
    assert "post_logout_redirect_uris" in refusals


@pytest.mark.requirement(49)
def test_relying_parties_find_the_endpoint(client: Browser) -> None:
    found = client.get("/.well-known/openid-configuration").json()
    assert found["end_session_endpoint"] == f"https://as.example{END_SESSION}"


def test_a_server_that_is_no_provider_has_none(client: Browser, settings: Any) -> None:
    scopes = {name: words for name, words in settings.OAUTH_SERVER["scopes"].items() if name != "openid"}
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes}
    assert "end_session_endpoint" not in client.get("/.well-known/oauth-authorization-server").json()


def test_a_person_is_asked_in_a_language_that_the_app_names(browser: Browser) -> None:
    assert 'lang="de"' in end_session(browser, ui_locales="xx de").content.decode()


def test_a_window_that_an_app_opened_is_not_cut_off_from_it(rp: Flow, hint: str) -> None:
    question = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK)
    for response in (question, press(rp.browser, question, "sign_out")):
        assert response["Cross-Origin-Opener-Policy"] == "unsafe-none"
