"""Security profiles: each a `Policy` constant. Code reads a policy's members, never its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is demanded and what is offered. `allow_…` loosens, `require_…` tightens, `maximum_…` bounds, `permitted_…` leaves nothing else."""

    name: str
    """Its name as a profile, if it is one of `policies`."""
    require_pkce: bool = True
    """Every client sends a code challenge (OAuth 2.1 section 4.1.1). Public clients must, whatever this says."""
    require_consent_of_unproven_clients: bool = True
    """A client whose identity nothing proves (public, with a loopback or private-use redirect URI) asks each time (OAuth 2.1 section 7.3.1)."""
    require_refresh_token_rotation: bool = False
    """Rotate for confidential clients too. Public clients' refresh tokens are rotated, whatever this says (RFC 9700 section 2.2.2)."""
    require_issuer_audience: bool = True
    """A client assertion names the issuer alone as its audience (OAuth 2.1 section 2.4). Else the endpoint that is called will do as well."""
    allow_plain_pkce: bool = False
    """Accept `code_challenge_method=plain` (RFC 7636 section 4.2), which protects nothing once the request is seen."""
    allow_implicit: bool = False
    """Offer response_type=token (RFC 6749 section 4.2; RFC 9700 section 2.1.2 advises against it) and its OpenID Connect kin."""
    allow_hybrid: bool = False
    """Offer a code and more at once (OpenID Connect Core section 3.3)."""
    allow_password: bool = False
    """Offer the password grant (RFC 6749 section 4.3; RFC 9700 section 2.4 forbids it)."""
    allow_http_redirect_uris: bool = False
    """Register http redirect URIs that leave the device."""
    maximum_code_lifetime: timedelta = timedelta(minutes=10)
    """RFC 6749 section 4.1.2."""
    permitted_algorithms: frozenset[str] | None = None
    """Algorithms (RFC 7518 section 3.1) of signatures that clients make, or that this server makes for them: `{"ES256"}`. None: all."""
    permitted_client_auth_methods: frozenset[str] | None = None
    """Client authentication methods: `{"private_key_jwt"}`. Public clients need `none`. None: all."""
    demands: frozenset[str] = frozenset()
    """Further demands, by the [names that components declare](components.md#demands)."""

    def algorithms(self, among: Iterable[str]) -> tuple[str, ...]:
        """Those of *among* that are permitted, in their order."""
        permitted = self.permitted_algorithms
        return tuple(among) if permitted is None else tuple(alg for alg in among if alg in permitted)


OAUTH2_1: Final = Policy(name="oauth2_1")
"""The default: OAuth 2.1 and RFC 9700."""

OPENID_CONNECT: Final = Policy(
    name="openid_connect",
    require_pkce=False,
    require_issuer_audience=False,
    allow_implicit=True,
    allow_hybrid=True,
)
"""All that OpenID Connect Core has, for relying parties that were written before OAuth 2.1. `manage.py check` names each risk."""

LEGACY: Final = Policy(
    name="legacy",
    require_pkce=False,
    require_issuer_audience=False,
    require_consent_of_unproven_clients=False,
    allow_plain_pkce=True,
    allow_implicit=True,
    allow_password=True,
    allow_http_redirect_uris=True,
)
"""RFC 6749 as it was in 2012, for clients that cannot be changed. `manage.py check` names each risk."""

PROFILES: Final = {policy.name: policy for policy in (OAUTH2_1, OPENID_CONNECT, LEGACY)}


def profiles(own: Iterable[Policy]) -> dict[str, Policy]:
    """The profiles there are, with a deployment's *own* policies."""
    return PROFILES | {policy.name: policy for policy in own}


def tighten(*policies: Policy) -> Policy:
    """The policy that satisfies each of *policies*: profile, then issuer, then client. Nothing is loosened by composing."""
    if len(set(policies)) == 1:
        return policies[0]
    tightest = {
        field.name: _TIGHTER[field.name.partition("_")[0]]([getattr(policy, field.name) for policy in policies])
        for field in fields(Policy)
        if field.name != "name"
    }
    return Policy(name="+".join(policy.name for policy in policies), **tightest)


def _common(permitted: list[frozenset[str] | None]) -> frozenset[str] | None:
    """What each permits. It may be nothing, which is not None."""
    named = [one for one in permitted if one is not None]
    return frozenset.intersection(*named) if named else None


def _together(demanded: list[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*demanded)


_TIGHTER: Final[Mapping[str, Callable[[list[Any]], Any]]] = {
    "require": any,
    "allow": all,
    "maximum": min,
    "permitted": _common,
    "demands": _together,
}
