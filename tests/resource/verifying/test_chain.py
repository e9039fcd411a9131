"""Several issuers: each token is shown to the one that it is for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.resource.verifiers.chain import ChainVerifier
from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from django_oauth_server.testing.issuer import FakeIssuer
from tests.resource.verifiers import KnownTokens
from tests.resource.verifying.server import AUDIENCE, INTROSPECT, TrickServer


@pytest.fixture
def other() -> Iterator[TrickServer]:
    server = TrickServer()
    yield server
    server.stop()


@pytest.fixture
def chain(server: TrickServer, other: TrickServer) -> ChainVerifier:
    return ChainVerifier(
        JWKSVerifier(server.issuer.identifier, audience=AUDIENCE),
        JWKSVerifier(other.issuer.identifier, audience=AUDIENCE),
        opaque=IntrospectionVerifier(other.issuer.identifier, client_id="api", client_secret="s", audience=AUDIENCE),
    )


@pytest.fixture(params=["sync", "async"])
def verify(request, chain):
    return chain.verify if request.param == "sync" else async_to_sync(chain.averify)


def test_a_jwt_is_verified_by_the_keys_of_its_issuer(verify, server, other):
    assert verify(server.issuer.token()).issuer == server.issuer.identifier
    assert not other.calls
    assert verify(other.issuer.token()).issuer == other.issuer.identifier


def test_an_opaque_token_is_asked_about(verify, server, other):
    other.allow("opaque")
    assert verify("opaque").issuer == other.issuer.identifier
    assert not server.calls


@pytest.mark.parametrize("token", ["a.b.c", "opaque.with.dots", "..", "1.2.3.4"])
def test_what_is_no_jwt_is_opaque_whatever_its_dots(verify, other, token):
    other.allow(token)
    assert verify(token)


@pytest.mark.spec("RFC 9068", "4")
def test_a_token_of_an_unknown_issuer_is_shown_to_nobody(verify, server, other):
    for token in (FakeIssuer("https://stranger.example", audience=AUDIENCE).token(), server.issuer.token(iss=None)):
        with pytest.raises(InvalidToken, match="unknown issuer"):
            verify(token)
    assert not server.calls
    assert not other.calls


@pytest.mark.spec("RFC 9068", "4")
def test_the_name_of_another_issuer_opens_nothing(verify, server, other):
    with pytest.raises(InvalidToken):
        verify(server.issuer.token(iss=other.issuer.identifier))


def encoded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("issuer", [None, 7, [], {}, "", True])
def test_a_jwt_that_names_its_issuer_wrongly_is_refused(verify, other, issuer):
    with pytest.raises(InvalidToken):
        verify(f"{encoded({'alg': 'none'})}.{encoded({'iss': issuer})}.")
    assert other.calls[INTROSPECT] == 0


@pytest.mark.parametrize("token", ["x" * 10_000, "[" * 4000 + ".a.b", f"{encoded([])}.{encoded([])}.", "é.ü.ß"])
def test_junk_is_refused(verify, token):
    with pytest.raises(InvalidToken):
        verify(token)


def test_where_nobody_is_named_for_opaque_tokens_they_are_refused(server):
    with pytest.raises(InvalidToken):
        ChainVerifier(JWKSVerifier(server.issuer.identifier)).verify("opaque")


def test_a_verifier_may_be_named_for_an_issuer(server):
    issuer = FakeIssuer("https://here.example", audience=AUDIENCE)
    chain = ChainVerifier(
        JWKSVerifier(server.issuer.identifier), by_issuer={issuer.identifier: issuer.verifier()}, opaque=KnownTokens()
    )
    assert chain.verify(issuer.token()).issuer == issuer.identifier
    assert chain.verify("reader").scopes == {"notes:read"}


def test_it_tells_of_all_issuers_in_their_order_and_once(chain, server, other):
    told = [one.issuer for one in chain.authorization_servers()]
    assert told == [server.issuer.identifier, other.issuer.identifier]


def test_its_audience_is_the_one_on_which_all_agree(chain, server):
    assert chain.default_audience == AUDIENCE
    verifier = JWKSVerifier(server.issuer.identifier, audience="https://elsewhere.example")
    assert ChainVerifier(verifier, opaque=KnownTokens()).default_audience == ""


def test_a_chain_of_nothing_or_of_two_for_one_issuer_stops_the_start(server):
    one = JWKSVerifier(server.issuer.identifier)
    for make in (lambda: ChainVerifier(), lambda: ChainVerifier(one, one)):
        with pytest.raises(ImproperlyConfigured):
            make()


def test_no_secret_is_shown(chain):
    assert "client_secret" not in repr(chain)
