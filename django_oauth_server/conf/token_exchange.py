"""Which client may exchange which tokens for what (RFC 8693): the rules, as an auditor reads them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final, Literal

from django_oauth_server.conf.id_jag import IDJAG, check_once
from django_oauth_server.values import settle

SubjectToken = Literal["access_token", "id_token"]
_MOST_ACTORS: Final = 16
_WHO_MAY_BE_ASKED: Final = frozenset({"openid", "offline_access"})
"""Scopes that mean something to a client that a person signs in to, and nothing to one that acts for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One client may exchange tokens of one kind for access tokens to some resources. Whatever no rule allows is refused."""

    client: str
    """The `client_id` of the client that exchanges."""
    subject: Literal["person", "client"] = "person"
    """Whose tokens it may exchange: those that a `person` allowed, or those of a `client` that acts for itself."""
    issued_to: tuple[str, ...] | None = None
    """The `client_id`s of the clients whose tokens it may exchange. None: those of any client, if they were issued for this one."""
    subject_tokens: tuple[SubjectToken, ...] = ("access_token",)
    """Which types of tokens it may exchange: `access_token`, `id_token`."""
    resources: tuple[str, ...]
    """The resources (RFC 8707) that the new tokens may be for, as they are written in `resources`."""
    scopes: tuple[str, ...]
    """The scopes that the new tokens may have, of those that the exchanged token has."""
    kind: Literal["delegation", "impersonation"] = "delegation"
    """`delegation`: the new token says who acts (`act`). `impersonation`: it does not."""
    actor: Literal["client", "actor_token"] = "client"
    """Who acts by delegation: the `client` that exchanges, or the subject of the `actor_token` that it has to send."""
    require_may_act: bool = False
    """Whether the exchanged token must name the actor in its claim `may_act`. If the claim is there, it always has to."""
    other_key: bool = False
    """Whether a token that is bound to a key of another client may be exchanged, for one that is bound to a key of this client."""
    lifetime: timedelta | None = None
    """The longest lifetime of the new tokens. They never live longer than the exchanged token. None: the usual lifetime of access tokens."""

    def __post_init__(self) -> None:
        settle(self)
        if not self.client:
            raise ValueError("an Exchange needs the client_id of the client that exchanges.")
        for name in ("resources", "scopes", "subject_tokens", "issued_to"):
            _check(self, name, getattr(self, name))
        if useless := _WHO_MAY_BE_ASKED.intersection(self.scopes):
            raise ValueError(f"{self}: scopes cannot have {', '.join(sorted(useless))}, as nobody signs in.")
        if self.subject == "client" and "id_token" in self.subject_tokens:
            raise ValueError(f"{self}: an ID token is about a person, never about a client.")
        if self.kind == "impersonation" and self.actor == "actor_token":
            raise ValueError(f"{self}: an actor_token is for delegation.")
        if self.lifetime is not None and self.lifetime < timedelta(seconds=1):
            raise ValueError(f"{self}: lifetime must be at least one second.")

    def __str__(self) -> str:
        """What names it in the log and in the admin."""
        return f"Exchange({self.client}: {self.kind} of a {self.subject} at {', '.join(self.resources)})"


@dataclass(frozen=True, kw_only=True)
class TokenExchangeSettings:
    """Token exchange (RFC 8693): a service that was called calls another one for whoever called it."""

    rules: tuple[Exchange, ...] = ()
    """Who may exchange what, each an `Exchange`. The first that allows a request counts. If empty, the grant type is not offered."""
    id_jags: tuple[IDJAG, ...] = ()
    """Which clients may have ID-JAGs for authorization servers elsewhere, each an `IDJAG`. If empty, none are issued."""
    hook: str = ""
    """Dotted path of a function that may refuse an exchange that the rules allow, or take scopes away from it."""
    most_actors: int = 4
    """How many actors a token may name, one acting for the next. A token that names as many is not exchanged by delegation again."""

    def __post_init__(self) -> None:
        if all(isinstance(one, IDJAG) for one in self.id_jags):  # the annotation is checked next
            check_once(self.id_jags)
        if not 1 <= self.most_actors <= _MOST_ACTORS:
            raise ValueError(f"most_actors must be from 1 to {_MOST_ACTORS}.")

    @property
    def every_rule(self) -> tuple[Exchange | IDJAG, ...]:
        """Those for access tokens and those for ID-JAGs."""
        return (*self.rules, *self.id_jags)

    @cached_property
    def takes_id_tokens(self) -> bool:
        """Whether a rule lets ID tokens be exchanged: only then they say from which authorization they came."""
        return bool(self.id_jags) or any("id_token" in rule.subject_tokens for rule in self.rules)


def _check(rule: Exchange, name: str, values: Collection[str] | None) -> None:
    if values is None:
        return
    if not values:
        raise ValueError(f"{rule}: {name} is empty, so the rule would allow nothing.")
    for one in values:
        if not one or "*" in one:
            raise ValueError(f"{rule}: {name} has {one!r}. Name each value; there are no wildcards.")
