"""The shape of a grant type, and what it proves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from django_oauth_server.clients.grant_types import RegistrableGrant
from django_oauth_server.conf import Policy
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.clients import unchanged
from django_oauth_server.storage.writing import Spending


class Held(Protocol):
    """A row that a client presents the value of: a ticket, a token."""

    @property
    def client(self) -> Client | None: ...
    @property
    def client_id(self) -> int | None: ...
    @property
    def authorization(self) -> Authorization | None: ...


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request of a client that is known. Parameters are only those that the grant type declared."""

    params: Parameters
    client: Client
    issuer: Issuer
    http: HttpRequest
    now: datetime
    user: AbstractBaseUser | None = None
    """Who proved to be somebody, where that was judged before the transaction (`GrantType.prepare`)."""
    prepared: object = None
    """What else `GrantType.prepare` found out, for the same grant type to redeem."""
    confirmation: Mapping[str, str] = field(default_factory=dict)
    """The keys that the request proves to hold, as members of `cnf` (RFC 7800). Empty: none."""

    @property
    def policy(self) -> Policy:
        return self.issuer.policy_for(self.client.profile)

    def beside(self, held: Held | None) -> TokenRequest:
        """This request, of the client as its row was read together with *held*. Raises `Conflict` where it was remembered otherwise."""
        if held is None or not self.client.is_remembered or held.client_id != self.client.pk:
            return self
        return replace(self, client=unchanged(self.client, held.client))

    def is_of_its_client(self, held: Held) -> bool:
        """Whether the client of the request is the one that *held* was handed out to. What was allowed is judged from then on by what the client is
        now: where another source than the table describes it, its row may be older."""
        if held.client_id is None or held.client_id != self.client.pk:
            return False
        if held.authorization and self.client.source != Client.TABLE:
            held.authorization.client = self.client
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """What a grant has proven that the client may now be given."""

    client: Client
    scopes: frozenset[str]
    """What the access token is for."""
    granted: frozenset[str] | None = None
    """What may be asked for again by refreshing. None: the same."""
    allowed: Collection[str] | None = None
    """The scopes that the client may have by this grant: claims that only others bring are not told. None: this was judged before."""
    resources: tuple[str, ...] | None = ()
    """The resources (RFC 8707) that were allowed. Empty: the default one. None: any that the issuer knows."""
    authorization: Authorization | None = None
    """Who allowed it, with its user. None: nobody; the client acts for itself."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """What else was proven, kept with the tokens and shown as claims: `auth_time`, `acr`, `act` …"""
    confirmation: Mapping[str, str] = field(default_factory=dict)
    """The keys that the access token is bound to. Empty: whoever bears it."""
    members: Mapping[str, object] = field(default_factory=dict)
    """Further members of the token response (RFC 6749 section 5.1): `issued_token_type`, `authorization_details` …"""
    nonce: str = ""
    """What the client said to know its own request by, for the ID token (OpenID Connect Core section 3.1.2.1)."""
    until: datetime | None = None
    """When the access token expires at the latest. None: when its lifetime is over."""
    family: UUID | None = None
    """The mark of all that one grant buys. None: nothing that could be taken back together."""
    spends: Spending | None = None
    """What is used up by storing what is issued: of all who prove the same, one is given it. None: nothing."""
    replaces: Token | None = None
    """The refresh token that this rotates; the answer is derived from it, so that it can be given once more."""
    presented: str = field(default="", repr=False)
    """Its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherToken:
    """What a grant hands out in place of an access token of this server: a statement for somebody else, of which nothing is stored."""

    client: Client
    members: Mapping[str, object]
    """The token response, all of it."""


class GrantType(RegistrableGrant):
    """Answers one question: what do these parameters prove?

    It never authenticates the client, binds a key, mints, stores or renders: the token endpoint does each of those once, for all.
    """

    writes: ClassVar[bool] = False
    """Whether redeeming writes something down, such as a person's consent: in one transaction with what is issued, so that a refusal undoes it."""
    waits: ClassVar[bool] = False
    """Whether clients ask again and again until it is ready, and `prepare` refuses them until then. That hands out nothing, so a client is told so
    as it was a moment ago; for whatever follows it is read, and judged, anew."""
    guessable: ClassVar[bool] = False
    """Whether people choose what it proves, so that somebody may guess: beyond the limit of failures nothing is looked at."""

    def targets(self, params: Parameters) -> tuple[str, ...]:
        """The resources that the access token is asked for (RFC 8707 section 2), as the client wrote them."""
        return params.every("resource")

    def prepare(self, request: TokenRequest) -> TokenRequest:
        """*request* with what has to be judged outside the transaction, since what others write down meanwhile outlives a refusal."""
        return request

    def redeem(self, request: TokenRequest) -> Issuance | OtherToken:
        """Raises an `OAuthError` where nothing is proven. It says what is used up (`Issuance.spends`), and writes nothing unless it `writes`."""
        raise NotImplementedError
