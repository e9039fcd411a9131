"""DPoP at the authorization server: RFC 9449, section by section."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.models import Client, Token
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol import jose
from django_oauth_server.registry import default_issuer, issuers
from django_oauth_server.resource.shared_cache import shared_cache
from django_oauth_server.storage.presented import expired_assertions
from django_oauth_server.tokens.verify import verify_access_token
from tests.dpop.prover import Prover
from tests.factories import ClientFactory
from tests.flow import Flow, answered, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def public(browser: Browser) -> Flow:
    return Flow(ClientFactory(public=True), browser)


@pytest.fixture
def machine() -> Flow:
    return Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())


@pytest.fixture
def prover() -> Prover:
    return Prover()


def own(flow: Flow, headers: dict[str, str] | None = None) -> Any:
    """What a client asks for itself."""
    return flow.token(grant_type="client_credentials", scope="notes:read", headers=headers)


def configure(settings: Any, **more: Any) -> None:
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, **more}


def dpop(settings: Any, **more: Any) -> None:
    configure(settings, dpop=more)


def register(flow: Flow, **metadata: Any) -> None:
    flow.client.metadata |= metadata
    flow.client.save()


def bought(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


# Section 4: the proof


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize(
    "said",
    [
        {"method": "GET"},
        {"url": "https://as.example/oauth/revoke"},
        {"url": "https://testserver/oauth/token"},
        {"url": "http://as.example/oauth/token"},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 257},
        {"htm": None},
        {"htu": None},
        {"htu": 1},
        {"iat": None},
        {"iat": "now"},
        {"iat": lambda: time.time() - 3600},
        {"iat": lambda: time.time() + 3600},
    ],
)
def test_a_proof_that_is_not_for_this_request_is_refused(machine: Flow, prover: Prover, said: Any) -> None:
    said = {name: value() if callable(value) else value for name, value in said.items()}
    refused = own(machine, prover.headers(**said))
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_dpop_proof"
    assert refused.json()["error_description"].startswith("The DPoP proof is not valid: ")


@pytest.mark.spec("RFC 9449", "4.3")
@pytest.mark.parametrize("header", ["", "junk", "a.b.c", "x" * 9000, "é.é.é"])
def test_what_is_no_proof_is_refused(machine: Flow, header: str) -> None:
    assert own(machine, {"DPoP": header}).json()["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "4.3")
def test_more_than_one_header_is_refused(machine: Flow, prover: Prover) -> None:
    refused = own(machine, {"DPoP": f"{prover.proof()}, {prover.proof()}"})
    assert told(refused) == {
        "error": "invalid_dpop_proof",
        "error_description": "The DPoP proof is not valid: there is more than one DPoP header.",
    }


@pytest.mark.spec("RFC 9449", "4.3")
def test_the_address_is_the_issuers_own_whatever_the_host_header_says(machine: Flow, prover: Prover) -> None:
    assert bought(own(machine, prover.headers()))["token_type"] == "DPoP"
    refused = own(machine, prover.headers(url="http://testserver/oauth/token"))
    assert refused.json()["error"] == "invalid_dpop_proof"


def test_operators_are_told_the_address_that_is_known(machine: Flow, prover: Prover, caplog: Any) -> None:
    own(machine, prover.headers(url="http://testserver/oauth/token"))
    assert "its htu is not the address of the request (POST https://as.example/oauth/token)" in caplog.text


@pytest.mark.spec("RFC 9449", "4.3")
def test_the_address_is_compared_without_query_and_after_normalization(machine: Flow, prover: Prover) -> None:
    bought(own(machine, prover.headers(url="HTTPS://AS.example:443/oauth/%74oken?x=y#z")))


@pytest.mark.spec("RFC 9449", "4.1")
@pytest.mark.parametrize("name", ["DPoP", "dpop", "DPOP"])
def test_the_headers_name_is_of_any_case(machine: Flow, prover: Prover, name: str) -> None:
    bought(own(machine, {name: prover.proof()}))


@pytest.mark.spec("RFC 9449", "11.1")
@pytest.mark.parametrize("seconds", [-10, 10])
def test_a_clock_may_be_ten_seconds_off(machine: Flow, prover: Prover, seconds: int) -> None:
    bought(own(machine, prover.headers(iat=time.time() + seconds)))


@pytest.mark.spec("RFC 9449", "11.1")
def test_the_window_is_a_setting(machine: Flow, prover: Prover, settings: Any) -> None:
    dpop(settings, window=timedelta(seconds=20))
    assert own(machine, prover.headers(iat=time.time() - 30)).json()["error"] == "invalid_dpop_proof"
    dpop(settings, window=timedelta(seconds=40))
    bought(own(machine, prover.headers(iat=time.time() - 30)))


@pytest.mark.spec("RFC 9449", "11.5")
@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "oauth-authz-req+jwt", ""])
def test_a_jwt_of_another_use_is_no_proof(machine: Flow, prover: Prover, typ: str) -> None:
    said = jose.unverified(prover.proof())[1]
    refused = own(machine, {"DPoP": jose.sign_embedded(said, prover.pair, typ=typ)})
    assert refused.json()["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "11.6")
def test_an_algorithm_that_the_policy_does_not_permit_is_refused(machine: Flow, prover: Prover, settings: Any) -> None:
    permitted = frozenset({"PS256", "RS256"})
    configure(settings, policy=replace(default_issuer().policy, permitted_algorithms=permitted), signing_alg="RS256")
    assert own(machine, prover.headers()).json()["error"] == "invalid_dpop_proof"
    bought(own(machine, Prover("PS256").headers()))
    document = Browser().get("/.well-known/oauth-authorization-server").json()
    assert set(document["dpop_signing_alg_values_supported"]) == permitted


# Section 5: the token request


@pytest.mark.spec("RFC 9449", "5")
@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_a_proof_binds_the_token(machine: Flow, alg: str) -> None:
    prover = Prover(alg)
    answer = bought(own(machine, prover.headers()))
    assert answer["token_type"] == "DPoP"
    assert machine.introspect(answer["access_token"])["cnf"] == {"jkt": prover.jkt}


@pytest.mark.spec("RFC 9449", "5")
def test_without_a_proof_the_token_is_its_bearers(machine: Flow) -> None:
    assert bought(own(machine))["token_type"] == "Bearer"


@pytest.mark.spec("RFC 9449", "5")
def test_every_grant_takes_a_proof(flow: Flow, prover: Prover) -> None:
    first = bought(flow.exchange(flow.code(), headers=prover.headers()))
    assert first["token_type"] == "DPoP"
    second = bought(flow.refresh(first["refresh_token"], headers=prover.headers()))
    assert second["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449", "5")
def test_a_public_clients_refresh_token_is_bound_to_the_key(public: Flow, prover: Prover) -> None:
    first = bought(public.exchange(public.code(), headers=prover.headers()))
    for headers in ({}, Prover().headers()):
        assert public.refresh(first["refresh_token"], headers=headers).json()["error"] == "invalid_grant"
    second = bought(public.refresh(first["refresh_token"], headers=prover.headers()))
    assert public.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    bought(public.refresh(second["refresh_token"], headers=prover.headers()))


@pytest.mark.spec("RFC 9449", "5")
def test_a_confidential_clients_refresh_token_is_not(flow: Flow, prover: Prover) -> None:
    other = Prover()
    first = bought(flow.exchange(flow.code(), headers=prover.headers()))
    second = bought(flow.refresh(first["refresh_token"], headers=other.headers()))
    assert flow.introspect(second["access_token"])["cnf"] == {"jkt": other.jkt}
    assert bought(flow.refresh(first["refresh_token"]))["token_type"] == "Bearer"


@pytest.mark.spec("RFC 9449", "5.1")
def test_the_metadata_says_which_algorithms(db: None) -> None:
    document = Browser().get("/.well-known/oauth-authorization-server").json()
    assert document["dpop_signing_alg_values_supported"] == ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"]


@pytest.mark.spec("RFC 9449", "5.2")
def test_a_client_that_always_proves_is_refused_without_a_proof(flow: Flow, prover: Prover) -> None:
    register(flow, dpop_bound_access_tokens=True)
    code = flow.code()
    refused = flow.exchange(code)
    assert refused.status_code == 400
    assert told(refused) == {
        "error": "invalid_dpop_proof",
        "error_description": "This client must send a DPoP proof with each request.",
    }
    first = bought(flow.exchange(code, headers=prover.headers()))
    assert flow.refresh(first["refresh_token"]).json()["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "5.2")
def test_a_client_may_register_that_it_always_proves(settings: Any) -> None:
    configure(settings, registration="open")
    registered = Browser().post(
        "/oauth/register",
        {"redirect_uris": ["https://app.example/cb"], "dpop_bound_access_tokens": True},
        content_type="application/json",
    )
    assert registered.status_code == 201, registered.content
    assert registered.json()["dpop_bound_access_tokens"] is True


@pytest.mark.spec("RFC 9449", "5.2")
def test_a_policy_may_demand_it_of_all(machine: Flow, prover: Prover, settings: Any) -> None:
    bound = frozenset({"sender_constrained_tokens"})
    configure(settings, policy=replace(default_issuer().policy, demands=bound))
    assert own(machine).json()["error"] == "invalid_dpop_proof"
    assert bought(own(machine, prover.headers()))["token_type"] == "DPoP"


# Section 6: where the key is told


@pytest.mark.spec("RFC 9449", "6.1")
@pytest.mark.parametrize("stored", [True, False])
def test_a_jwt_says_the_keys_thumbprint(request: Any, prover: Prover, stored: bool) -> None:
    Flow_ = request.getfixturevalue("flow" if stored else "machine")
    Client.objects.update(access_token_format="at+jwt")
    answer = bought(Flow_.exchange(Flow_.code(), headers=prover.headers()) if stored else own(Flow_, prover.headers()))
    assert jose.unverified(answer["access_token"])[1]["cnf"] == {"jkt": prover.jkt}
    said = Flow_.introspect(answer["access_token"])
    assert (said["cnf"], said["token_type"]) == ({"jkt": prover.jkt}, "DPoP")


@pytest.mark.spec("RFC 9449", "6.2")
def test_introspection_says_the_keys_thumbprint(flow: Flow, prover: Prover) -> None:
    answer = bought(flow.exchange(flow.code(), headers=prover.headers()))
    said = flow.introspect(answer["access_token"])
    assert (said["cnf"], said["token_type"]) == ({"jkt": prover.jkt}, "DPoP")


def test_a_verifier_beside_the_server_is_told_the_key(flow: Flow, prover: Prover) -> None:
    answer = bought(flow.exchange(flow.code(), headers=prover.headers()))
    known = {issuer.settings.issuer: issuer for issuer in issuers()}
    verified = verify_access_token(answer["access_token"], known, Token.objects.latest("pk").issued_at)
    assert verified.confirmation == {"jkt": prover.jkt}


# Section 8: nonces


@pytest.mark.spec("RFC 9449", "8")
def test_a_nonce_that_is_required_is_told_and_then_accepted(machine: Flow, prover: Prover, settings: Any) -> None:
    dpop(settings, nonces="required")
    refused = own(machine, prover.headers())
    assert refused.status_code == 400
    assert refused.json()["error"] == "use_dpop_nonce"
    assert refused["Cache-Control"] == "no-store"
    nonce = refused["DPoP-Nonce"]
    assert bought(own(machine, prover.headers(nonce=nonce)))["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449", "8")
@pytest.mark.parametrize("mode", ["required", "offered"])
@pytest.mark.parametrize("nonce", ["stale", "é", "\ud800", "\0"])
def test_a_nonce_that_was_not_handed_out_is_refused(
    machine: Flow, prover: Prover, settings: Any, mode: str, nonce: str
) -> None:
    dpop(settings, nonces=mode)
    refused = own(machine, prover.headers(nonce=nonce))
    assert refused.json()["error"] == "use_dpop_nonce"
    assert refused["DPoP-Nonce"]


@pytest.mark.spec("RFC 9449", "8")
@pytest.mark.parametrize("nonce", [1, ["a"], "x" * 300])
def test_a_nonce_that_is_none_is_no_proof(machine: Flow, prover: Prover, settings: Any, nonce: Any) -> None:
    dpop(settings, nonces="required")
    assert own(machine, prover.headers(nonce=nonce)).json()["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "8.2")
@pytest.mark.parametrize("mode", ["required", "offered"])
def test_an_answer_brings_the_next_nonce(machine: Flow, prover: Prover, settings: Any, mode: str) -> None:
    dpop(settings, nonces=mode)
    nonce = own(machine, prover.headers(nonce="stale"))["DPoP-Nonce"]
    answer = own(machine, prover.headers(nonce=nonce))
    assert answer.status_code == 200
    bought(own(machine, prover.headers(nonce=answer["DPoP-Nonce"])))


@pytest.mark.spec("RFC 9449", "8.1")
def test_a_nonce_has_the_characters_of_one(machine: Flow, prover: Prover, settings: Any) -> None:
    dpop(settings, nonces="required")
    assert re.fullmatch(r"[\x21\x23-\x5B\x5D-\x7E]+", own(machine, prover.headers())["DPoP-Nonce"])


@pytest.mark.spec("RFC 9449", "11.3")
def test_once_a_nonce_was_told_a_proof_without_one_is_refused(machine: Flow, prover: Prover, settings: Any) -> None:
    dpop(settings, nonces="required")
    nonce = own(machine, prover.headers())["DPoP-Nonce"]
    bought(own(machine, prover.headers(nonce=nonce)))
    assert own(machine, prover.headers()).json()["error"] == "use_dpop_nonce"


@pytest.mark.spec("RFC 9449", "11.2")
def test_a_proof_that_was_made_in_advance_lacks_the_nonce(
    machine: Flow, prover: Prover, settings: Any, monkeypatch: Any
) -> None:
    dpop(settings, nonces="required")
    nonce = own(machine, prover.headers())["DPoP-Nonce"]
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert own(machine, prover.headers(nonce=nonce, iat=later.timestamp())).json()["error"] == "use_dpop_nonce"


@pytest.mark.spec("RFC 9449", "8")
def test_a_nonce_that_is_offered_may_be_left_out(machine: Flow, prover: Prover, settings: Any) -> None:
    dpop(settings, nonces="offered")
    answer = own(machine, prover.headers())
    assert answer.status_code == 200
    assert answer["DPoP-Nonce"]


def test_without_nonces_none_is_told_and_none_is_looked_at(machine: Flow, prover: Prover) -> None:
    answer = own(machine, prover.headers(nonce="of another server"))
    assert answer.status_code == 200
    assert "DPoP-Nonce" not in answer


@pytest.mark.spec("RFC 9449", "8")
def test_a_nonce_outlives_the_secret_that_it_was_made_with(machine: Flow, prover: Prover, settings: Any) -> None:
    dpop(settings, nonces="required")
    nonce = own(machine, prover.headers())["DPoP-Nonce"]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another " * 10
    bought(own(machine, prover.headers(nonce=nonce)))
    settings.SECRET_KEY_FALLBACKS = []
    assert own(machine, prover.headers(nonce=nonce)).json()["error"] == "use_dpop_nonce"


@pytest.mark.spec("RFC 9449", "8")
def test_a_request_for_a_nonce_burns_nothing(flow: Flow, prover: Prover, settings: Any) -> None:
    dpop(settings, nonces="required")
    code = flow.code()
    nonce = flow.exchange(code, headers=prover.headers())["DPoP-Nonce"]
    assert not UsedAssertion.objects.exists()
    assert bought(flow.exchange(code, headers=prover.headers(nonce=nonce)))["token_type"] == "DPoP"


def test_a_request_for_a_nonce_is_no_refusal_that_operators_look_for(
    machine: Flow, prover: Prover, settings: Any, caplog: Any
) -> None:
    dpop(settings, nonces="required")
    own(machine, prover.headers())
    assert not [one for one in caplog.records if one.name == "django_oauth_server" and one.levelname == "WARNING"]


# Section 10: codes


@pytest.mark.spec("RFC 9449", "11.9")
@pytest.mark.spec("RFC 9449", "10")
def test_a_code_is_bought_by_the_key_that_was_named(flow: Flow, prover: Prover) -> None:
    code = flow.code(dpop_jkt=prover.jkt)
    for headers in ({}, Prover().headers()):
        assert flow.exchange(code, headers=headers).json()["error"] == "invalid_grant"
    assert bought(flow.exchange(code, headers=prover.headers()))["token_type"] == "DPoP"


@pytest.mark.spec("RFC 9449", "10")
@pytest.mark.parametrize("jkt", ["short", "x" * 44, "é" * 43, "=" * 43])
def test_what_is_no_thumbprint_is_refused(flow: Flow, jkt: str) -> None:
    assert answered(flow.authorize(dpop_jkt=jkt))["error"] == "invalid_request"


@pytest.mark.spec("RFC 9449", "10")
def test_a_key_is_named_once(flow: Flow, prover: Prover) -> None:
    assert answered(flow.authorize(dpop_jkt=[prover.jkt, prover.jkt]))["error"] == "invalid_request"


# Section 11: replay


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_proof_is_accepted_once(machine: Flow, prover: Prover) -> None:
    headers = prover.headers()
    bought(own(machine, headers))
    refused = own(machine, headers)
    assert told(refused) == {
        "error": "invalid_dpop_proof",
        "error_description": "The DPoP proof was used before.",
    }
    assert Token.objects.count() == 1


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_jti_is_its_keys_own(machine: Flow, prover: Prover) -> None:
    bought(own(machine, prover.headers(jti="the same")))
    bought(own(machine, Prover("PS256").headers(jti="the same")))
    assert own(machine, prover.headers(jti="the same")).json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("jti", ["\0", "\ud800", "é", "'; --", " "])
def test_a_jti_is_any_text(machine: Flow, prover: Prover, jti: str) -> None:
    headers = prover.headers(jti=jti)
    bought(own(machine, headers))
    assert own(machine, headers).json()["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_failed_attempt_burns_no_proof(flow: Flow, prover: Prover) -> None:
    headers, code = prover.headers(), flow.code()
    assert flow.exchange("oas_ac_unknown", headers=headers).json()["error"] == "invalid_grant"
    assert flow.exchange(code, headers=headers, code_verifier="x" * 43).json()["error"] == "invalid_grant"
    assert not UsedAssertion.objects.exists()
    bought(flow.exchange(code, headers=headers))


def test_a_proof_that_was_used_burns_no_code(flow: Flow, prover: Prover) -> None:
    headers = prover.headers()
    bought(flow.exchange(flow.code(), headers=headers))
    code = flow.code()
    assert flow.exchange(code, headers=headers).json()["error"] == "invalid_dpop_proof"
    bought(flow.exchange(code, headers=prover.headers()))


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_proof_is_remembered_until_no_server_accepts_it_whose_clock_is_behind(machine: Flow, prover: Prover) -> None:
    headers = prover.headers(iat=time.time() - 290)
    bought(own(machine, headers))
    expired_assertions(timezone.now() + timedelta(seconds=30)).delete()  # by a server whose clock is ahead
    assert own(machine, headers).json()["error"] == "invalid_dpop_proof"


@pytest.fixture
def shared(settings: Any) -> Any:
    """A cache that notes which proofs were used."""
    settings.CACHES = {
        **settings.CACHES,
        "proofs": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "proofs"},
    }
    dpop(settings, cache="proofs")
    yield caches["proofs"]
    caches["proofs"].clear()


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_shared_cache_notes_it_as_well(machine: Flow, prover: Prover, shared: Any) -> None:
    headers = prover.headers()
    bought(own(machine, headers))
    assert own(machine, headers).json()["error"] == "invalid_dpop_proof"
    assert not UsedAssertion.objects.exists()


@pytest.mark.spec("RFC 9449", "11.1")
def test_a_failed_attempt_burns_no_proof_in_the_cache_either(flow: Flow, prover: Prover, shared: Any) -> None:
    headers, code = prover.headers(), flow.code()
    refused = flow.exchange(code, headers=headers, resource="https://unknown.example")
    assert refused.json()["error"] == "invalid_target"
    bought(flow.exchange(code, headers=headers))


@pytest.mark.spec("RFC 9449", "11.1")
def test_while_the_cache_is_away_nothing_is_handed_out(
    machine: Flow, prover: Prover, shared: Any, monkeypatch: Any
) -> None:
    def away(*args: object, **kwargs: object) -> object:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(type(shared), "add", away)
        refused = own(machine, prover.headers())
    assert refused.status_code == 503
    assert refused.json()["error"] == "temporarily_unavailable"
    assert not Token.objects.exists()
    shared_cache.cache_clear()
    bought(own(machine, prover.headers()))


# Browsers of other origins


def test_scripts_may_send_proofs_and_read_nonces(db: None) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    preflight = Browser().options("/oauth/token", headers=asked)
    assert "DPoP" in preflight["Access-Control-Allow-Headers"].split(", ")
    answer = Browser().post("/oauth/token", headers={"Origin": "https://app.example"})
    assert "DPoP-Nonce" in answer["Access-Control-Expose-Headers"].split(", ")


# Settings


@pytest.mark.parametrize(
    ("group", "complaint"),
    [
        ({"nonce": "off"}, "nonces"),
        ({"nonces": "sometimes"}, "nonces must be one of off, offered, required"),
        ({"window": 5}, "window must be a timedelta"),
        ({"window": timedelta()}, "window must be longer than nothing"),
        ({"window": timedelta(days=2)}, "a day at most"),
        ({"nonce_lifetime": timedelta()}, "nonce_lifetime must be longer than nothing"),
    ],
)
def test_settings_that_cannot_be_are_told(settings: Any, group: dict[str, Any], complaint: str) -> None:
    dpop(settings, **group)
    with pytest.raises(ImproperlyConfigured, match=complaint):
        default_issuer()


@pytest.mark.parametrize(
    ("cache", "ids"),
    [("", []), ("default", ["oauth_server.W014"]), ("table", ["oauth_server.W014"]), ("gone", ["oauth_server.E014"])],
)
def test_a_cache_that_does_not_do_is_found_by_a_check(settings: Any, cache: str, ids: list[str]) -> None:
    from django_oauth_server.tokens.bindings.dpop import DPoP

    table = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cached"}
    settings.CACHES = {**settings.CACHES, "table": table}
    dpop(settings, cache=cache)
    assert [found.id for found in DPoP().checks(default_issuer().settings)] == ids
