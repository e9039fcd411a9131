"""Least privilege: an access token is for what was asked now, within what was allowed (RFC 8707, RFC 9700 section 2.3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from django_oauth_server.conf import OPENID_SCOPES
from django_oauth_server.errors import InvalidScope, InvalidTarget
from django_oauth_server.grants.base import Issuance
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.uris import comparable


def known_resources(asked: Collection[str], issuer: Issuer) -> tuple[str, ...]:
    """RFC 8707 section 2: the resources that are *asked* for, as the issuer writes them. Raises `InvalidTarget` for one that it does not know."""
    return tuple(dict.fromkeys(_known(identifier, issuer) for identifier in asked))


def _known(identifier: str, issuer: Issuer) -> str:
    name = issuer.settings.resource_named(identifier)
    if name is None:
        raise InvalidTarget(
            "The parameter resource names an API that this server does not know.", detail=f"resource {identifier!r}"
        )
    return name


def narrow(issuance: Issuance, asked: tuple[str, ...], issuer: Issuer) -> tuple[Issuance, tuple[str, ...]]:
    """What *issuance* becomes for the resources *asked* for, and the audience of the access token.

    Raises `InvalidTarget` for one that was not allowed, `InvalidScope` where nothing is left.
    """
    asked = known_resources(asked, issuer)
    allowed = None if issuance.resources is None else issuance.resources or (issuer.settings.default_resource,)
    if allowed is not None and not set(map(comparable, asked)) <= set(map(comparable, allowed)):
        raise InvalidTarget("The parameter resource names an API that was not included in the authorization.")
    audience = asked or issuance.resources or ()
    meaningful = _meaningful(audience, issuer)
    if issuance.scopes <= meaningful and issuance.scopes:
        return issuance, audience
    scopes = issuance.scopes & meaningful
    if not scopes:
        raise InvalidScope("None of the requested scopes can be used at the requested resource.")
    return replace(issuance, scopes=scopes, granted=issuance.granted or issuance.scopes), audience


def offered(resource: str, issuer: Issuer) -> frozenset[str]:
    """All scopes that a token for *resource* can have: for the default one those as well of a token for which a client has named no resource."""
    is_default = issuer.settings.resource_named(resource) == issuer.settings.default_resource
    meaningful = _meaningful((resource,), issuer) | (_meaningful((), issuer) if is_default else frozenset())
    return meaningful & issuer.settings.scopes.keys()


def _meaningful(audience: tuple[str, ...], issuer: Issuer) -> frozenset[str]:
    """Where no resource is named, the token is for the default one, and for UserInfo."""
    known = issuer.settings.declared(audience)
    if len(known) < max(len(audience), 1) or any(one.scopes is None for one in known):
        return frozenset(issuer.settings.scopes)
    of_userinfo = () if audience else OPENID_SCOPES
    return frozenset(scope for one in known for scope in one.scopes or ()).union(of_userinfo)
