"""A token that is bound to a key opens nothing without a proof, by whichever mechanism a view is protected."""

from __future__ import annotations

import logging

import pytest

from tests.resource.bindings.seal import MECHANISMS, SEALED, Seal

BEARER = 'Bearer realm="api"'
SCOPE = ', scope="notes:read"'
ERROR = 'error="invalid_token", error_description="The access token is unknown, expired, revoked, or meant for another resource."'
COLOURS = ', colours="red"'
each_mechanism = pytest.mark.parametrize("path", MECHANISMS)


def scope(path: str) -> str:
    return "" if path.startswith("/prefix/") else SCOPE


@each_mechanism
def test_a_bound_token_opens_with_its_proof(call, path):
    answer = call(path, authorization="Seal sealed", headers={"Seal": "rose"})
    assert answer.status_code == 200
    if path != "/prefix/plain":
        assert answer.json() == {"scheme": "Seal", "confirmation": SEALED}


@each_mechanism
def test_possession_is_asked_once_for_each_request(call, path):
    call(path, authorization="seal sealed", headers={"Seal": "rose"})
    assert Seal.asked == 1


@each_mechanism
def test_the_answer_carries_what_the_proof_brings(call, path):
    assert call(path, authorization="Seal sealed", headers={"Seal": "rose"})["Next-Seal"] == "lily"
    assert call(path, authorization="Seal sealed", headers={"Seal": "thorn"})["Next-Seal"] == "tulip"
    assert "Next-Seal" not in call(path, authorization="Bearer reader")


@pytest.mark.spec("RFC 9110", "12.5.5")
@each_mechanism
def test_no_cache_gives_the_answer_to_somebody_who_has_the_token_alone(call, path):
    assert "Seal" in call(path, authorization="Seal sealed", headers={"Seal": "rose"})["Vary"].split(", ")
    assert "Seal" not in call(path, authorization="Bearer reader")["Vary"].split(", ")


def test_a_site_wide_cache_does_not(call, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "site"}}
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    assert call("/function", authorization="Seal sealed", headers={"Seal": "rose"}).status_code == 200
    assert call("/function", authorization="Seal sealed").status_code == 401


def test_a_refusal_after_the_proof_carries_it_too(call):
    answer = call("/admin", authorization="Seal sealed", headers={"Seal": "rose"})
    assert (answer.status_code, answer["Next-Seal"]) == (403, "lily")
    assert answer["WWW-Authenticate"].startswith('Seal realm="api", error="insufficient_scope"')
    assert "Bearer" not in answer["WWW-Authenticate"]


@each_mechanism
def test_a_broken_proof_is_refused_in_the_words_of_the_binding(call, path):
    answer = call(path, authorization="Seal sealed", headers={"Seal": "thorn"})
    words = ERROR.replace("invalid_token", "broken_seal")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == f'Seal realm="api", {words}{scope(path)}{COLOURS}'
    assert answer.json()["error"] == "broken_seal"


@each_mechanism
def test_while_a_proof_cannot_be_judged_nothing_opens(call, path):
    answer = call(path, authorization="Seal sealed", headers={"Seal": "away"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@each_mechanism
@pytest.mark.parametrize("headers", [{}, {"Seal": "rose"}])
def test_a_bound_token_as_a_bearer_token_is_refused(call, path, headers):
    """RFC 9449 section 7.2: whoever stole it would have no less. The scheme that was used tells the error, the other that it would do."""
    answer = call(path, authorization="Bearer sealed", headers=headers)
    assert answer.status_code == 401
    told = f'{BEARER}, {ERROR}{scope(path)}, Seal realm="api"{scope(path)}{COLOURS}'
    assert answer["WWW-Authenticate"] == told
    assert Seal.asked == 0


def test_a_bound_token_in_a_form_is_refused(call):
    answer = call("/rest", "POST", data="access_token=sealed", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 401


@each_mechanism
def test_an_unbound_token_by_a_scheme_with_a_proof_is_refused(call, path):
    answer = call(path, authorization="Seal reader", headers={"Seal": "rose"})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == f'Seal realm="api", {ERROR}{scope(path)}{COLOURS}'


@each_mechanism
@pytest.mark.parametrize("scheme", ["Bearer", "Seal"])
@pytest.mark.parametrize("token", ["certified", "both"])
def test_a_key_that_nobody_asks_for_opens_nothing(call, path, scheme, token, caplog):
    with caplog.at_level(logging.INFO, "django_oauth_server.resource"):
        answer = call(path, authorization=f"{scheme} {token}", headers={"Seal": "rose"})
    assert answer.status_code == 401
    assert Seal.asked == 0
    assert "bound by x5t#S256, and no binding here checks proofs of that" in caplog.text


@each_mechanism
def test_without_credentials_each_scheme_is_told(call, path):
    answer = call(path)
    assert (answer.status_code, answer.content) == (401, b"{}")
    assert answer["WWW-Authenticate"] == f'{BEARER}{scope(path)}, Seal realm="api"{scope(path)}{COLOURS}'


@each_mechanism
@pytest.mark.parametrize("joined", ["Bearer reader,Seal sealed", "Seal sealed, Bearer reader"])
def test_two_schemes_at_once_are_refused_by_both(call, path, joined):
    """RFC 9449 section 7.2: servers hand on two headers as one."""
    answer = call(path, authorization=joined, headers={"Seal": "rose"})
    assert answer.status_code == 400
    assert answer["WWW-Authenticate"].count('error="invalid_request"') == 2


def test_the_scheme_and_a_form_token_are_two_methods(call):
    form = {"data": "access_token=reader", "content_type": "application/x-www-form-urlencoded"}
    answer = call("/rest", "POST", authorization="Seal sealed", headers={"Seal": "rose"}, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/bound", "/rest-bound", "/ninja/bound"])
def test_where_only_bound_tokens_will_do_a_bearer_token_is_refused(call, path):
    answer = call(path, authorization="Bearer reader")
    words = 'error="invalid_token", error_description="An access token that is bound to a key is required."'
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == f'Seal realm="api", {words}{SCOPE}{COLOURS}'
    assert call(path)["WWW-Authenticate"] == f'Seal realm="api"{SCOPE}{COLOURS}'
    assert call(path, authorization="Seal sealed", headers={"Seal": "rose"}).status_code == 200


def test_a_token_that_is_dead_is_no_more_alive_for_its_proof(call):
    answer = call("/function", authorization="Seal expired", headers={"Seal": "rose"})
    assert (answer.status_code, Seal.asked) == (401, 0)
    assert answer["WWW-Authenticate"].startswith('Seal realm="api", error="invalid_token"')


def test_without_a_binding_its_scheme_is_any_other(call, settings):
    settings.OAUTH_RESOURCE_SERVER = settings.OAUTH_RESOURCE_SERVER | {"bindings": []}
    answer = call("/function", authorization="Seal sealed", headers={"Seal": "rose"})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, f"{BEARER}{SCOPE}")
    assert call("/function", authorization="Bearer sealed").status_code == 401
