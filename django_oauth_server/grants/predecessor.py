"""The shape of a predecessor: a server that stood here before, whose values clients still hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from django_oauth_server.component import Component
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.opaque import digest, is_one
from django_oauth_server.storage.adoptions import ADOPTED

__all__ = ["ADOPTED", "Predecessor", "find_foreign"]

T = TypeVar("T")


class Predecessor(Component):
    """Answers one question: did the server that stood here before issue this value? What it issued is stored here from then on."""

    def adopt_token(self, value: str, issuer: Issuer, now: datetime) -> bool:
        """Whether *value*, which is no token here, is one that the predecessor would accept: it is stored now."""
        raise NotImplementedError

    def adopt_code(self, value: str, issuer: Issuer, now: datetime) -> bool:
        """The same of an authorization code, which the predecessor does not redeem any more."""
        raise NotImplementedError


def find_foreign(value: str, issuer: Issuer, now: datetime, find: Callable[[str], T | None]) -> T | None:
    """What *find* finds by the digest of *value*, which was not made here. Predecessors are asked about what is not stored, and where there are
    none, nobody is asked anything."""
    if is_one(value):
        return None
    for predecessor in issuer.components.of(Predecessor).values():
        if (found := find(digest(value))) or predecessor.adopt_token(value, issuer, now):
            return found or find(digest(value))
    return None
