"""Issuers elsewhere that are trusted to vouch for people and workloads (RFC 7523)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.conf.settings import IssuerSettings
from django_oauth_server.conf.workloads import Workload, check_apart
from django_oauth_server.protocol.jose import ALGORITHMS, KeySet
from django_oauth_server.protocol.uris import check_web_uri
from django_oauth_server.values import check_names, settle

ID_JAG: Final = "oauth-id-jag+jwt"
"""The type of an Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant section 3)."""
AssertionType = Literal["oauth-id-jag+jwt", "authorization-grant+jwt", "JWT"]

_LONGEST: Final = timedelta(days=1)
LONGEST_NAME: Final = 255
"""Characters of an issuer identifier, of `sub` (OpenID Connect Core section 2) and of `jti`."""
_NOT_BY_ASSERTION: Final = {
    "openid": "an assertion signs nobody in here",
    "offline_access": "an assertion never brings a refresh token",
}


@dataclass(frozen=True, kw_only=True)
class People:
    """What an issuer's assertions about people are good for (RFC 7523 section 2.1)."""

    scopes: tuple[str, ...]
    """The scopes that an assertion may bring. The client's own limit holds as well."""
    types: tuple[AssertionType, ...] = (ID_JAG, "authorization-grant+jwt")
    """The types (`typ`) of assertions that are accepted. `JWT` accepts those without a type, too, which may have been made for another purpose."""
    by_email: bool = False
    """Whether a person without a link is found by a verified email address, and linked. Requires that your site verifies addresses itself."""
    find: str = ""
    """A [function](../trusted-issuers.md#accounts-of-your-own), by dotted path, that finds the user where no identity is linked."""
    single_use: bool = True
    """Whether each `jti` is accepted once. An assertion without a `jti` can be presented until it expires."""

    def __post_init__(self) -> None:
        settle(self)
        if not self.scopes:
            raise ImproperlyConfigured("People: scopes must name at least one scope.")
        if not self.types:
            raise ImproperlyConfigured("People: types must name at least one type.")
        for scope, why in _NOT_BY_ASSERTION.items():
            if scope in self.scopes:
                raise ImproperlyConfigured(f"People: scopes must not have {scope!r}: {why}.")


@dataclass(frozen=True, eq=False)
class TrustedIssuer:
    """An issuer of another project, and what its JWTs are good for here. By itself, it is trusted with nothing."""

    issuer: str
    """Its issuer identifier: the `iss` of its assertions, character by character."""
    _: KW_ONLY
    keys: str | Mapping[str, object] = ""
    """Its public keys: a JWK Set, or the https address of one. Default: the address in the issuer's metadata."""
    audiences: tuple[str, ...] = ()
    """Accepted values of `aud`, in place of this server's issuer identifier. An ID-JAG must always name that identifier."""
    algorithms: tuple[str, ...] = ALGORITHMS
    """The signature algorithms that are accepted."""
    longest_lifetime: timedelta = timedelta(hours=1)
    """How far in the future an assertion may expire, at most a day."""
    tenant: str = ""
    """The tenant (`tenant`) that is trusted, of an issuer that has several. If empty, assertions that name a tenant are refused."""
    people: People | None = None
    """Which assertions about people are accepted. None: none."""
    workloads: tuple[Workload, ...] = ()
    """Which of its subjects are clients here (RFC 7523 section 2.2)."""
    timeout: timedelta = timedelta(seconds=3)
    """For one request to the issuer."""
    ca_bundle: str = ""
    """A PEM file of the certificate authorities to trust, in place of the system's."""
    token_file: str = ""
    """A file with a bearer token for the address in `keys`, such as a pod's own service account token. The file is read for each request."""

    def __post_init__(self) -> None:
        where = f"TrustedIssuer {self.issuer!r}"
        settle(self)
        if not 0 < len(self.issuer) <= LONGEST_NAME:
            raise ImproperlyConfigured(f"{where}: issuer must have 1 to {LONGEST_NAME} characters.")
        check_names(f"{where}: algorithms has an unknown", self.algorithms, ALGORITHMS)
        if not self.algorithms:
            raise ImproperlyConfigured(f"{where}: algorithms must name at least one algorithm.")
        _check_keys(self, where)
        if not timedelta() < self.longest_lifetime <= _LONGEST:
            raise ImproperlyConfigured(f"{where}: longest_lifetime must be more than zero, and at most a day.")
        if not self.timeout:
            raise ImproperlyConfigured(f"{where}: timeout must be more than zero.")
        try:
            check_apart(self.workloads)
            if self.issuer in [one.subject for one in self.workloads]:
                raise ValueError("a token whose sub is its iss is one that a client signs for itself.")
        except ValueError as exc:
            raise ImproperlyConfigured(f"{where}: workloads: {exc}") from exc
        if self.token_file and not (isinstance(self.keys, str) and self.keys):
            raise ImproperlyConfigured(f"{where}: token_file needs an address in keys: the token is sent nowhere else.")
        if self.ca_bundle and not Path(self.ca_bundle).is_file():
            raise ImproperlyConfigured(f"{where}: ca_bundle {self.ca_bundle!r} is not a file.")


@dataclass(frozen=True, kw_only=True)
class TrustedIssuersSettings:
    """Issuers elsewhere whose JWTs are accepted (RFC 7523): as grants for people, and as proof of who a client is."""

    issuers: tuple[TrustedIssuer, ...] = ()
    """The issuers that are trusted. Each is a `TrustedIssuer`."""

    def __post_init__(self) -> None:
        if not all(isinstance(one, TrustedIssuer) for one in self.issuers):
            return  # the annotation is checked next
        for name in _repeated(one.issuer for one in self.issuers):
            raise ValueError(f"issuers names {name!r} twice.")

    def named(self, issuer: object) -> TrustedIssuer | None:
        """The one whose identifier is *issuer*."""
        return next((one for one in self.issuers if one.issuer == issuer), None)


def trusted_with_people(settings: Iterable[IssuerSettings]) -> Mapping[str, TrustedIssuer]:
    """Those that any of *settings* trusts with people, each issuer and tenant once, by what an operator calls it."""
    said = (one for each in settings for one in each.group(TrustedIssuersSettings).issuers)
    return {named_with_tenant(one.issuer, one.tenant): one for one in said if one.people}


def named_with_tenant(issuer: str, tenant: str) -> str:
    """What an operator calls a trusted issuer, of which there may be several tenants."""
    return f"{issuer} ({tenant})" if tenant else issuer


def is_name(value: object) -> bool:
    """Whether *value* is good as `sub` or `jti`. JSON can say NUL and half a character, which no database takes."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and value.isprintable()


def _check_keys(one: TrustedIssuer, where: str) -> None:
    try:
        if isinstance(one.keys, Mapping):
            fitting = KeySet.of_client(one.keys).fitting or {}
            if not any(fitting[alg] for alg in one.algorithms):
                raise ValueError("no public key there is for one of the algorithms")
        else:
            check_web_uri(one.keys or one.issuer)
    except ValueError as exc:
        said = "issuer" if one.keys == "" else "keys"
        raise ImproperlyConfigured(f"{where}: {said}: {exc}.") from exc


def _repeated(names: Iterable[str]) -> Collection[str]:
    seen = list(names)
    return {one for one in seen if seen.count(one) > 1}
