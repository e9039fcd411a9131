"""One token of each kind that a service may present, and the rules by which it may be exchanged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from django_oauth_server.grants.base import Issuance
from django_oauth_server.models import Token
from django_oauth_server.protocol.opaque import REFRESH_TOKEN, generate
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage.authorizations import live_authorization
from django_oauth_server.testing.proofs import DPoPKey
from django_oauth_server.testing.tokens import issue_token
from django_oauth_server.tokens.id_token import id_token
from tests.exchange.conftest import rule
from tests.exchange.walk import LEDGER, ORDERS, TYPE
from tests.factories import AuthorizationFactory, ClientFactory, TokenFactory

SCOPES = "orders:write stock:read"

RULES = {
    "people": rule(),
    "clients": rule(subject="client"),
    "front's": rule(issued_to=("front",)),
    "ID tokens": rule(subject_tokens=("id_token",)),
    "front's ID tokens": rule(subject_tokens=("id_token",), issued_to=("front",)),
    "impersonation": rule(kind="impersonation"),
    "named actors": rule(require_may_act=True),
    "actor tokens": rule(actor="actor_token"),
    "other keys": rule(other_key=True),
    "another client's": rule(client="gateway"),
}
OF_PEOPLE = {"people", "impersonation", "other keys"}
ALLOWED: dict[str, set[str]] = {
    "of a person": OF_PEOPLE | {"front's"},
    "of a person, as a JWT": OF_PEOPLE | {"front's"},
    "of a person, issued to another app": OF_PEOPLE,
    "of a person, issued to this service": OF_PEOPLE,
    "exchanged by another service": OF_PEOPLE - {"impersonation"},
    "of a client": {"clients"},
    "of a client, as a JWT": {"clients"},
    "an ID token of the app": {"front's ID tokens"},
    "an ID token of this service": {"ID tokens"},
    "for another service": set(),
    "bound to the app's key": set(),
    "expired": set(),
    "revoked": set(),
    "of a person who is shut out": set(),
    "of an app that was disabled": set(),
    "a refresh token": set(),
    "unknown": set(),
    "a JWT of nobody": set(),
}
"""By which rules each token may be exchanged for one at stock."""


class Tokens:
    """One of each kind."""

    def __init__(self, user: Any, front: Any = None) -> None:
        self.front = front or ClientFactory(client_id="front", metadata__scope=SCOPES)
        self.user = user

    def make(self, name: str, orders: Any) -> tuple[str, str]:
        """The value, and its type."""
        usual: dict[str, Any] = {"user": self.user, "client": self.front, "scopes": SCOPES, "audience": ORDERS}
        made: dict[str, Callable[[], str]] = {
            "of a person": lambda: issue_token(**usual),
            "of a person, as a JWT": lambda: issue_token(**usual, format="at+jwt"),
            "of a person, issued to another app": lambda: issue_token(**usual | {"client": self._app("other")}),
            "of a person, issued to this service": lambda: issue_token(
                **usual | {"client": orders, "audience": LEDGER}
            ),
            "exchanged by another service": lambda: issue_token(
                **usual | {"client": self._app("gateway")}, actor="gateway"
            ),
            "of a client": lambda: issue_token(**usual | {"user": None}),
            "of a client, as a JWT": lambda: issue_token(**usual | {"user": None}, format="at+jwt"),
            "an ID token of the app": lambda: self._id_token(self.front),
            "an ID token of this service": lambda: self._id_token(orders),
            "for another service": lambda: issue_token(**usual | {"audience": LEDGER}),
            "bound to the app's key": lambda: issue_token(**usual, key=DPoPKey()),
            "expired": lambda: issue_token(**usual, expires_in=timedelta()),
            "revoked": self._revoked,
            "of a person who is shut out": self._shut_out,
            "of an app that was disabled": lambda: issue_token(
                **usual | {"client": self._app("gone", is_active=False)}
            ),
            "a refresh token": self._refresh_token,
            "unknown": lambda: "oas_at_unknown",
            "a JWT of nobody": lambda: "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL2FzLmV4YW1wbGUifQ.c2lnbmF0dXJl",
        }
        return made[name](), TYPE + ("id_token" if "ID token" in name else "access_token")

    def _app(self, client_id: str, **more: Any) -> Any:
        return ClientFactory(client_id=client_id, metadata__scope=SCOPES, **more)

    def _id_token(self, client: Any) -> str:
        issue_token(user=self.user, client=client, scopes=SCOPES, audience=ORDERS)
        allowed = live_authorization(client, self.user)
        assert allowed is not None
        issuance = Issuance(client=client, scopes=allowed.scopes, authorization=allowed)
        return id_token(issuance, default_issuer(), timezone.now())

    def _revoked(self) -> str:
        allowed = AuthorizationFactory(client=self._app("revoked"), user=self.user)
        return TokenFactory(authorization=allowed, audience=[ORDERS], revoked_at=timezone.now()).value

    def _shut_out(self) -> str:
        allowed = AuthorizationFactory(client=self.front, user__is_active=False)
        return TokenFactory(authorization=allowed, audience=[ORDERS]).value

    def _refresh_token(self) -> str:
        allowed = AuthorizationFactory(client=self._app("refreshing"), user=self.user)
        value = generate(REFRESH_TOKEN)
        return TokenFactory(authorization=allowed, audience=[ORDERS], kind=Token.Kind.REFRESH, value=value).value
