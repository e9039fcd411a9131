"""JWTs against the keys that their issuer publishes: what passes, and what never does."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.resource.revocations import announce, client_mark
from django_oauth_server.resource.verifiers.base import CannotVerify, InvalidToken
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from django_oauth_server.testing.issuer import REFUSED
from tests.resource.verifying.server import AUDIENCE, JWKS, METADATA, OPENID, TrickServer, as_json, failing
from tests.waiting import PATIENCE

FUTURE = 4_000_000_000


@pytest.fixture(params=["sync", "async"])
def verify(request, jwks):
    return jwks.verify if request.param == "sync" else async_to_sync(jwks.averify)


def signed(server: TrickServer, *, typ: str = "at+jwt", **said: object) -> str:
    """A complete token, but for what a test says otherwise."""
    now = int(time.time())
    claims = {"iss": server.issuer.identifier, "aud": AUDIENCE, "sub": "alice", "client_id": "app", "jti": "one"}
    return server.issuer.sign({**claims, "iat": now, "exp": now + 300, **said}, typ=typ)


def test_a_good_token_says_who_may_do_what(verify, server):
    token = verify(server.issuer.token("notes:read notes:write", sub="alice", client_id="app"))
    assert (token.subject, token.client_id, token.audience) == ("alice", "app", (AUDIENCE,))
    assert token.scopes == {"notes:read", "notes:write"}


@pytest.mark.spec("RFC 9068", "5")
def test_a_client_that_acts_for_itself_is_no_person(verify, server):
    assert verify(server.issuer.token(sub="app", client_id="app")).subject is None


@pytest.mark.spec("RFC 9068", "4")
@pytest.mark.parametrize("kind", sorted({*REFUSED} - {"token_for_another_audience", "token_bound_to_a_key"}))
def test_what_nobody_may_accept_is_refused(verify, server, kind):
    with pytest.raises(InvalidToken):
        verify(getattr(server.issuer, kind)("notes:read"))


@pytest.mark.spec("RFC 9068", "2.2")
@pytest.mark.parametrize("claim", ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"])
def test_a_token_without_a_required_claim_is_refused(verify, server, claim):
    with pytest.raises(InvalidToken):
        verify(signed(server, **{claim: None}))


@pytest.mark.spec("RFC 9068", "4")
@pytest.mark.parametrize(
    "said",
    [
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e999},
        {"iat": FUTURE},
        {"iat": "now"},
        {"iat": float("nan")},
        {"iat": 10**400},
        {"exp": 10**400},
        {"nbf": 1e999},
        {"nbf": FUTURE},
        {"nbf": []},
        {"aud": []},
        {"aud": ""},
        {"aud": {"https://api.example/notes": 1}},
        {"aud": [1]},
        {"iss": "HTTP://127.0.0.1"},
        {"iss": ["https://as.example"]},
        {"sub": ""},
        {"sub": 7},
        {"client_id": ""},
        {"client_id": 7},
        {"scope": ["notes:read"]},
        {"auth_time": "yesterday"},
        {"cnf": {}},
        {"cnf": ["a key"]},
    ],
    ids=str,
)
def test_a_token_that_says_it_wrongly_is_refused(verify, server, said):
    with pytest.raises(InvalidToken):
        verify(signed(server, **said))


@pytest.mark.spec("RFC 9068", "4")
@pytest.mark.parametrize("typ", ["JWT", "", "at", "jwt", "dpop+jwt", "logout+jwt", "secevent+jwt"])
def test_a_token_of_another_type_is_refused(verify, server, typ):
    with pytest.raises(InvalidToken, match="type"):
        verify(signed(server, typ=typ))


@pytest.mark.spec("RFC 9068", "2.1")
@pytest.mark.parametrize("typ", ["application/at+jwt", "AT+JWT"])
def test_the_type_may_be_written_in_full(verify, server, typ):
    assert verify(signed(server, typ=typ)).subject == "alice"


def test_an_algorithm_that_is_not_allowed_here_is_refused(server):
    with pytest.raises(InvalidToken, match="algorithm"):
        JWKSVerifier(server.issuer.identifier, algs=("RS256",)).verify(server.issuer.token())


@pytest.mark.spec("RFC 9068", "4")
@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "a.b.c.d.e", "opaque", "x" * 10_000, "é.ü.ß", "e30.e30.", "[" * 4000, "\ud800.a.b"],
)
def test_junk_is_refused(verify, token):
    with pytest.raises(InvalidToken):
        verify(token)


@pytest.mark.spec("RFC 7519", "4.1.4")
def test_clocks_may_differ_a_little(verify, server):
    now = int(time.time())
    assert verify(server.issuer.token(exp=now - 5, iat=now + 5, nbf=now + 5))


@pytest.mark.spec("RFC 7519", "4.1.4")
def test_a_token_that_was_good_is_refused_once_it_has_expired(verify, server, later):
    token = server.issuer.token(expires_in=timedelta(minutes=5))
    assert verify(token)
    later(timedelta(minutes=5, seconds=12))
    with pytest.raises(InvalidToken, match="expired"):
        verify(token)


def test_what_a_view_does_to_the_claims_is_not_seen_by_another(jwks, server):
    token = server.issuer.token("notes:read")
    jwks.verify(token).claims["scope"] = "admin"
    assert jwks.verify(token).scopes == {"notes:read"}


# -- where the keys are ------------------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8414", "3.1")
def test_the_keys_of_an_issuer_with_a_path_are_found():
    server = TrickServer("/tenant")
    assert JWKSVerifier(server.issuer.identifier).verify(server.issuer.token())
    assert server.calls == {"/.well-known/oauth-authorization-server/tenant": 1, JWKS: 1}
    server.stop()


@pytest.mark.spec("OpenID Connect Discovery", "4")
@pytest.mark.parametrize("status", [404, 401, 500])
def test_the_keys_of_an_openid_provider_are_found(jwks, server, status):
    server.tricks |= {METADATA: failing(status), OPENID: lambda: as_json(server.metadata())}
    assert jwks.verify(server.issuer.token())


@pytest.mark.spec("RFC 8414", "3.3")
def test_metadata_of_another_issuer_is_not_believed(jwks, server):
    server.tricks[METADATA] = lambda: as_json({**server.metadata(), "issuer": "http://127.0.0.1:1"})
    with pytest.raises(CannotVerify, match="another issuer"):
        jwks.verify(server.issuer.token())
    assert server.calls[JWKS] == 0


@pytest.mark.parametrize("address", [None, "", 7, "http://elsewhere.example/jwks", "file:///etc/passwd", "/jwks"])
def test_an_address_that_is_not_https_is_not_followed(jwks, server, address):
    server.tricks[METADATA] = lambda: as_json({**server.metadata(), "jwks_uri": address})
    with pytest.raises(CannotVerify, match="jwks_uri"):
        jwks.verify(server.issuer.token())


def test_the_address_of_the_keys_can_be_named(server):
    verifier = JWKSVerifier(server.issuer.identifier, jwks_uri=server.issuer.identifier + JWKS)
    assert verifier.verify(server.issuer.token())
    assert server.calls == {JWKS: 1}


@pytest.mark.parametrize("document", [[], {}, {"keys": {}}, {"keys": None}, "keys", None])
def test_what_is_no_key_set_is_no_reason_to_refuse_a_token(jwks, server, document):
    server.tricks[JWKS] = lambda: as_json(document)
    with pytest.raises(CannotVerify):
        jwks.verify(server.issuer.token())


def test_an_issuer_that_publishes_no_key_vouches_for_no_token(jwks, server):
    server.tricks[JWKS] = lambda: as_json({"keys": []})
    with pytest.raises(InvalidToken):
        jwks.verify(server.issuer.token())


# -- made in a settings file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"issuer": "as.example"},
        {"issuer": "http://as.example"},
        {"issuer": "https://as.example", "jwks_uri": "http://as.example/jwks"},
        {"issuer": "https://as.example", "algs": ("none",)},
        {"issuer": "https://as.example", "algs": ()},
    ],
)
def test_what_is_not_safe_stops_the_start(arguments):
    with pytest.raises(ImproperlyConfigured):
        JWKSVerifier(**arguments)


def test_a_bundle_that_is_not_there_is_told(server):
    with pytest.raises(ImproperlyConfigured, match="ca_bundle"):
        JWKSVerifier(server.issuer.identifier, ca_bundle="/nowhere.pem")


def test_making_one_asks_nobody(server):
    JWKSVerifier(server.issuer.identifier)
    assert not server.calls


def test_the_issuer_is_told_with_its_endpoints(jwks, server):
    (one,) = jwks.authorization_servers()
    assert one.issuer == server.issuer.identifier
    assert one.token_endpoint == f"{server.issuer.identifier}/token"
    jwks.authorization_servers()
    assert server.calls[METADATA] == 1


def test_an_issuer_that_is_down_is_told_by_its_identifier_and_left_alone(jwks, server, later):
    server.tricks[METADATA] = failing(503)
    for _ in range(5):
        (one,) = jwks.authorization_servers()
        assert (one.issuer, one.token_endpoint) == (server.issuer.identifier, "")
    assert server.calls[METADATA] == 1
    del server.tricks[METADATA]
    later(timedelta(seconds=6))
    assert jwks.authorization_servers()[0].token_endpoint


def test_a_shared_cache_tells_of_a_revoked_token(server):
    jwks = JWKSVerifier(server.issuer.identifier, timeout=timedelta(seconds=PATIENCE), revocation_cache="default")
    token = server.issuer.token("notes:read", client_id="app")
    for verify in (jwks.verify, async_to_sync(jwks.averify)):
        assert verify(token).client_id == "app"
    announce("default", {client_mark(server.issuer.identifier, "app"): None}, timedelta(minutes=1))
    for verify in (jwks.verify, async_to_sync(jwks.averify)):
        with pytest.raises(InvalidToken, match="revoked"):
            verify(token)
