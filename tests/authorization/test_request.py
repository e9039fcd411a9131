"""Step (A): the authorization request."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from django_oauth_server.models import Authorization, Ticket
from tests.factories import ClientFactory
from tests.flow import AUTHORIZE, Flow, answered

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 6749", "3.1")
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.requirement(12)
def test_get_and_post_show_the_consent_page(flow: Flow, method: str) -> None:
    response = flow.authorize(method=method)
    assert response.status_code == 200
    assert 'id="allow"' in response.content.decode()


@pytest.mark.spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize(
    "params",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"client_id": "a" * 5000},
        {"client_id": ["client-a", "client-b"]},
        {"redirect_uri": "https://client.example/callback/"},
        {"redirect_uri": "https://client.example/callback?x=1"},
        {"redirect_uri": "https://CLIENT.example/callback"},
        {"redirect_uri": "https://client.example:443/callback"},
        {"redirect_uri": "https://client.example/%63allback"},
        {"redirect_uri": "https://client.example/callback#x"},
        {"redirect_uri": "https://client.example@evil.example/callback"},
        {"redirect_uri": "//client.example/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "data:text/html,x"},
        {"redirect_uri": ["https://client.example/callback", "https://evil.example/"]},
        {"redirect_uri": "http://["},
    ],
)
@pytest.mark.requirement(14)
def test_a_bad_client_or_redirect_uri_shows_a_page_and_redirects_nobody(flow: Flow, params: dict[str, Any]) -> None:
    response = flow.authorize(**params)
    assert response.status_code == 400
    assert "Location" not in response
    assert "text/html" in response["Content-Type"]
    assert "evil.example" not in response.content.decode().split("<details")[0]


def test_a_disabled_client_shows_a_page(flow: Flow) -> None:
    flow.client.is_active = False
    flow.client.save()
    assert flow.authorize().status_code == 400


@pytest.mark.spec("RFC 6749", "3.1.2.3")
def test_a_redirect_uri_may_be_left_out_where_one_is_registered(flow: Flow) -> None:
    assert flow.exchange(flow.code(redirect_uri=None), redirect_uri=None).status_code == 200


@pytest.mark.spec("RFC 6749", "3.1.2.3")
def test_a_redirect_uri_must_be_sent_where_several_are_registered(flow: Flow) -> None:
    flow.client.metadata |= {"redirect_uris": [flow.redirect_uri, "https://client.example/other"]}
    flow.client.save()
    assert flow.authorize(redirect_uri=None).status_code == 400


@pytest.mark.spec("RFC 8252", "7.3")
@pytest.mark.parametrize(
    ("registered", "sent", "accepted"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1:51004/cb", True),
        ("http://[::1]/cb", "http://[::1]:9/cb", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other", False),
        ("http://127.0.0.1/cb", "http://[::1]:51004/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb", False),
        ("http://127.0.0.1/cb", "http://x@127.0.0.1:51004/cb", False),
        ("http://localhost:8000/cb", "http://localhost:51004/cb", False),
        ("http://localhost:8000/cb", "http://localhost:8000/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb/", False),
    ],
)
def test_the_port_of_a_loopback_address_may_vary_and_nothing_else(
    browser: Browser, registered: str, sent: str, accepted: bool
) -> None:
    flow = Flow(ClientFactory(public=True, metadata__redirect_uris=[registered]), browser)
    response = flow.authorize(redirect_uri=sent)
    assert response.status_code == (200 if accepted else 400)
    if accepted:
        assert flow.decide(response)["Location"].startswith(sent)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "nonsense"}, "unsupported_response_type"),
        ({"response_type": "decode"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_mode": "pigeon"}, "invalid_request"),
        ({"scope": "notes:read unknown"}, "invalid_scope"),
        ({"scope": 'notes:"read'}, "invalid_scope"),
        ({"scope": "nötes"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ["notes:read", "notes:write"]}, "invalid_request"),
        ({"state": ["a", "b"]}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "x" * 129}, "invalid_request"),
        ({"code_challenge": "é" * 43}, "invalid_request"),
        ({"resource": "https://unknown.example"}, "invalid_target"),
        ({"resource": ["https://api.example/notes", "https://unknown.example"]}, "invalid_target"),
        ({"resource": "not a uri"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
    ],
)
def test_a_bad_request_is_told_at_the_redirect_uri(flow: Flow, params: dict[str, Any], error: str) -> None:
    response = answered(flow.authorize(**params))
    assert response["error"] == error
    assert response["iss"] == "https://as.example"
    assert set(response) <= {"error", "error_description", "state", "iss"}
    assert not Ticket.objects.exists()
    assert not Authorization.objects.exists()


@pytest.mark.spec("RFC 6749", "3.1")
@pytest.mark.requirement(13)
def test_unknown_and_empty_parameters_are_ignored(flow: Flow) -> None:
    assert (
        flow.authorize(unknown=["1", "2"], nonce="n", display="popup", response_mode="", prompt="").status_code == 200
    )


@pytest.mark.spec("RFC 6749", "4.1.2")
@pytest.mark.parametrize("state", ["x" * 500, "a b&c=d%20ü", "<script>"])
@pytest.mark.requirement(16)
def test_the_state_comes_back_exactly(flow: Flow, state: str) -> None:
    assert answered(flow.decide(flow.authorize(state=state)))["state"] == state
    assert answered(flow.authorize(state=state, scope="unknown"))["state"] == state


@pytest.mark.spec("RFC 9207", "2")
@pytest.mark.requirement(54)
def test_the_issuer_is_on_every_answer(flow: Flow) -> None:
    assert answered(flow.decide(flow.authorize()))["iss"] == "https://as.example"
    assert answered(flow.decide(flow.authorize(prompt="consent"), "deny"))["iss"] == "https://as.example"


@pytest.mark.spec("RFC 6749", "3.1.2")
@pytest.mark.requirement(14)
def test_the_registered_query_of_a_redirect_uri_is_kept(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__redirect_uris=["https://client.example/cb?a=%20b&a=2"]), browser)
    assert flow.decide(flow.authorize())["Location"].startswith("https://client.example/cb?a=%20b&a=2&code=")


@pytest.mark.spec("OAuth 2.0 Multiple Response Types", "2.1")
def test_the_fragment_response_mode(flow: Flow) -> None:
    location = flow.decide(flow.authorize(response_mode="fragment"))["Location"]
    assert "?" not in location
    assert "#code=" in location


@pytest.mark.spec("OAuth 2.0 Form Post Response Mode", "2")
@pytest.mark.requirement(23)
def test_the_form_post_response_mode(flow: Flow) -> None:
    page = flow.decide(flow.authorize(response_mode="form_post"))
    html = page.content.decode()
    assert page.status_code == 200
    assert f'action="{flow.redirect_uri}"' in html
    assert 'name="code"' in html
    assert 'name="iss"' in html
    assert "no-store" in page["Cache-Control"]


def test_form_post_carries_errors_too(flow: Flow) -> None:
    page = flow.authorize(response_mode="form_post", scope="unknown")
    assert 'value="invalid_scope"' in page.content.decode()


@pytest.mark.spec("RFC 9700", "4.12")
def test_the_answer_is_a_303_that_nobody_keeps(flow: Flow) -> None:
    response = flow.decide(flow.authorize())
    assert response.status_code == 303
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"


@pytest.mark.spec("OAuth 2.1", "3.1")
def test_other_origins_may_not_read_the_authorization_endpoint(flow: Flow) -> None:
    response = flow.browser.get(AUTHORIZE, headers={"Origin": "https://client.example"})
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize(
    "query", ["client_id=%", "client_id=%zz", "client_id=%ff%fe", "client_id=a%00b", "&&&", "=", "%00=%00"]
)
def test_malformed_queries_show_a_page(browser: Browser, query: str) -> None:
    response = browser.get(f"{AUTHORIZE}?{query}")
    assert response.status_code == 400
    assert "text/html" in response["Content-Type"]


def test_a_megabyte_of_parameters_shows_a_page(browser: Browser) -> None:
    response = browser.post(AUTHORIZE, {"client_id": "x" * 1_000_000})
    assert response.status_code == 400


@pytest.mark.parametrize("method", ["put", "delete", "patch", "head"])
def test_other_methods_are_refused(browser: Browser, method: str) -> None:
    assert getattr(browser, method)(AUTHORIZE).status_code == 405


@pytest.mark.spec("RFC 6749", "3.1.2")
@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_no_parameter_of_the_answer_is_there_twice_in_rows_of_an_older_time(
    browser: Browser, mode: str, decision: str
) -> None:
    address = "https://client.example/cb?x=1&code=mine&error=mine&state=mine&%69ss=mine"
    flow = Flow(ClientFactory(metadata__redirect_uris=[address]), browser)
    response = flow.decide(flow.authorize(response_mode=mode), decision)
    sent = response.content.decode() if mode == "form_post" else response["Location"]
    assert "https://client.example/cb?x=1" in sent
    assert "mine" not in sent
    assert sent.count("state=") == (mode != "form_post")


@pytest.mark.spec("RFC 6749", "4.1.3")
def test_a_code_is_redeemed_with_the_redirect_uri_as_it_was_registered(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__redirect_uris=["https://client.example/cb?code=mine"]), browser)
    assert flow.exchange(flow.code()).status_code == 200


@pytest.mark.spec("MCP", "communication-security")
@pytest.mark.spec("RFC 9700", "2.6")
def test_a_registered_redirect_uri_is_judged_again_by_the_policy_of_today(browser: Browser) -> None:
    flow = Flow(ClientFactory(metadata__redirect_uris=["http://client.example/cb"]), browser)
    response = flow.authorize()
    assert response.status_code == 400
    assert "no longer allowed" in response.content.decode()


@pytest.mark.spec("RFC 7591", "2")
def test_a_response_type_that_the_client_did_not_register(browser: Browser, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
    client = ClientFactory(metadata__grant_types=["authorization_code", "implicit"], metadata__response_types=["code"])
    response = Flow(client, browser).authorize(response_type="id_token", scope="openid", nonce="n")
    assert answered(response)["error"] == "unauthorized_client"
