"""A verifier that could not work as it is made fails where it is made."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.resource.verifiers.chain import ChainVerifier
from django_oauth_server.resource.verifiers.introspection import IntrospectionVerifier
from django_oauth_server.resource.verifiers.jwks import JWKSVerifier
from django_oauth_server.verifier import LocalVerifier

AS = "https://as.example"


def keys(issuer: object = AS, **said: object) -> JWKSVerifier:
    return JWKSVerifier(issuer, **said)


def asking(**said: object) -> IntrospectionVerifier:
    return IntrospectionVerifier(AS, **{"client_id": "api", "client_secret": "s"} | said)


@pytest.mark.parametrize(
    "make, said, words",
    [
        (keys, {"issuer": None}, "issuer is a string"),
        (keys, {"issuer": ""}, "issuer"),
        (keys, {"audience": ["https://api.example"]}, "audience is a string"),
        (keys, {"audience": None}, "audience is a string"),
        (keys, {"leeway": 10}, "leeway is a timedelta"),
        (keys, {"leeway": timedelta(seconds=-1)}, "leeway must not be"),
        (keys, {"timeout": timedelta(0)}, "timeout must be"),
        (keys, {"lifetime": None}, "lifetime is a timedelta"),
        (keys, {"revocation_cache": True}, "revocation_cache is a string"),
        (keys, {"algs": "ES256"}, "algs"),
        (keys, {"algs": ()}, "algs"),
        (keys, {"algs": ["none"]}, "algs"),
        (asking, {"cache_for": 30}, "cache_for is a timedelta"),
        (asking, {"most_refused": "600"}, "most_refused is a whole number"),
        (asking, {"most_refused": True}, "most_refused is a whole number"),
        (asking, {"client_id": None}, "client_id is a string"),
        (asking, {"client_secret": ""}, "client_secret"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(make, said, words):
    with pytest.raises(ImproperlyConfigured, match=words):
        make(**said)


@pytest.mark.parametrize(
    "verifiers, said, words",
    [
        ((), {}, "needs a verifier"),
        ((JWKSVerifier,), {}, "is none"),
        ((AS,), {}, "is none"),
        ((LocalVerifier(),), {}, "Name it in by_issuer"),
        ((), {"opaque": LocalVerifier}, "is none"),
        ((), {"by_issuer": {AS: None}}, "is none"),
        ((), {"by_issuer": {"": LocalVerifier()}}, "empty issuer"),
        ((keys(), keys()), {}, "Two verifiers"),
    ],
)
def test_a_chain_is_made_of_verifiers(verifiers, said, words):
    with pytest.raises(ImproperlyConfigured, match=words):
        ChainVerifier(*verifiers, **said)
