"""Least privilege: an access token is for what was asked now, within what was allowed (RFC 8707, RFC 9700 section 2.3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from django_oauth_server.conf import Resource
from django_oauth_server.errors import InvalidScope, InvalidTarget
from django_oauth_server.grants.base import Issuance
from django_oauth_server.issuer import Issuer


def check_resources(asked: Collection[str], issuer: Issuer) -> None:
    """RFC 8707 section 2: raise `InvalidTarget` for a resource that the issuer does not know."""
    for identifier in asked:
        if identifier not in issuer.settings.resources and identifier != issuer.settings.default_resource:
            raise InvalidTarget(
                "The parameter resource names an API that this server does not know.", detail=f"resource {identifier!r}"
            )


def narrow(issuance: Issuance, asked: tuple[str, ...], issuer: Issuer) -> tuple[Issuance, tuple[str, ...]]:
    """What *issuance* becomes for the resources *asked* for, and the audience of the access token.

    Raises `InvalidTarget` for one that was not allowed, `InvalidScope` where nothing is left.
    """
    check_resources(asked, issuer)
    asked = tuple(dict.fromkeys(asked))
    if issuance.resources is not None and not set(asked) <= set(
        issuance.resources or (issuer.settings.default_resource,)
    ):
        raise InvalidTarget("The parameter resource names an API that was not part of what was allowed.")
    audience = asked or issuance.resources or ()
    scopes = issuance.scopes & _meaningful(audience, issuer) if audience else issuance.scopes
    if not scopes:
        raise InvalidScope("None of the scopes asked for can be had there.")
    return replace(issuance, scopes=scopes, granted=issuance.granted or issuance.scopes), audience


def _meaningful(audience: tuple[str, ...], issuer: Issuer) -> frozenset[str]:
    known = [
        declared
        for identifier in audience
        if isinstance(declared := issuer.settings.resources.get(identifier), Resource)
    ]
    if len(known) < len(audience) or any(one.scopes is None for one in known):
        return frozenset(issuer.settings.scopes)
    return frozenset(scope for one in known for scope in one.scopes or ())
