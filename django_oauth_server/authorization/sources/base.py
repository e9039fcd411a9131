"""The shape of a request source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from django_oauth_server.authorization.way_back import came_before
from django_oauth_server.component import AUTHORIZE, Component
from django_oauth_server.errors import InvalidRequest, OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it was sent to *endpoint*, in the name of a client that is known."""

    sent: Parameters
    client: Client
    issuer: Issuer
    endpoint: str = AUTHORIZE
    cookies: Mapping[str, str] = field(default_factory=dict)
    """Of the person's browser."""

    def came_before(self, waits: Parameters) -> bool:
        """Whether this browser came with the reference *waits* before, in time: the person goes on with it, however old it is by now."""
        return came_before(waits, self.issuer, self.cookies)

    @property
    def names(self) -> frozenset[str]:
        """The parameters that something reads; others are ignored."""
        return self.issuer.components.read_at(self.endpoint).parameters

    @property
    def repeatable(self) -> frozenset[str]:
        """Those that may be sent more than once."""
        return self.issuer.components.read_at(self.endpoint).repeatable


@dataclass(frozen=True, slots=True)
class Found:
    """The parameters to which a source led."""

    parameters: Parameters
    alone: bool = False
    """Nothing that was sent beside them counts, but `client_id` (RFC 9101 section 6.3). Otherwise it completes them (OpenID Connect Core
    section 6.1)."""
    waits: Parameters | None = None
    """What stands for the request while a person is at another page: a reference, which the source reads anew. None: what was found waits itself,
    and is not read again."""


class RequestSource(Component):
    """Answers one question: where do the parameters of this request come from?

    Every source is asked. Two may share a parameter, and tell by its value whose it is; of those that know a value the last one counts.
    """

    serves = frozenset({AUTHORIZE})
    parameter: ClassVar[str]
    """By which it is recognised. It is one of its `parameters`."""
    unsupported: ClassVar[type[OAuthError]] = InvalidRequest
    """What a client is told that relies on it where it is not offered: without what it holds, the request would be another."""

    def knows(self, value: str) -> bool:
        """Whether this *value* of the parameter leads here."""
        return True

    def read(self, arrival: Arrival) -> Found:
        """What counts. Raises the `OAuthError` that the client is told; an `UnverifiedRequest` is shown to the person instead."""
        raise NotImplementedError

    def answered(self, arrival: Arrival, now: datetime) -> None:
        """The client is answered, with an error or not. Runs in the transaction of the answer.

        Raises an `UnverifiedRequest` where another answer was first, which undoes this one.
        """
