"""The shape of a client source."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from django_oauth_server.component import Component
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


class ShutOut(str):
    """Why a client is not known: an operator does not let it in. The client has made no mistake."""

    __slots__ = ()


class ClientSource(Component):
    """Answers one question: who is this client id?

    The client need not have a row. It gets one once something refers to it, such as a person's authorization, never because somebody asked for it.
    What its source says of it counts whenever it is looked up: a row that was made earlier is brought up to date.
    """

    asks_others: ClassVar[bool] = False
    """Whether it may ask another server. It is never asked inside a transaction of this package, which would wait for that server."""
    vouched_for: ClassVar[bool] = False
    """Whether an operator vouches for what it says. Otherwise people are told that nobody does, as of a client that registered itself, and always
    asked: whoever wrote it could have answers sent elsewhere tomorrow. A source of which that is true of some clients says so of each
    (`Client.vouched_by_source`)."""
    registered_by: ClassVar[Client.RegisteredBy] = Client.RegisteredBy.ITSELF
    """How its clients came, where nobody vouches for all of them."""

    def find(self, issuer: Issuer, client_id: str, row: Client | None) -> Client | None:
        """The client of this id with its metadata, such as `Client(metadata={...})`, as it is now; None where the source knows none. The metadata is
        taken as it is: what a client says of itself goes through `metadata_of_itself` first.

        *row* is what was stored of this source's client before, if anything was. What it holds beside the metadata is an operator's, and stays.
        Raises `TemporarilyUnavailable` where it cannot be said now who that is.
        """
        raise NotImplementedError

    def explain(self, issuer: Issuer, client_id: str) -> str:
        """Why it knows nobody of this id, for the client's developer, where that was just asked; `ShutOut` where it would be known but for an
        operator's word. Empty: there is nothing to say. Asks nobody else."""
        return ""

    def shut_out(self, issuer: Issuer, client_ids: Collection[str]) -> Collection[str]:
        """Those of *client_ids*, all of its clients, that would be known but for an operator's word: the same as `explain` says of each, asked for
        all at once."""
        return ()
