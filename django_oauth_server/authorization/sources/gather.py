"""The parameters of a request that count, wherever they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django_oauth_server.authorization.sources.base import Arrival, Found, RequestSource
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Gathered:
    """A request with the parameters that count."""

    params: Parameters
    turn: Turn
    """What the person has done, and whether a source has brought parameters that are not read again."""
    waits: Parameters | None = None
    """What stands for the request while the person is at another page. None: its parameters do."""
    arrival: Arrival | None = None
    """How it was read, where its source is to be told that it was answered."""
    source: RequestSource | None = None

    @property
    def came_from(self) -> str:
        """The name of the source that was read; empty where none was."""
        return self.source.name if self.source else ""

    def answered(self, now: datetime) -> None:
        """Tell the source that the client is answered; in the transaction of the answer. Raises where another answer was first."""
        if self.source and self.arrival:
            self.source.answered(self.arrival, now)


def names_read(issuer: Issuer, endpoint: str) -> frozenset[str]:
    """The parameters that something reads at *endpoint*. Of a source that is not offered a client is told; it is never passed over."""
    unsupported = (one.parameter for one in issuer.components.switched_off(RequestSource))
    return issuer.components.read_at(endpoint).parameters.union(unsupported)


def gather(arrival: Arrival, turn: Turn) -> Gathered:
    """The request, with the parameters that count. Raises the `OAuthError` that the client is answered.

    What was verified before the person went to another page, as *turn* says, is what counts still: its object is not sent again. What has a
    reference is read anew.
    """
    source = _source(arrival)
    if source is not None:
        found = source.read(arrival)
        return Gathered(
            _assembled(arrival, found), turn if found.waits else Turn(taken_up=True), found.waits, arrival, source
        )
    if not turn.taken_up and demands_signature(arrival.client):
        raise InvalidRequest("This client must send signed request objects (require_signed_request_object).")
    return Gathered(arrival.sent, turn)


def _source(arrival: Arrival) -> RequestSource | None:
    """The one that the request names. Raises for one that is not offered, and for two parameters that lead elsewhere."""
    components = arrival.issuer.components
    offered = [one for one in components.of(RequestSource).values() if arrival.endpoint in one.serves]
    unsupported = components.switched_off(RequestSource)
    named = sorted({one.parameter for one in (*offered, *unsupported) if arrival.sent.every(one.parameter)})
    found = [_knowing(name, offered, unsupported, arrival) for name in named]
    if len(found) > 1:
        raise InvalidRequest(f"The parameters {' and '.join(named)} must not be sent together.")
    if found:
        arrival.sent.refuse_repeated(but=arrival.repeatable)
    return found[0] if found else None


def _knowing(
    name: str, offered: Iterable[RequestSource], unsupported: Iterable[RequestSource], arrival: Arrival
) -> RequestSource:
    """The source to which the parameter *name* leads."""
    values = arrival.sent.every(name)
    found = [one for one in offered if one.parameter == name and any(map(one.knows, values))]
    if found:
        return found[-1]
    words = f"The parameter {name} is not supported here."
    for one in unsupported:
        if one.parameter == name and any(map(one.knows, values)):
            raise one.unsupported(words)
    raise InvalidRequest(words)


def _assembled(arrival: Arrival, found: Found) -> Parameters:
    """What is *found* supersedes what was sent (OpenID Connect Core section 6.1).

    Nothing else counts where the object or the client says so (RFC 9101 section 6.3): what is not signed, anybody may have added.
    """
    counts = {"client_id"} if found.alone or demands_signature(arrival.client) else arrival.names - _leading(arrival)
    there = found.parameters
    beside = [(name, value) for name, value in arrival.sent.pairs() if name in counts and not there.every(name)]
    return Parameters([*beside, *there.pairs()])


def _leading(arrival: Arrival) -> frozenset[str]:
    return frozenset(one.parameter for one in arrival.issuer.components.of(RequestSource).values())


def demands_signature(client: Client) -> bool:
    """Whether *client* registered that what it asks for is in request objects (RFC 9101 section 10.5)."""
    return client.metadata.get("require_signed_request_object") is True
