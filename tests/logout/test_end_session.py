"""OpenID Connect RP-Initiated Logout 1.0."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.clients.metadata import terms_of
from django_oauth_server.clients.registration import review
from django_oauth_server.keys import signing
from django_oauth_server.keys.rotation import rotate_all
from django_oauth_server.models import Client, SigningKey
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import END_SESSION, Flow, answered
from tests.logout.conftest import BACK, asks, end_session, press, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.spec("OpenID Connect RP-Initiated Logout", "2")]
FORM = "application/x-www-form-urlencoded"


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
@pytest.mark.parametrize("named", [True, False], ids=["with client_id", "alone"])
def test_an_address_without_a_hint_leads_nowhere(rp: Flow, named: bool) -> None:
    params = {"client_id": rp.client.client_id} if named else {}
    page = end_session(rp.browser, post_logout_redirect_uri=BACK, state="xyz", **params)
    response = press(rp.browser, page)
    assert response.status_code == 200 and not signed_in(rp.browser)
    assert b"rp.example" not in response.content
    assert b"id_token_hint" in response.content


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
def test_an_address_that_is_not_registered_is_an_error_without_a_link(rp: Flow, hint: str, uri: str) -> None:
    for browser in (rp.browser, Browser()):
        response = end_session(browser, id_token_hint=hint, post_logout_redirect_uri=uri)
        assert response.status_code == 400 and b"post_logout_redirect_uri" in response.content
        assert b"<a " not in response.content
    assert signed_in(rp.browser)


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
def test_a_hint_that_is_not_ours_is_an_error(rp: Flow, hint: str, spoil: Any, with_uri: bool) -> None:
    params = {"post_logout_redirect_uri": BACK} if with_uri else {}
    response = end_session(rp.browser, id_token_hint=spoil(hint), **params)
    assert response.status_code == 400 and b"id_token_hint" in response.content
    assert signed_in(rp.browser)


@pytest.mark.requirement(44)
def test_an_access_token_is_no_hint(browser: Browser, user: Any) -> None:
    flow = Flow(ClientFactory(access_token_format="at+jwt"), browser)
    token = flow.tokens(scope="openid")["access_token"]
    assert end_session(browser, id_token_hint=token).status_code == 400


@pytest.mark.requirement(44)
def test_a_hint_of_another_client_is_an_error(rp: Flow, hint: str) -> None:
    other = ClientFactory(metadata__post_logout_redirect_uris=["https://other.example/"])
    response = end_session(rp.browser, id_token_hint=hint, client_id=other.client_id)
    assert response.status_code == 400 and b"client_id" in response.content
    response = end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri="https://other.example/")
    assert response.status_code == 400


@pytest.mark.parametrize("gone", ["disabled", "deleted"])
def test_a_client_that_is_gone_leads_nowhere(rp: Flow, hint: str, gone: str) -> None:
    found = Client.objects.filter(pk=rp.client.pk)
    found.update(is_active=False) if gone == "disabled" else found.delete()
    assert end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK).status_code == 400


@pytest.mark.parametrize("name", ["id_token_hint", "client_id", "post_logout_redirect_uri", "state"])
def test_a_repeated_parameter_is_an_error(browser: Browser, name: str) -> None:
    assert browser.get(END_SESSION, {name: ["a", "b"]}).status_code == 400


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
    assert end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=BACK).status_code == 400


def test_nobody_is_asked_who_is_not_signed_in(rp: Flow, hint: str) -> None:
    response = end_session(Browser(), id_token_hint=hint, post_logout_redirect_uri=BACK, state="x")
    assert (response.status_code, response["Location"]) == (303, f"{BACK}?state=x")
    response = end_session(Browser())
    assert response.status_code == 200 and "You are signed out" in response.content.decode()


def test_another_site_may_post_the_request_but_not_the_answer(rp: Flow, hint: str) -> None:
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BACK}
    assert asks(rp.browser.post(END_SESSION, urlencode(asked), content_type=FORM))
    response = rp.browser.post(f"{END_SESSION}/decision", urlencode({"decision": "sign_out"}), content_type=FORM)
    assert response.status_code == 403
    assert signed_in(rp.browser)


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
    assert press(rp.browser, page).status_code == 400
    assert signed_in(rp.browser)


def test_an_address_that_a_policy_no_longer_allows_leads_nowhere(rp: Flow, hint: str) -> None:
    Client.objects.filter(pk=rp.client.pk).update(
        metadata=rp.client.metadata | {"post_logout_redirect_uris": ["http://rp.example/", "javascript:alert(1)"]}
    )
    for uri in ("http://rp.example/", "javascript:alert(1)"):
        assert end_session(rp.browser, id_token_hint=hint, post_logout_redirect_uri=uri).status_code == 400


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
