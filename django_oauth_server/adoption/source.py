"""The shape of a source: an authorization server of the same project whose clients and tokens are adopted."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from django_oauth_server.adoption.addresses import Addresses
from django_oauth_server.adoption.proposal import Proposal
from django_oauth_server.component import Document
from django_oauth_server.models import Token

_FAMILIES: Final = UUID("6f1c2f2e-5d0a-4d0e-9b32-3f6f0d6b8a10")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignClient:
    """A client as its source describes it, in the words of RFC 7591."""

    client_id: str
    metadata: Document
    secret: str = field(default="", repr=False)
    """Its secret, where the source keeps it in clear."""
    hashed_secret: str = field(default="", repr=False)
    """What one of Django's password hashers made of it, where the source does not."""
    skip_consent: bool = False
    owner: object = None
    """The primary key of the user who owns it."""
    by_itself: bool = False
    """Whether it registered itself."""
    created_at: datetime
    remarks: tuple[str, ...] = ()
    """What an operator should know, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignToken:
    """An access or refresh token that its source would still accept."""

    key: int | str
    """By which its source knows it."""
    kind: Token.Kind
    digest: str
    """SHA-256 of its value, in hexadecimal digits."""
    client_id: str
    user: object
    """The primary key of the person. None: the client acts for itself."""
    scope: str
    resources: tuple[str, ...] = ()
    family: UUID | None = None
    issued_at: datetime
    expires_at: datetime | None
    """None: never, as long as it is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignCode:
    """An authorization code that nobody has redeemed."""

    client_id: str
    user: object
    redirect_uri: str
    scope: str
    resources: tuple[str, ...] = ()
    code_challenge: str = ""
    code_challenge_method: str = ""
    nonce: str = ""
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A private key that the source signs or signed with."""

    pem: str = field(repr=False)
    signs: bool
    """Whether it signs today. Else it is published for tokens that it signed."""


Mark = tuple[Token.Kind, str, str]
"""A token by kind, the source's key and digest."""


class Source:
    """Answers one question: what does the server that stood here before know?"""

    name: ClassVar[str]
    label: ClassVar[str]
    """What people call it."""
    addresses: ClassVar[Addresses | None] = None
    """Where its endpoints were reached. None: clients have to be given new addresses."""

    def is_there(self) -> bool:
        """Whether its tables can be read."""
        raise NotImplementedError

    def proposal(self) -> Proposal | None:
        """The settings that follow from its own. None: they have to be written by hand."""
        return None

    def clients(self) -> Iterator[ForeignClient]:
        raise NotImplementedError

    def signing_keys(self) -> Iterator[ForeignKey]:
        raise NotImplementedError

    def tokens(self, now: datetime) -> Iterator[ForeignToken]:
        """Every token that it would accept at *now*, read a batch at a time."""
        raise NotImplementedError

    def is_empty(self) -> bool:
        """Whether it has no token at all, living or dead: somebody emptied its tables."""
        raise NotImplementedError

    def living(self, keys: Mapping[Token.Kind, Collection[str]], now: datetime) -> set[Mark]:
        """Which of the tokens of these *keys* it would still accept."""
        raise NotImplementedError

    def find_token(self, value: str, now: datetime) -> ForeignToken | None:
        """The token of this value, if it would accept it."""
        raise NotImplementedError

    def take_code(self, value: str, now: datetime) -> ForeignCode | None:
        """The authorization code of this value, which the source forgets in the caller's transaction: it cannot be redeemed there any more."""
        raise NotImplementedError

    def put_back_client(self, client: ForeignClient, *, write: bool) -> str:
        """Have the source know *client* as it is now: what was done, `known`, `changed` or `new`."""
        raise NotImplementedError

    def unknown(self, tokens: Sequence[ForeignToken]) -> list[ForeignToken]:
        """Those of *tokens* that it has never seen."""
        raise NotImplementedError

    def can_know(self, token: ForeignToken) -> bool:
        """Whether it could accept *token*, of which only the digest is known."""
        raise NotImplementedError

    def put_back(self, tokens: Sequence[ForeignToken], now: datetime) -> dict[tuple[Token.Kind, str], str]:
        """Have it accept *tokens*. Returns its keys, by kind and digest."""
        raise NotImplementedError

    def end(self, tokens: Sequence[ForeignToken], now: datetime) -> None:
        """Have it accept *tokens* no more."""
        raise NotImplementedError


def family_of(source: str, key: object) -> UUID:
    """The mark of all that one grant bought, where the source has none of its own: the same each time it is asked."""
    return uuid.uuid5(_FAMILIES, f"{source}:{key}")
