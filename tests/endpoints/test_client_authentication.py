"""How a client proves to be itself (RFC 6749 section 2.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.clients.registration import new_secret
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory
from tests.flow import Flow, told

pytestmark = pytest.mark.django_db

ODD = ["p%rcent", "pl+us", "am&per=sand", "co:lon:s", "sp ace", "ünïcödé", "100%25", "%3A", "日本"]


def service(**more: Any) -> Flow:
    return Flow(ClientFactory(**({"metadata__grant_types": ["client_credentials"]} | more)), Browser())


def ask(flow: Flow, **params: Any) -> Any:
    return flow.token(**({"grant_type": "client_credentials", "scope": "notes:read"} | params))


@pytest.mark.spec("RFC 6749", "2.3.1")
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.requirement(31)
def test_ids_and_secrets_are_form_decoded(odd: str) -> None:
    assert ask(service(client_id=odd, secret=odd)).status_code == 200


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.requirement(31)
def test_any_secret_works_in_the_body(odd: str) -> None:
    flow = service(client_id=odd, secret=odd, metadata__token_endpoint_auth_method="client_secret_post")
    assert ask(flow, authorization=None, client_id=odd, client_secret=odd).status_code == 200


def test_the_scheme_is_compared_without_case() -> None:
    flow = service()
    header = format_basic(flow.client.client_id, flow.client.secret).replace("Basic", "bAsIc")
    assert ask(flow, authorization=header).status_code == 200


@pytest.mark.spec("RFC 6749", "2.3")
def test_two_methods_at_once_are_refused() -> None:
    flow = service()
    response = ask(flow, client_id=flow.client.client_id, client_secret=flow.client.secret)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_the_same_client_id_beside_the_header_is_no_second_method() -> None:
    flow = service()
    assert ask(flow, client_id=flow.client.client_id).status_code == 200


def test_another_client_id_beside_the_header_is_refused() -> None:
    assert ask(service(), client_id="another").json()["error"] == "invalid_request"


@pytest.mark.spec("RFC 7591", "2")
def test_only_the_registered_method_is_accepted() -> None:
    basic, post = service(), service(metadata__token_endpoint_auth_method="client_secret_post")
    assert ask(post).status_code == 401
    response = ask(basic, authorization=None, client_id=basic.client.client_id, client_secret=basic.client.secret)
    assert response.status_code == 401


def test_a_confidential_client_cannot_pass_for_a_public_one() -> None:
    flow = service()
    assert ask(flow, authorization=None, client_id=flow.client.client_id).status_code == 401


@pytest.mark.parametrize("header", ["", "  "])
def test_an_authorization_header_without_a_value_is_none(browser: Browser, header: str) -> None:
    flow = Flow(ClientFactory(public=True), browser)
    flow.server = Browser(headers={"Authorization": header})
    assert flow.exchange(flow.code()).status_code == 200
    refused = flow.exchange("made-up", client_id="made-up")
    assert (refused.status_code, "WWW-Authenticate" in refused) == (401, False)


def test_a_public_client_with_a_secret_is_no_client() -> None:
    flow = service(public=True, metadata__grant_types=["authorization_code"])
    assert ask(flow, client_secret="x").status_code == 401


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize("wrong", ["", "wrong", "é", "x" * 10_000])
def test_a_wrong_secret_is_a_401_with_a_challenge(wrong: str) -> None:
    flow = service()
    response = ask(flow, authorization=format_basic(flow.client.client_id, wrong))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response["WWW-Authenticate"].startswith("Basic ")
    assert response["Cache-Control"] == "no-store"


def test_nobody_is_told_whether_the_client_or_the_secret_was_wrong() -> None:
    flow = service()
    wrong = ask(flow, authorization=format_basic(flow.client.client_id, "wrong"))
    assert told(ask(flow, authorization=format_basic("nobody", "wrong"))) == told(wrong)


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize("endpoint", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize("sent", [{}, {"client_id": "gone"}, {"client_id": "gone", "client_secret": "x" * 43}])
def test_who_did_not_use_the_authorization_header_is_not_asked_for_it(endpoint: str, sent: dict[str, str]) -> None:
    response = Browser().post(endpoint, {"grant_type": "client_credentials", "token": "x"} | sent)
    assert response.status_code == 400  # multipart
    form = urlencode({"grant_type": "client_credentials", "token": "x"} | sent)
    response = Browser().post(endpoint, form, content_type="application/x-www-form-urlencoded")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert "WWW-Authenticate" not in response


def test_both_secrets_work_while_they_overlap() -> None:
    flow = service()
    old = flow.client.secret
    new = new_secret(flow.client, default_issuer(), timezone.now())
    for secret in (old, new):
        assert ask(flow, authorization=format_basic(flow.client.client_id, secret)).status_code == 200
    row = type(flow.client).objects.get(pk=flow.client.pk)
    row.previous_secret_expires_at = timezone.now() - timedelta(seconds=1)
    row.save()
    assert ask(flow, authorization=format_basic(flow.client.client_id, old)).status_code == 401
    assert ask(flow, authorization=format_basic(flow.client.client_id, new)).status_code == 200


def test_a_client_without_a_secret_has_no_empty_one() -> None:
    flow = service()
    type(flow.client).objects.update(secret_digest="")
    assert ask(flow, authorization=format_basic(flow.client.client_id, "")).status_code == 401


def test_a_digest_is_no_secret() -> None:
    flow = service()
    assert ask(flow, authorization=format_basic(flow.client.client_id, digest(flow.client.secret))).status_code == 401


def test_a_disabled_client_is_refused_at_once() -> None:
    flow = service()
    assert ask(flow).status_code == 200
    type(flow.client).objects.update(is_active=False)
    assert ask(flow).status_code == 401


@pytest.mark.spec("RFC 6749", "4.4")
def test_client_credentials_are_for_confidential_clients() -> None:
    flow = service(public=True)
    assert ask(flow).json()["error"] == "unauthorized_client"


@pytest.mark.spec("RFC 6749", "4.4.3")
def test_client_credentials_bring_no_refresh_token() -> None:
    flow = service(metadata__grant_types=["client_credentials", "refresh_token"])
    assert "refresh_token" not in ask(flow).json()


def test_a_grant_type_that_is_not_registered_is_refused() -> None:
    flow = service(metadata__grant_types=["authorization_code"])
    assert ask(flow).json()["error"] == "unauthorized_client"
