"""The parameters of a request that count, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django_oauth_server.authorization.checks import REPEATABLE
from django_oauth_server.authorization.sources.base import Arrival, Found, RequestSource
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.errors import InvalidRequest, OAuthError, RequestNotSupported, RequestUriNotSupported
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters

NOT_SUPPORTED: Final[Mapping[str, type[OAuthError]]] = {
    "request": RequestNotSupported,
    "request_uri": RequestUriNotSupported,
}
"""Who sends one where it is not offered is told so (OpenID Connect Core section 3.1.2.6): without what it holds, the request would be another."""


def gather(arrival: Arrival, turn: Turn) -> tuple[Parameters, Turn]:
    """The parameters that count, and *turn*, which says whether a request object brought them. Raises the `OAuthError` that the client is answered.

    What was verified before the person went to another page, as *turn* says, is what counts still: its object is not sent again.
    """
    if turn.signed:
        return arrival.sent, turn
    source = _source(arrival)
    if source is not None:
        return _assembled(arrival, source.read(arrival)), Turn(signed=True)
    if _demands_signature(arrival.client):
        raise InvalidRequest(
            "The client is registered to send a signed request object (require_signed_request_object)."
        )
    return arrival.sent, turn


def _source(arrival: Arrival) -> RequestSource | None:
    """The one that the request names. Raises for one that is not offered, and for two."""
    offered = arrival.issuer.components.of(RequestSource)
    named = [name for name in NOT_SUPPORTED if arrival.sent.every(name)]
    for name in named:
        if name not in offered:
            raise NOT_SUPPORTED[name](f"The parameter {name} is not supported here.")
    if len(named) > 1:
        raise InvalidRequest("The parameters request and request_uri are sent together.")
    if named:
        arrival.sent.refuse_repeated(but=REPEATABLE)
    return offered[named[0]] if named else None


def _assembled(arrival: Arrival, found: Found) -> Parameters:
    """What is *found* supersedes what was sent (OpenID Connect Core section 6.1).

    Nothing else counts where the object or the client says so (RFC 9101 section 6.3): what is not signed, anybody may have added.
    """
    alone = found.alone or _demands_signature(arrival.client)
    counts = {"client_id"} if alone else arrival.names - NOT_SUPPORTED.keys()
    signed = found.parameters
    beside = [(name, value) for name, value in arrival.sent.pairs() if name in counts and not signed.every(name)]
    return Parameters([*beside, *signed.pairs()])


def _demands_signature(client: Client) -> bool:
    return client.metadata.get("require_signed_request_object") is True
