"""The shape of a binding, and the questions that are put to all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauth_server.component import REDIRECTING, Component
from django_oauth_server.errors import InvalidRequest, OAuthError
from django_oauth_server.grants.confirmation import CONFIRMATION, confirmation_of
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client

BEARER: Final = "Bearer"
BOUND: Final = "sender_constrained_tokens"
"""What a policy demands where every access token is bound to a key, whichever way."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request of a client that is known, at the issuer's *endpoint*."""

    http: HttpRequest
    client: Client
    issuer: Issuer
    endpoint: str
    now: datetime

    @property
    def url(self) -> str:
        """The URL at which the endpoint was called; never derived from the Host header."""
        return self.issuer.origin + self.http.path


@dataclass(frozen=True, slots=True)
class Possession:
    """Which keys the sender of a request has proven to hold."""

    confirmation: Mapping[str, str] = field(default_factory=dict)
    """What is kept of it with the tokens: the members of `cnf`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What the answer has to carry because of it."""
    uses: tuple[Callable[[], None], ...] = ()
    """Note what may be presented once."""

    def spend(self) -> None:
        """Note that the proofs were presented. Raises an `OAuthError` where one of them was before.

        Called last, in the transaction that writes what they buy: a request that is refused leaves them unspent, and writes nothing.
        """
        for use in self.uses:
            use()


NOTHING: Final = Possession()
"""Of a request that shows no key."""


class Binding(Component):
    """Answers one question: which key does the sender of this request hold?"""

    serves = REDIRECTING
    demands = {BOUND: _("Every access token is bound to a key of its client.")}
    member: ClassVar[str]
    """The member of `cnf` (RFC 7800 section 3.1) by whose value the key is known."""
    token_type: ClassVar[str] = BEARER
    """Of access tokens that are bound this way (RFC 6749 section 7.1)."""
    promise: ClassVar[str] = ""
    """The authorization request parameter by which a client says to which key its code will be bound. Empty: there is none."""

    def prove(self, call: Call) -> Possession | None:
        """The key, under *member*; None where none is shown. Raises an `OAuthError` where a proof is no good."""
        raise NotImplementedError

    def is_key(self, value: str) -> bool:
        """Whether *value* of the parameter *promise* could name a key."""
        return True

    def demanded(self, client: Client, issuer: Issuer) -> bool:
        """Whether *client* gets no access token that is not bound this way, whatever its policy demands."""
        return False

    def missing(self, call: Call) -> OAuthError:
        """What a client is told that shows no key although that is demanded."""
        return InvalidRequest("This client must prove possession of a key with each request.")


def check_demanded(proven: Possession, call: Call) -> None:
    """Raise an `OAuthError` unless the request has *proven* what its client has to prove before it gets an access token."""
    if missing := missing_binding(proven.confirmation, call.client, call.issuer):
        raise missing.missing(call)


def missing_binding(confirmation: Mapping[str, str], client: Client, issuer: Issuer) -> Binding | None:
    """What *client* has to prove beside *confirmation* before it gets an access token."""
    bindings = issuer.components.of(Binding).values()
    for binding in bindings:
        if binding.member not in confirmation and binding.demanded(client, issuer):
            return binding
    if not confirmation and BOUND in issuer.policy_for(client.profile).demands:
        return next(iter(bindings))
    return None


def shown_possession(call: Call) -> Possession:
    """What the request proves by every binding; `NOTHING`, mostly. Raises an `OAuthError` for a proof that is no good.

    Asked once, after the client is known and before anything is issued.
    """
    proven = NOTHING
    for binding in call.issuer.components.of(Binding).values():
        if shown := binding.prove(call):
            proven = _both(proven, shown)
    return proven


def promised_confirmation(params: Mapping[str, str], issuer: Issuer) -> dict[str, str]:
    """To which keys an authorization request says that what it gets will be bound."""
    return {
        binding.member: params[binding.promise]
        for binding in issuer.components.of(Binding).values()
        if params.get(binding.promise)
    }


def promises(confirmation: Mapping[str, str], issuer: Issuer) -> dict[str, str]:
    """The authorization request parameters that promise *confirmation*: what was proven when a request was handed in beforehand."""
    return {
        binding.promise: confirmation[binding.member]
        for binding in issuer.components.of(Binding).values()
        if binding.promise and binding.member in confirmation
    }


def token_type(facts: Mapping[str, object], issuer: Issuer) -> str:
    """How a token with these *facts* is presented (RFC 6749 section 7.1). Empty where no binding knows how it is bound: it opens nothing."""
    if not facts.get(CONFIRMATION):
        return BEARER
    known = {binding.member: binding.token_type for binding in issuer.components.of(Binding).values()}
    types = {known.get(member, "") for member in confirmation_of(facts)}
    return "" if "" in types else next(iter(types - {BEARER}), BEARER)


def _both(one: Possession, other: Possession) -> Possession:
    return Possession(
        {**one.confirmation, **other.confirmation}, {**one.headers, **other.headers}, (*one.uses, *other.uses)
    )
