"""Assertions that are forged, replayed, expired, or meant for others: each is refused, explained, and found by its reference."""

from __future__ import annotations

import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from django_oauth_server.conf import People
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.models.used_assertion import UsedAssertion
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.verifier import LocalVerifier
from tests.assertions import jwks
from tests.dpop.prover import Prover
from tests.flow import told
from tests.trusted_issuers.idp import (
    ID_JAG,
    IDP,
    ISSUER,
    KEY,
    MAIL,
    NOTES,
    OTHER,
    OTHER_KEY,
    agent,
    assertion,
    id_jag,
    trusted,
)

pytestmark = pytest.mark.django_db
Present = Callable[..., Any]
Case = tuple[str, str]
Kind = Callable[[], Iterator[Case]]
STRANGER = SigningKeyPair.generate("ES256")
INVALID, UNVERIFIED, NOT_A_JWT = "The assertion is not valid: ", "cannot be verified", "not a signed JWT"


def forged() -> Iterator[Case]:
    """RFC 7523 section 3, item 9; RFC 8725."""
    good = assertion()
    head, claims, signature = good.split(".")
    key = json.dumps(KEY.public_jwk())
    yield good[:-8] + "AAAAAAAA", UNVERIFIED
    yield f"{head}.{assertion(sub='bob').split('.')[1]}.{signature}", UNVERIFIED
    yield assertion(STRANGER), UNVERIFIED
    yield assertion(STRANGER, header={"kid": KEY.kid}), UNVERIFIED
    yield assertion(STRANGER, header={"kid": None}), UNVERIFIED
    yield assertion(STRANGER, header={"jwk": STRANGER.public_jwk()}), UNVERIFIED
    yield assertion(STRANGER, header={"jku": "https://evil.example/jwks", "kid": STRANGER.kid}), UNVERIFIED
    yield assertion(STRANGER, header={"x5u": "https://evil.example/x5u", "x5c": ["AAAA"]}), UNVERIFIED
    yield assertion(header={"kid": "../../../dev/null"}), UNVERIFIED
    yield assertion(header={"kid": "' OR 1=1 --"}), UNVERIFIED
    yield assertion(header={"crit": ["b64"], "b64": True}), UNVERIFIED
    yield assertion(header={"alg": "ES256", "typ": "at+jwt"}), UNVERIFIED
    yield assertion(header={"typ": "JWT"}), UNVERIFIED
    yield assertion(header={"typ": None}), UNVERIFIED
    yield assertion(header={"typ": "logout+jwt"}), UNVERIFIED
    none = jws.serialize_compact(
        {"alg": "HS256", "typ": "authorization-grant+jwt"},
        json.dumps({"iss": IDP}),
        OctKey.import_key(key),
        algorithms=["HS256"],
    )
    yield none, UNVERIFIED
    yield f"{head}.{claims}.", UNVERIFIED
    for alg in ("none", "None"):
        unsigned = json.dumps({"alg": alg, "typ": "authorization-grant+jwt"}).encode()
        yield f"{urlsafe_b64encode(unsigned).decode().rstrip('=')}.{claims}.", UNVERIFIED
    yield f"{head}.{claims}", NOT_A_JWT
    yield "not.a.jwt", NOT_A_JWT
    yield "..", NOT_A_JWT
    yield "x", NOT_A_JWT
    yield "é" * 40, NOT_A_JWT
    yield f"{good}.{good}", NOT_A_JWT
    yield f"{head}.{'W10'}.{signature}", NOT_A_JWT
    yield "x" * 17_000, "longer than 16384 characters"


def misdirected() -> Iterator[Case]:
    """RFC 7523 section 3, items 1 and 3."""
    foreign = "The issuer of the assertion is not trusted here."
    yield assertion(OTHER_KEY, iss=OTHER), foreign
    for name in (f"{IDP}/", IDP.upper(), None, [IDP], {"x": 1}, "", 7, "https://as.example"):
        yield assertion(iss=name), foreign
    for audience in (
        OTHER,
        "https://as.example/",
        "https://as.example/oauth/token",
        "HTTPS://AS.EXAMPLE",
        "",
        None,
        [],
        7,
        {},
    ):
        yield assertion(aud=audience), f"{INVALID}its aud"
    for audience in ([OTHER], ["https://as.example", OTHER], ["https://as.example", 7], [["https://as.example"]]):
        yield assertion(aud=audience), f"{INVALID}its aud"
    yield assertion(tenant="acme"), f"{INVALID}its tenant"
    yield assertion(client_id="another"), f"{INVALID}its client_id"
    yield assertion(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), "possession of that key"
    yield assertion(cnf="jkt"), "possession of that key"
    yield assertion(authorization_details=[{"type": "payment"}]), "authorization_details"


def untimely() -> Iterator[Case]:
    """RFC 7523 section 3, items 4 to 6."""
    for moment in (timedelta(seconds=-1), None, "soon", True, -5, 1e300, float("nan"), float("inf"), [], 10**40):
        yield assertion(exp=moment), f"{INVALID}it has expired"
    yield assertion(exp=timedelta(hours=2)), f"{INVALID}it lives for too long"
    for name in ("iat", "nbf"):
        for moment in (timedelta(minutes=2), "now", False, 1e300):
            yield assertion(**{name: moment}), f"{INVALID}{name} is yet to come"


def unnamed() -> Iterator[Case]:
    """RFC 7523 section 3, item 2: what no database takes, and what is nobody's."""
    for subject in (
        None,
        "",
        7,
        ["alice"],
        {"alice": 1},
        "a\0lice",
        "\ud800",
        "al\nice",
        "x" * 256,
        "x" * 10_000,
        True,
    ):
        yield assertion(sub=subject), f"{INVALID}its sub"
    for subject in ("' OR '1'='1", "alice'--", "ALICE", "alice ", "älice", "%", "*", "1", "alice\u00a0".strip() + "x"):
        yield assertion(sub=subject), "no account is linked"
    for jti in ("", 7, None.__class__, "\ud800", "\0", "x" * 256, ["1"]):
        yield assertion(jti=jti if not isinstance(jti, type) else {}), f"{INVALID}its jti"


@pytest.mark.spec("RFC 7523", "3")
@pytest.mark.spec("RFC 7523", "3.1")
@pytest.mark.parametrize("kind", [forged, misdirected, untimely, unnamed])
def test_what_is_not_accepted_is_explained(trust: Any, present: Present, alice: Any, kind: Kind) -> None:
    trust(throttles={"redemption": None})
    answers = [(words, jwt, present(jwt, scope="notes:read")) for jwt, words in kind()]
    assert {(answer.status_code, told(answer)["error"]) for _, _, answer in answers} == {(400, "invalid_grant")}
    explained = [(words, jwt, told(answer)["error_description"]) for words, jwt, answer in answers]
    assert [one for one in explained if one[0] not in one[2]] == []


@pytest.mark.spec("RFC 7523", "3")
def test_a_replay_is_refused(present: Present, alice: Any) -> None:
    jwt = assertion()
    assert present(jwt, scope="notes:read").status_code == 200
    assert told(present(jwt, scope="notes:read"))["error_description"] == "The assertion was used before."
    assert UsedAssertion.objects.count() == 1


def test_another_client_cannot_replay_it_either(present: Present, alice: Any) -> None:
    jwt = assertion()
    assert present(jwt, scope="notes:read").status_code == 200
    assert told(present(jwt, agent(), scope="notes:read"))["error"] == "invalid_grant"


def test_the_same_jti_in_another_assertion_is_a_replay(present: Present, alice: Any) -> None:
    assert present(assertion(jti="1"), scope="notes:read").status_code == 200
    assert told(present(assertion(jti="1"), scope="notes:read"))["error"] == "invalid_grant"


@pytest.mark.spec("RFC 7523", "2.1")
def test_the_parameter_is_needed_and_sent_once(present: Present, alice: Any) -> None:
    assert told(present("", scope="notes:read"))["error"] == "invalid_request"
    assert told(present([assertion(), assertion()], scope="notes:read"))["error"] == "invalid_request"  # type: ignore[arg-type]


def test_an_algorithm_that_the_issuer_is_not_allowed(trust: Any, present: Present, alice: Any) -> None:
    trust(trusted(keys=jwks(KEY, SigningKeyPair.generate("RS256")), algorithms=("RS256",)))
    assert UNVERIFIED in told(present(assertion(), scope="notes:read"))["error_description"]


@pytest.mark.spec("RFC 8725", "3.11")
def test_untyped_assertions_are_for_issuers_that_may(trust: Any, present: Present, alice: Any) -> None:
    trust(trusted(people=People(scopes=("notes:read",), types=("JWT",))))
    for typ in ("JWT", "jwt", None):
        assert present(assertion(header={"typ": typ}), scope="notes:read").status_code == 200
    for typ in (ID_JAG, "at+jwt", "logout+jwt"):
        assert UNVERIFIED in told(present(assertion(header={"typ": typ}), scope="notes:read"))["error_description"]


@pytest.mark.spec("RFC 7523", "3")
def test_an_audience_that_the_settings_name_takes_the_place_of_the_issuer(
    trust: Any, present: Present, alice: Any
) -> None:
    trust(trusted(audiences=("api://notes",)))
    assert present(assertion(aud="api://notes"), scope="notes:read").status_code == 200
    assert told(present(assertion(), scope="notes:read"))["error"] == "invalid_grant"


def test_keys_by_value_need_no_kid_where_one_fits(present: Present, alice: Any) -> None:
    assert present(assertion(header={"kid": None}), scope="notes:read").status_code == 200


@pytest.mark.spec("RFC 7523", "3")
def test_keys_of_another_issuer_do_not_count(trust: Any, present: Present, alice: Any) -> None:
    trust(trusted(), trusted(OTHER, keys=jwks(STRANGER)))
    assert UNVERIFIED in told(present(assertion(STRANGER), scope="notes:read"))["error_description"]


def test_a_refusal_is_found_by_its_reference_with_the_rule(present: Present, alice: Any, client_app: Any) -> None:
    reference = present(assertion(aud=OTHER), scope="notes:read").json()["error_reference"]
    row = Refusal.objects.get(reference=reference)
    assert (row.client_id, row.parameter, row.rule) == (client_app.client_id, "assertion", "RFC 7523 section 3")
    assert IDP in row.reason


@pytest.mark.spec("RFC 7523", "3")
def test_a_person_without_a_link_is_named_to_the_operator_alone(
    present: Present, trust: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "django_oauth_server"):
        response = present(assertion(sub="carol"), scope="notes:read")
    assert "carol" not in response.content.decode() and "carol" in caplog.text
    assert Refusal.objects.get(reference=response.json()["error_reference"]).rule == "linked identities"


def test_neither_log_nor_refusal_has_the_assertion(
    present: Present, alice: Any, caplog: pytest.LogCaptureFixture
) -> None:
    jwt = assertion(aud=OTHER)
    with caplog.at_level(logging.DEBUG):
        present(jwt, scope="notes:read")
    assert jwt not in caplog.text and jwt.split(".")[1] not in caplog.text
    assert jwt not in str(list(Refusal.objects.values()))


def audience(answer: dict[str, Any]) -> tuple[str, ...]:
    """The APIs that the token of *answer* is for."""
    return LocalVerifier().verify(answer["access_token"]).audience


@pytest.mark.spec("Identity Assertion JWT Authorization Grant", "4.4.1")
class TestIDJAG:
    """The Identity Assertion JWT Authorization Grant, section 4.4."""

    @pytest.mark.spec("MCP", "mcp-authorization-extensions")
    def test_it_brings_a_token_for_its_resource_with_its_scope(
        self, present: Present, alice: Any, client_app: Any
    ) -> None:
        """Whatever the client asks for, and wherever tokens are for by default."""
        for resource in (NOTES, MAIL):
            answer = present(id_jag(client_app, resource=resource)).json()
            assert (answer["scope"], "refresh_token" in answer) == ("notes:read", False)
            assert audience(answer) == (resource,)

    def test_its_audience_may_be_a_list_of_one(self, present: Present, alice: Any, client_app: Any) -> None:
        assert present(id_jag(client_app, aud=["https://as.example"])).status_code == 200

    @pytest.mark.spec("MCP", "mcp-authorization-extensions")
    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"client_id": None}, "an ID-JAG must have client_id"),
            ({"client_id": "another"}, "its client_id is not the client that authenticated"),
            ({"client_id": ["agent"]}, "its client_id is not the client that authenticated"),
            ({"jti": None}, "an ID-JAG must have jti"),
            ({"iat": None}, "an ID-JAG must have iat"),
            ({"aud": "https://as.example/oauth/token"}, "its aud"),
            ({"scope": 7}, "its scope is not a string"),
            ({"scope": ["notes:read"]}, "its scope is not a string"),
            ({"authorization_details": [{"type": "x"}]}, "authorization_details"),
        ],
    )
    def test_what_it_must_say(self, present: Present, alice: Any, client_app: Any, said: Any, words: str) -> None:
        refusal = told(present(id_jag(client_app, **said)))
        assert refusal["error"] == "invalid_grant" and words in refusal["error_description"]

    @pytest.mark.spec("MCP", "mcp-authorization-extensions")
    def test_it_names_the_issuer_whatever_else_is_accepted(
        self, trust: Any, present: Present, alice: Any, client_app: Any
    ) -> None:
        trust(trusted(audiences=("https://as.example", "api://notes")))
        refusal = told(present(id_jag(client_app, aud="api://notes")))
        assert "must be the issuer identifier" in refusal["error_description"]

    @pytest.mark.parametrize(
        ("said", "asked", "error"),
        [
            ({"scope": "notes:read"}, {"scope": "notes:write"}, "invalid_scope"),
            ({"scope": "email"}, {}, "invalid_scope"),
            ({"scope": "unknown"}, {}, "invalid_scope"),
            ({"scope": ""}, {}, "invalid_scope"),
            ({"scope": '"'}, {}, "invalid_scope"),
            ({"resource": "https://elsewhere.example"}, {}, "invalid_target"),
            ({"resource": 7}, {}, "invalid_target"),
            ({"resource": []}, {}, "invalid_target"),
            ({}, {"resource": "https://api.example/mail"}, "invalid_target"),
        ],
    )
    def test_nobody_gets_more_than_it_says(
        self, present: Present, alice: Any, client_app: Any, said: Any, asked: Any, error: str
    ) -> None:
        assert told(present(id_jag(client_app, **said), **asked))["error"] == error

    @pytest.mark.parametrize(
        ("said", "asked", "scope", "for_whom"),
        [
            ({"scope": "notes:read notes:write email"}, {}, "notes:read notes:write", (NOTES,)),
            ({"scope": "notes:read notes:write"}, {"scope": "notes:write"}, "notes:write", (NOTES,)),
            ({"resource": [MAIL, "https://elsewhere.example"]}, {}, "notes:read", (MAIL,)),
            ({"resource": [NOTES, MAIL]}, {}, "notes:read", (NOTES, MAIL)),
            ({"resource": [NOTES, MAIL]}, {"resource": MAIL}, "notes:read", (MAIL,)),
            ({"resource": None}, {"resource": MAIL}, "notes:read", (MAIL,)),
            ({"resource": None}, {}, "notes:read", (ISSUER,)),
        ],
    )
    def test_less_may_be_granted(
        self, present: Present, alice: Any, client_app: Any, said: Any, asked: Any, scope: str, for_whom: Any
    ) -> None:
        answer = present(id_jag(client_app, **said), **asked).json()
        assert (answer["scope"], audience(answer)) == (scope, for_whom)

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "7.4")
    def test_one_that_is_bound_to_a_key_is_for_its_holder_alone(
        self, present: Present, alice: Any, client_app: Any
    ) -> None:
        prover, jwt = Prover(), partial(id_jag, client_app)
        bound = {"cnf": {"jkt": prover.jkt}}
        assert present(jwt(**bound), headers=prover.headers()).json()["token_type"] == "DPoP"
        for headers in ({}, Prover().headers()):
            refusal = told(present(jwt(**bound), headers=headers))
            assert refusal["error"] == "invalid_grant" and "possession of that key" in refusal["error_description"]
        assert told(present(jwt(cnf={"x5t#S256": "abc"}), headers=prover.headers()))["error"] == "invalid_grant"
