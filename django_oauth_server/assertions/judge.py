"""Assertions of issuers elsewhere (RFC 7521 section 5, RFC 7523 section 3): whose they are, and what they must say, whatever they are used for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.views.decorators.debug import sensitive_variables

from django_oauth_server.assertions.keys import read_signed
from django_oauth_server.conf import TrustedIssuer
from django_oauth_server.conf.moments import moment
from django_oauth_server.conf.trusted_issuers import LONGEST_NAME, TrustedIssuersSettings, is_name
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.jose import InvalidJWT, media_type, unverified, verify, why_untimely
from django_oauth_server.protocol.json_object import is_storable, texts
from django_oauth_server.resource.verifiers.http import Unreachable

LONGEST: Final = 16 * 1024
"""Characters of an assertion."""
_PAUSE: Final = 5
"""Seconds after which to try again, where the issuer names no time."""
_UNTYPED: Final = ("jwt", "")


class NotAccepted(Exception):
    """An assertion proves nothing here. *reason* is for whoever presents it, *detail* for the log; neither holds the assertion."""

    def __init__(self, reason: str, *, rule: str, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason
        self.rule = rule
        """What was broken: a section, or the setting."""
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a trusted issuer says. Signature, type, audience and times are judged; what it is good for is not."""

    trusted: TrustedIssuer
    typ: str
    """Its type, in lower case and without `application/`; empty where it says none."""
    claims: Mapping[str, object] = field(repr=False)
    subject: str
    """`sub`: a printable string."""
    jti: str
    """Empty where it has none."""
    expires_at: datetime


def trusted_issuer_of(token: str, issuer: Issuer) -> TrustedIssuer:
    """The trusted issuer that *token* says it is of. Nothing is verified. Raises `NotAccepted`."""
    if len(token) > LONGEST:
        raise NotAccepted(f"The assertion is longer than {LONGEST} characters.", rule="RFC 7521 section 5.2")
    try:
        name = unverified(token)[1].get("iss")
    except InvalidJWT as exc:
        raise NotAccepted(
            "The assertion is not a signed JWT.", rule="RFC 7523 section 3, item 10", detail=str(exc)
        ) from exc
    trusted = issuer.settings.group(TrustedIssuersSettings).named(name)
    if trusted is None:
        raise NotAccepted(
            "The issuer of the assertion is not trusted here.",
            rule="trusted_issuers",
            detail=f"iss {repr(name)[:LONGEST_NAME]}",
        )
    return trusted


@sensitive_variables("token")
def judged(
    token: str, trusted: TrustedIssuer, issuer: Issuer, algs: Collection[str], types: Collection[str], now: datetime
) -> Assertion:
    """What *token* says, if *trusted* signed it for this server and it holds now.

    It has to be signed with one of *algs* that *trusted* may use, and its `typ` has to be one of *types*; `JWT` stands for no `typ` as well (RFC 8725
    section 3.11). Callers check whether it was used before. Raises `NotAccepted`, or `TemporarilyUnavailable` where the issuer's keys cannot be had.
    """
    claims = _signed(token, trusted, algs, types)
    for reason in _faults(claims, trusted, issuer, now):
        raise NotAccepted(f"The assertion is not valid: {reason}.", rule="RFC 7523 section 3", detail=trusted.issuer)
    expires = claims["exp"]
    assert isinstance(expires, int | float)
    typ = media_type(unverified(token)[0].get("typ", ""))
    return Assertion(trusted, typ, claims, str(claims["sub"]), str(claims.get("jti", "")), moment(expires))


@sensitive_variables("token")
def _signed(token: str, trusted: TrustedIssuer, algs: Collection[str], types: Collection[str]) -> Mapping[str, object]:
    accepted = tuple(dict.fromkeys(one for typ in types for one in (_UNTYPED if media_type(typ) == "jwt" else (typ,))))
    permitted = [alg for alg in trusted.algorithms if alg in algs]
    try:
        return read_signed(trusted, lambda keys: verify(token, keys, algs=permitted, typ=accepted))
    except InvalidJWT as exc:
        raise NotAccepted(
            "The assertion cannot be verified.",
            rule="RFC 7523 section 3, item 9",
            detail=f"{trusted.issuer}: {exc}",
        ) from exc
    except Unreachable as exc:
        away = TemporarilyUnavailable(
            "The keys of the assertion's issuer cannot be fetched right now.", detail=f"{trusted.issuer}: {exc}"
        )
        away.retry_after = exc.retry_after or _PAUSE
        raise away from exc


def _faults(claims: Mapping[str, object], trusted: TrustedIssuer, issuer: Issuer, now: datetime) -> Iterator[str]:
    """What is wrong with *claims*, in the order in which a developer would mend it."""
    if claims.get("iss") != trusted.issuer:
        yield "its iss is another than it seemed"
    if not _is_for(claims.get("aud"), trusted.audiences or (issuer.settings.issuer,)):
        yield "its aud must name this server, and nobody else"
    yield from why_untimely(claims, now.timestamp(), trusted.longest_lifetime)
    if not is_name(claims.get("sub")):
        yield f"its sub must be a printable string of at most {LONGEST_NAME} characters"
    if "jti" in claims and not is_name(claims["jti"]):
        yield f"its jti must be a printable string of at most {LONGEST_NAME} characters"
    if claims.get("tenant", "") != trusted.tenant:
        yield "its tenant is not the one that is trusted"
    if not all(map(is_storable, texts(claims))):  # a function of the deployment's may look for any of them
        yield "it has a NUL character or an unpaired surrogate"


def _is_for(said: object, accepted: Collection[str]) -> bool:
    """Whether it is meant for this server alone: whoever else received it could present it here (draft-ietf-oauth-rfc7523bis section 3)."""
    audience = said if isinstance(said, list) else [said]
    return bool(audience) and all(isinstance(one, str) and one in accepted for one in audience)
