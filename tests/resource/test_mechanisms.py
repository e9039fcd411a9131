"""Whichever way a view is protected, a caller is told the same, to the byte."""

from __future__ import annotations

import logging
import re
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.test import AsyncClient, AsyncRequestFactory, Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.presented import MAX_LENGTH, read_token
from tests.resource.verifiers import KnownTokens

pytestmark = pytest.mark.urls("tests.resource.urls")

MECHANISMS = ("/rest-view", "/rest-function", "/function", "/class", "/async-function", "/async-class")
FORM = "application/x-www-form-urlencoded"

SCOPE = ', scope="notes:read"'
NO_CREDENTIALS = (401, {}, f'Bearer realm="api"{SCOPE}')


def told(status: int, error: str, description: str, rest: str = "") -> tuple[int, dict[str, str], str]:
    header = f'Bearer realm="api", error="{error}", error_description="{description}"{rest}'
    return status, {"error": error, "error_description": description}, header


MALFORMED = told(400, "invalid_request", "The Authorization header is not of the form: Bearer TOKEN.")
TWO_METHODS = told(400, "invalid_request", "The access token is sent more than once.")
INVALID_TOKEN = told(
    401, "invalid_token", "The access token is unknown, expired, revoked, or meant for another resource.", SCOPE
)
INSUFFICIENT_SCOPE = told(403, "insufficient_scope", "The access token does not allow this request.", SCOPE)


def form(**parameters: str) -> dict[str, object]:
    return {"method": "POST", "data": urlencode(parameters), "content_type": FORM}


REFUSALS = {
    "no credentials": ({}, NO_CREDENTIALS),
    "another scheme": ({"authorization": "Basic YTpi"}, NO_CREDENTIALS),
    "an empty header": ({"authorization": ""}, NO_CREDENTIALS),
    "a scheme that only begins so": ({"authorization": "Bearers reader"}, NO_CREDENTIALS),
    "a query token alone": ({"query_params": {"access_token": "reader"}}, NO_CREDENTIALS),
    "a query token on a form": (form() | {"query_params": {"access_token": "reader"}}, NO_CREDENTIALS),
    "an empty form token": (form(access_token=""), NO_CREDENTIALS),
    "a form token of another type": (
        {"method": "POST", "data": {"access_token": "reader"}, "content_type": "application/json"},
        NO_CREDENTIALS,
    ),
    "a multipart token": ({"method": "POST", "data": {"access_token": "reader"}}, NO_CREDENTIALS),
    "a scheme without a token": ({"authorization": "Bearer"}, MALFORMED),
    "a scheme and a space": ({"authorization": "Bearer "}, MALFORMED),
    "two tokens in a header": ({"authorization": "Bearer reader writer"}, MALFORMED),
    "two headers, joined": ({"authorization": "Bearer reader,Bearer reader"}, MALFORMED),
    "two methods": (form(access_token="reader") | {"authorization": "Bearer reader"}, TWO_METHODS),
    "two methods by PUT": (
        form(access_token="reader") | {"method": "PUT", "authorization": "Bearer reader"},
        TWO_METHODS,
    ),
    "two form tokens": (
        {"method": "POST", "data": "access_token=reader&access_token=reader", "content_type": FORM},
        TWO_METHODS,
    ),
    "an unknown token": ({"authorization": "Bearer unknown"}, INVALID_TOKEN),
    "an unknown form token": (form(access_token="unknown"), INVALID_TOKEN),
    "an expired token": ({"authorization": "Bearer expired"}, INVALID_TOKEN),
    "a token for another audience": ({"authorization": "Bearer stranger"}, INVALID_TOKEN),
    "a NUL": ({"authorization": "Bearer rea\0der"}, INVALID_TOKEN),
    "a NUL in a form": (form(access_token="reader\0"), INVALID_TOKEN),
    "characters outside ASCII": ({"authorization": "Bearer réader"}, INVALID_TOKEN),
    "characters outside Latin-1 in a form": (form(access_token="reader\u20ac"), INVALID_TOKEN),
    "a form token that is not UTF-8": (
        {"method": "POST", "data": "access_token=%ff%fe", "content_type": FORM},
        INVALID_TOKEN,
    ),
    "a quoted token": ({"authorization": 'Bearer "reader"'}, INVALID_TOKEN),
    "a huge token": ({"authorization": "Bearer " + "a" * (MAX_LENGTH + 1)}, INVALID_TOKEN),
    "a huge form token": (form(access_token="a" * 1_000_000), INVALID_TOKEN),
    "a missing scope": ({"authorization": "Bearer bare"}, INSUFFICIENT_SCOPE),
    "a missing scope, by form": (form(access_token="bare"), INSUFFICIENT_SCOPE),
}


def answer(response: HttpResponse) -> tuple[int, dict[str, str], str]:
    return response.status_code, response.json(), response["WWW-Authenticate"]


@pytest.mark.spec("MCP", "token-handling")
@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("request_, expected", REFUSALS.values(), ids=REFUSALS)
def test_each_mechanism_refuses_in_the_same_words(call, mechanism, request_, expected):
    assert answer(call(mechanism, **request_)) == expected


@pytest.mark.spec("RFC 6750", "2.1")
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("authorization", ["Bearer reader", "bearer reader", "BEARER  reader ", "Bearer writer"])
def test_a_good_token_opens_the_view(call, mechanism, authorization):
    response = call(mechanism, authorization=authorization)
    assert response.status_code == 200
    assert (response.json()["client"], response.json()["user"]) == ("app", "alice")


@pytest.mark.spec("RFC 6750", "2.2")
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_form_token_opens_the_view_which_can_still_read_the_form(call, mechanism, method):
    sent = {"access_token": "reader", "text": "Milk"}
    response = call(mechanism, **form(**sent) | {"method": method})
    assert response.status_code == 200
    body = response.json()["body"]
    assert body == (sent if mechanism.startswith("/rest") else urlencode(sent))
    if not mechanism.startswith("/rest"):
        assert response.json()["form"] == (sent if method == "POST" else {})


def send(method: str, path: str, body: str) -> HttpResponse:
    async def sent() -> HttpResponse:
        return await AsyncClient().generic(method, path, body, content_type=FORM)

    return (
        async_to_sync(sent)() if path.startswith("/async") else Client().generic(method, path, body, content_type=FORM)
    )


@pytest.mark.spec("RFC 6750", "2.2")
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "QUERY"])
def test_a_form_token_counts_where_the_body_of_the_method_means_something(mechanism, method):
    response = send(method, mechanism, "access_token=reader")
    assert (response.status_code, response["WWW-Authenticate"]) == (401, NO_CREDENTIALS[2])


@pytest.mark.spec("RFC 6750", "2.2")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_beside_a_good_header_such_a_form_is_no_second_token(method):
    headers = {"Authorization": "Bearer reader"}
    response = Client().generic(method, "/function", "access_token=writer", content_type=FORM, headers=headers)
    assert response.status_code == 200


@pytest.mark.spec("MCP", "token-requirements")
@pytest.mark.spec("RFC 6750", "2.3")
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("token", ["writer", "expired", "unknown"])
def test_a_query_token_beside_a_good_one_is_ignored(call, mechanism, token):
    response = call(mechanism, authorization="Bearer reader", query_params={"access_token": token})
    assert response.status_code == 200


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_of_a_client_alone_brings_no_user(call, mechanism):
    assert call(mechanism, authorization="Bearer client").json()["user"] is None


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_in_a_header_needs_no_csrf_token(call, mechanism):
    assert call(mechanism, authorization="Bearer reader", **form(a="b")).status_code == 200


@pytest.mark.parametrize("mechanism", MECHANISMS[2:])
def test_refusals_of_plain_views_are_not_stored(call, mechanism):
    assert call(mechanism)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("mechanism", MECHANISMS[4:])
def test_async_views_verify_without_blocking_the_loop(call, mechanism, monkeypatch):
    monkeypatch.delattr(KnownTokens, "verify")
    assert call(mechanism, authorization="Bearer reader").status_code == 200


@pytest.mark.parametrize("mechanism", MECHANISMS[4:])
@pytest.mark.parametrize("token", ["reader", "lazy"])
def test_async_views_find_the_user_of_the_token_by_auser_too(call, mechanism, token):
    assert call(mechanism, authorization=f"Bearer {token}").json()["auser"] == "alice"


@pytest.mark.spec("RFC 6750", "2.2")
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
def test_a_form_token_is_read_where_the_method_gives_the_body_a_meaning(call, mechanism, method):
    response = call(mechanism, **form(access_token="reader") | {"method": method})
    assert (response.status_code, response["WWW-Authenticate"]) == (401, NO_CREDENTIALS[2])


@pytest.mark.spec("RFC 9110", "15.6.4")
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_an_outage_is_not_told_as_a_bad_token(call, mechanism):
    response = call(mechanism, authorization="Bearer outage")
    assert (response.status_code, response["Retry-After"]) == (503, "7")
    assert response.json()["error"] == "temporarily_unavailable"
    assert "WWW-Authenticate" not in response


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_reason_is_logged_and_the_token_is_not(call, caplog, mechanism):
    with caplog.at_level(logging.DEBUG):
        call(mechanism, authorization="Bearer 9f3c-a-token-that-nobody-knows")
    assert re.search(r"access token refused at /\S+: unknown", caplog.text)
    assert "9f3c-a-token" not in caplog.text


@pytest.mark.parametrize("factory", [RequestFactory, AsyncRequestFactory])
def test_a_body_that_was_consumed_before_counts_as_no_credentials(factory):
    request = factory().put("/", "access_token=reader", content_type=FORM)
    request.read()
    assert read_token(request).status == 401


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_form_with_too_many_fields_is_a_bad_request(call, mechanism, method):
    response = call(mechanism, method, data="&".join(f"a{n}=b" for n in range(1001)), content_type=FORM)
    assert response.status_code == 400


LATIN1 = st.text(st.characters(max_codepoint=255), max_size=60)
FORMS = st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(b"access_token=".__add__))


@given(
    header=st.one_of(st.none(), LATIN1, LATIN1.map("Bearer ".__add__)),
    form=FORMS,
    method=st.sampled_from(["POST", "PUT"]),
)
def test_whatever_is_sent_is_a_token_or_a_challenge(header, form, method):
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    read = read_token(RequestFactory().generic(method, "/", form, content_type=FORM, **headers))
    if isinstance(read, Challenge):
        assert read.status in {400, 401}
    else:
        assert read.token.isascii()
        assert read.token.isprintable()
