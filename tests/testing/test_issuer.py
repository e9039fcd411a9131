"""An issuer for tests: what it signs passes, what it should not have signed does not."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import urlopen

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings

from django_oauth_server.protocol import jose
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from django_oauth_server.testing.clients import Client
from django_oauth_server.testing.issuer import REFUSED, FakeIssuer
from django_oauth_server.testing.served import served_issuer
from tests.waiting import PATIENCE

pytestmark = pytest.mark.urls("tests.testing.urls")

PATHS = ["/notes", "/async-notes", "/rest-notes"]


@pytest.mark.parametrize("path", PATHS)
def test_its_token_opens_a_view_without_a_database(fake_issuer: FakeIssuer, token_client: Client, path: str) -> None:
    answer = token_client.with_token(fake_issuer.token("notes:read", sub="alice")).get(path)
    assert (answer.status_code, answer.json()["subject"]) == (200, "alice")
    assert answer.json()["issuer"] == fake_issuer.identifier


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("path", PATHS)
def test_what_must_be_refused_is(fake_issuer: FakeIssuer, token_client: Client, path: str, kind: str) -> None:
    token = getattr(fake_issuer, kind)("notes:read", sub="alice")
    answer = token_client.with_token(token).get(path)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_each_refusal_has_a_reason_of_its_own(fake_issuer: FakeIssuer) -> None:
    """None of them is refused for being broken in another way than it says."""
    reasons = {}
    for kind in set(REFUSED) - {"token_for_another_audience", "token_bound_to_a_key"}:
        with pytest.raises(InvalidToken) as refusal:
            fake_issuer.verifier().verify(getattr(fake_issuer, kind)("notes:read"))
        reasons[kind] = refusal.value.reason
    forged = {"token_of_another_key", "tampered_token"}
    assert len({reason for kind, reason in reasons.items() if kind not in forged}) == len(reasons) - len(forged)
    assert {"BadSignatureError" in reasons[kind] for kind in forged} == {True}
    assert fake_issuer.verifier().verify(fake_issuer.token_for_another_audience("notes:read"))
    assert fake_issuer.verifier().verify(fake_issuer.token_bound_to_a_key("notes:read")).confirmation


def test_without_a_subject_the_client_acts_for_itself(fake_issuer: FakeIssuer) -> None:
    token = fake_issuer.verifier().verify(fake_issuer.token("notes:read", client_id="reports"))
    assert (token.subject, token.client_id) == (None, "reports")


def test_claims_are_added_replaced_and_left_out(fake_issuer: FakeIssuer) -> None:
    token = fake_issuer.verifier().verify(fake_issuer.token(["b", "a"], tenant="acme", jti="1", scope=None))
    assert (token.claims["tenant"], token.claims["jti"], "scope" in token.claims) == ("acme", "1", False)


@pytest.mark.spec("RFC 9068", "2.2")
@pytest.mark.parametrize("claim", ["iss", "exp", "aud", "iat", "jti"])
def test_what_every_token_says_cannot_be_left_out(fake_issuer: FakeIssuer, claim: str) -> None:
    with pytest.raises(InvalidToken):
        fake_issuer.verifier().verify(fake_issuer.token("notes:read", **{claim: None}))


@pytest.mark.spec("RFC 7519", "4.1")
@pytest.mark.parametrize(
    "said",
    [
        {"cnf": {}},
        {"nbf": time.time() + 3600},
        {"iat": time.time() + 3600},
        {"iat": "yesterday"},
        {"nbf": True},
        {"client_id": ""},
        {"client_id": None},
        {"aud": []},
        {"exp": time.time() - 60},
        {"filling": "x" * 9000},
    ],
    ids=[
        "cnf",
        "nbf",
        "iat",
        "iat no number",
        "nbf no number",
        "client_id empty",
        "client_id absent",
        "aud",
        "exp",
        "long",
    ],
)
def test_it_is_as_strict_as_production(said: dict[str, Any]) -> None:
    with served_issuer() as issuer:
        good, token = issuer.token("notes:read"), issuer.token("notes:read", **said)
        for verifier in (issuer.verifier(), JWKSVerifier(issuer.identifier)):
            assert verifier.verify(good) == async_to_sync(verifier.averify)(good)
            with pytest.raises(InvalidToken):
                verifier.verify(token)
            with pytest.raises(InvalidToken):
                async_to_sync(verifier.averify)(token)


@pytest.mark.spec("RFC 9470", "6.2")
def test_the_sign_in_is_said(fake_issuer: FakeIssuer, token_client: Client) -> None:
    now = datetime.now(UTC)
    fresh = fake_issuer.token(sub="alice", acr="phr", auth_time=now)
    stale = fake_issuer.token(sub="alice", acr="phr", auth_time=now - timedelta(hours=1))
    assert token_client.with_token(fresh).get("/stepped-up").status_code == 200
    refused = token_client.with_token(stale).get("/stepped-up")
    assert (refused.status_code, refused.json()["error"]) == (401, "insufficient_user_authentication")


def test_the_projects_resource_is_the_audience(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {"resource": ["https://notes.example", "https://mail.example"], "realm": "notes"}
    issuer = FakeIssuer()
    with issuer.trusted():
        answer = Client().with_token(issuer.token("notes:read")).get("/notes")
        refused = Client().with_token(issuer.expired_token("notes:read")).get("/notes")
    assert (answer.status_code, answer.json()["audience"]) == (200, ["https://notes.example"])
    assert 'realm="notes"' in refused["WWW-Authenticate"], "the rest of the setting stays"


def test_its_own_audience_comes_first() -> None:
    issuer = FakeIssuer(audience="https://mail.example")
    with issuer.trusted():
        answer = Client().with_token(issuer.token("notes:read")).get("/notes")
    assert answer.json()["audience"] == ["https://mail.example"]


def test_trust_ends_with_the_block(fake_issuer: FakeIssuer) -> None:
    before = django_settings.OAUTH_RESOURCE_SERVER
    other = FakeIssuer("https://other.example")
    with other.trusted():
        assert Client().with_token(fake_issuer.token("notes:read")).get("/notes").status_code == 401
        assert Client().with_token(other.token("notes:read")).get("/notes").status_code == 200
    assert django_settings.OAUTH_RESOURCE_SERVER is before
    assert Client().with_token(fake_issuer.token("notes:read")).get("/notes").status_code == 200


def test_a_rotated_key_is_published_beside_the_former(fake_issuer: FakeIssuer) -> None:
    old = fake_issuer.token("notes:read")
    fake_issuer.rotate()
    verifier = fake_issuer.verifier()
    assert verifier.verify(old) and verifier.verify(fake_issuer.token("notes:read"))
    fake_issuer.rotate(withdraw=True)
    with pytest.raises(InvalidToken):
        verifier.verify(old)


@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_every_algorithm(alg: str) -> None:
    issuer = FakeIssuer(alg=alg)
    assert issuer.jwks()["keys"][0]["alg"] == alg
    assert issuer.verifier().verify(issuer.token())


@pytest.mark.spec("RFC 8414", "3.3")
@pytest.mark.parametrize("where", ["oauth-authorization-server", "openid-configuration"])
def test_it_is_found_over_http(where: str) -> None:
    def fetched(url: str) -> Any:
        with urlopen(url, timeout=PATIENCE) as response:
            return json.load(response)

    with served_issuer(audience="https://api.example") as issuer:
        metadata = fetched(f"{issuer.identifier}/.well-known/{where}")
        assert metadata["issuer"] == issuer.identifier
        issuer.rotate()
        keys = jose.KeySet.parse(fetched(metadata["jwks_uri"]))
    assert jose.verify(issuer.token(), keys, typ="at+jwt")["iss"] == metadata["issuer"]


def test_no_key_is_shown() -> None:
    issuer = FakeIssuer()
    assert repr(issuer) == "FakeIssuer('https://issuer.example')"
    assert not any("d" in key for key in issuer.jwks()["keys"])


@pytest.mark.parametrize("order", [1, 2])
def test_the_fixture_leaves_nothing_behind(order: int, settings: Any, fake_issuer: FakeIssuer) -> None:
    """Also where the test sets something after it."""
    assert settings.OAUTH_RESOURCE_SERVER["realm"] == "api"
    settings.OAUTH_RESOURCE_SERVER = settings.OAUTH_RESOURCE_SERVER | {"realm": "notes"}
