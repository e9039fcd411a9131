"""Trusted issuers are typed values: a mistake stops the start, at the line that has it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.conf import People, TrustedIssuer, Workload
from django_oauth_server.conf.trusted_issuers import TrustedIssuersSettings
from django_oauth_server.protocol.jose import SigningKeyPair
from tests.assertions import jwks

IDP = "https://idp.example"
PEOPLE = {"scopes": ("notes:read",)}


def test_an_issuer_alone_is_trusted_with_nothing() -> None:
    trusted = TrustedIssuer(IDP)
    assert (trusted.people, trusted.keys, trusted.audiences) == (None, "", ())


def test_lists_are_kept_as_tuples_and_nothing_can_be_changed() -> None:
    trusted = TrustedIssuer(IDP, audiences=["https://as.example"], algorithms=["ES256"])  # type: ignore[arg-type]
    assert (trusted.audiences, trusted.algorithms) == (("https://as.example",), ("ES256",))
    with pytest.raises(FrozenInstanceError):
        trusted.issuer = "https://other.example"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"issuer": ""}, "issuer must have 1 to 255 characters"),
        ({"issuer": "https://" + "x" * 255}, "issuer must have 1 to 255 characters"),
        ({"issuer": "http://idp.example"}, "must be an https address"),
        ({"issuer": 7}, "issuer must be a string"),
        ({"keys": "http://idp.example/jwks"}, "keys: it must be an https address"),
        ({"keys": {"key": []}}, "JWK Set"),
        ({"keys": {"keys": []}}, "keys: no public key there is for one of the algorithms"),
        ({"keys": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, "no public key"),
        ({"keys": jwks(SigningKeyPair.generate("ES256")), "algorithms": ("RS256",)}, "no public key"),
        ({"keys": 7}, "keys must be a string or a dict"),
        ({"audiences": "https://as.example"}, "audiences must be a list or tuple"),
        ({"algorithms": ("HS256",)}, "unknown 'HS256'"),
        ({"algorithms": ("none",)}, "unknown 'none'"),
        ({"algorithms": ("es256",)}, "Did you mean 'ES256'?"),
        ({"algorithms": ()}, "at least one algorithm"),
        ({"longest_lifetime": timedelta()}, "longest_lifetime must be more than zero"),
        ({"longest_lifetime": timedelta(days=2)}, "at most a day"),
        ({"timeout": timedelta()}, "timeout must be more than zero"),
        ({"ca_bundle": "/nowhere.pem"}, "is not a file"),
        ({"workloads": ({"client_id": "ci", "subject": "ci"},)}, "workloads must be a Workload"),
        (
            {"workloads": (Workload(client_id="ci", subject="job"), Workload(client_id="cd", subject="job"))},
            "workloads: a token could be of the workload ci and of cd",
        ),
        ({"workloads": (Workload(client_id="ci", subject=IDP),)}, "whose sub is its iss"),
        ({"people": {"scopes": ("a",)}}, "people must be a People or None"),
    ],
)
def test_a_mistake_in_an_issuer_is_named(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words.replace("?", r"\?")):
        TrustedIssuer(**({"issuer": IDP} | said))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"scopes": ()}, "at least one scope"),
        ({"scopes": "notes:read"}, "scopes must be a list or tuple"),
        ({"scopes": ("openid",)}, "must not have 'openid'"),
        ({"scopes": ("notes:read", "offline_access")}, "must not have 'offline_access'"),
        ({"types": ("at+jwt",)}, "types must be one of oauth-id-jag"),
        ({"types": ()}, "at least one type"),
        ({"by_email": "yes"}, "by_email must be True or False"),
    ],
)
def test_a_mistake_in_what_people_get_is_named(said: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        People(**(PEOPLE | said))


def test_an_issuer_without_an_address_needs_its_keys() -> None:
    assert TrustedIssuer("spiffe://cluster", keys="https://keys.example/jwks").issuer == "spiffe://cluster"
    with pytest.raises(ImproperlyConfigured, match="issuer: "):
        TrustedIssuer("spiffe://cluster")


def test_one_is_not_trusted_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        TrustedIssuersSettings(issuers=(TrustedIssuer(IDP), TrustedIssuer(IDP)))


def test_names_are_compared_character_by_character() -> None:
    settings = TrustedIssuersSettings(issuers=(TrustedIssuer(IDP),))
    assert settings.named(IDP) is settings.issuers[0]
    assert {settings.named(name) for name in (f"{IDP}/", IDP.upper(), "", None, [IDP])} == {None}
