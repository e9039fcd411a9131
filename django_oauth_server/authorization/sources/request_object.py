"""Request objects (OpenID Connect Core section 6, RFC 9101): the parameters of a request, in a JWT that the client has signed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from django.utils import timezone

from django_oauth_server.authorization.sources.base import Arrival, Found
from django_oauth_server.clients.keys import verify_signed
from django_oauth_server.errors import InvalidRequestObject
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.response_types import in_order

_TYPE: Final = "oauth-authz-req+jwt"
"""RFC 9101's own: the client knows that text, in which an object is the whole request."""
TYPES: Final = (_TYPE, "JWT", "")
"""The header's `typ`, which need not be there (RFC 9101 section 10.8)."""
ALGORITHMS: Final = tuple(sorted(jose.ALGORITHMS, key=lambda alg: alg != "RS256"))
"""All are signatures: `none` is not among them."""
_NEVER_INSIDE: Final = ("request", "request_uri")


def read_request_object(token: str, arrival: Arrival) -> Found:
    """The parameters that *token* holds. Raises `InvalidRequestObject`."""
    registered = arrival.client.metadata.get("request_object_signing_alg")
    algs = tuple(alg for alg in ALGORITHMS if alg == (registered or alg))
    try:
        claims = verify_signed(token, arrival.client, arrival.issuer, algs=algs, typ=TYPES)
    except jose.InvalidJWT as exc:
        words = "The request object is not a JWT that is signed with the client's registered key and algorithm."
        raise InvalidRequestObject(words, detail=str(exc)) from exc
    alone = jose.media_type(jose.unverified(token)[0].get("typ")) == _TYPE
    for fault in _faults(claims, arrival, timezone.now().timestamp(), alone=alone):
        raise InvalidRequestObject(f"The request object is not valid: {fault}.")
    return Found(_parameters(claims, arrival), alone)


def _faults(claims: Mapping[str, object], arrival: Arrival, now: float, *, alone: bool) -> Iterator[str]:
    """What is wrong with *claims*, which the client has signed (OpenID Connect Core section 6.1, RFC 9101 sections 4 and 6.3).

    *alone*: what was sent beside them does not count, so that it cannot contradict them.
    """
    client_id = arrival.client.client_id
    if claims.get("iss", client_id) != client_id:
        yield "its iss is not the client"
    if not _is_meant_for(claims, arrival.issuer.settings.issuer):
        yield "its aud is not this server"
    if claims.get("sub") == client_id:
        yield "its sub is the client, so it could be used as a client assertion (RFC 9101 section 10.8)"
    if not _is_past(now, claims.get("exp", now + 1)):
        yield "it has expired"
    if not _is_past(claims.get("nbf", now), now + jose.SKEW.total_seconds() + 1):
        yield "it is not valid yet"
    if any(name in claims for name in _NEVER_INSIDE):
        yield "it contains another request object"
    if claims.get("client_id", client_id) != client_id:
        yield "its client_id is not that of the request"
    if not alone and not _is_same_response_type(claims.get("response_type"), arrival.sent.get("response_type")):
        yield "its response_type is not that of the request"


def _is_meant_for(claims: Mapping[str, object], issuer: str) -> bool:
    audience = claims.get("aud", issuer)
    return audience == issuer or (isinstance(audience, list) and issuer in audience)


def _is_past(moment: object, other: object) -> bool:
    """Whether *moment* comes before *other*, both of them a NumericDate (RFC 7519 section 2); never, where one is none."""
    return jose.is_number(moment) and jose.is_number(other) and moment < other


def _is_same_response_type(inside: object, outside: str | None) -> bool:
    """Where both are said."""
    if inside is None or outside is None:
        return True
    return isinstance(inside, str) and in_order(inside) == in_order(outside)


def _parameters(claims: Mapping[str, object], arrival: Arrival) -> Parameters:
    """Those of *claims* that are parameters, as they would be in a query. Raises `InvalidRequestObject` for what no query could hold."""
    names = arrival.names - {"client_id", *_NEVER_INSIDE}
    try:
        known = [(name, value) for name, value in claims.items() if name in names]
        return Parameters(
            (name, text) for name, value in known for text in _texts(value, may_repeat=name in arrival.repeatable)
        )
    except (ValueError, RecursionError) as exc:
        raise InvalidRequestObject("The request object contains a value that a parameter cannot have.") from exc


def _texts(value: object, *, may_repeat: bool) -> Iterator[str]:
    """Strings are what they say, anything else is JSON (RFC 9101 section 4); a list of what may be repeated is repetition."""
    for one in value if may_repeat and isinstance(value, list) else [value]:
        text = one if isinstance(one, str) else json.dumps(one, allow_nan=False)
        if one is not None:
            yield _sendable(text)


def _sendable(text: str) -> str:
    """*text*; raises ValueError where it has a NUL character, or half of one beyond the BMP."""
    if b"\0" in text.encode():
        raise ValueError("a NUL character")
    return text
