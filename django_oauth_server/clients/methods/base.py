"""The shape of a client authentication method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest

from django_oauth_server.component import Component, Document, Words
from django_oauth_server.conf import IssuerSettings, Policy
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.opaque import CLIENT_SECRET, is_generated
from django_oauth_server.protocol.parameters import Parameters

_PROOFS: Final = frozenset({"client_secret", "client_assertion"})
"""Whoever sends one of them means to prove something."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request presented: which client it says it is, and the proof."""

    client_id: str
    """Empty, of a proof that names nobody: the parameter `client_id` does, or the method says who it is (`client_of`)."""
    proof: str = ""
    is_grant: bool = False
    """Whether the proof is the grant as well (RFC 7523 section 2.1), which may say nothing of the client. It counts where there is no other."""

    def __repr__(self) -> str:  # a traceback must not show the proof
        return f"Credentials(client_id={self.client_id!r})"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request in which *client* is to prove to be itself."""

    client: Client
    credentials: Credentials
    issuer: Issuer
    http: HttpRequest
    now: datetime


class Unproven(Exception):
    """The credentials are not the client's. The words are for the log, and hold none of them."""

    def __init__(self, reason: str, *, rule: str = "") -> None:
        super().__init__(reason)
        self.rule = rule
        """What was broken, where there is more to say than that a client has to authenticate."""


class ClientAuthMethod(Component):
    """Answers one question: does this request prove to come from the client it names?"""

    throttles = {"client_authentication": "20/m", "client_authentication_by_address": "100/m"}
    confidential: bool = True
    """Whether it proves anything."""
    ambient: bool = False
    """Whether its proof comes with every request, whoever it is for, as a certificate or a gateway's header does. It is no second proof beside one
    that the client sends, and counts for the clients that registered this method alone."""
    takes: frozenset[str] = frozenset()
    """The methods, by name, whose proofs a client that registered this one may send as well."""
    uses_secret: bool = False
    """Whether it needs a client secret."""
    needs_clear_secret: bool = False
    """Whether a digest of the secret is not enough, as it is the key of an algorithm."""
    needs_keys: bool = False
    """Whether it needs public keys of the client."""

    def present(self, http: HttpRequest, params: Parameters) -> Credentials | None:
        """The credentials of this kind in the request; None where there are none. Raises `OAuthError` where they are malformed."""
        raise NotImplementedError

    def client_of(self, credentials: Credentials, issuer: Issuer) -> str:
        """The client that *credentials* name, which were sent and are not proven yet. Raises `OAuthError` where they can be nobody's."""
        return credentials.client_id

    def verify(self, attempt: Attempt) -> bool:
        """Whether the credentials are the client's, whose registered method is this one. May raise `Unproven` to say why not."""
        raise NotImplementedError

    def told(self, client: Client, issuer: Issuer) -> Iterable[Words]:
        """What an operator is told of how *client* proves to be itself, beside its metadata and its secret: each a line."""
        return ()

    def is_guess(self, credentials: Credentials) -> bool:
        """Whether somebody may be guessing: nobody finds a secret of 256 bits that was made here."""
        return self.uses_secret and not is_generated(CLIENT_SECRET, credentials.proof)

    def allowed(self, policy: Policy) -> bool:
        permitted = policy.permitted_client_auth_methods
        return permitted is None or self.name in permitted

    def offers(self) -> Mapping[str, tuple[str, ...]]:
        return {"token_endpoint_auth_method": (self.name,)}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {
            "token_endpoint_auth_methods_supported": [self.name],
            "revocation_endpoint_auth_methods_supported": [self.name],
        } | ({"introspection_endpoint_auth_methods_supported": [self.name]} if self.confidential else {})


def authorization_header(http: HttpRequest) -> str:
    """As it was sent; empty where there is none. `http.headers` would read every header to find this one."""
    header: str = http.META.get("HTTP_AUTHORIZATION", "")
    return header


def is_alone(http: HttpRequest, params: Parameters) -> bool:
    """Whether a request has nothing by which a client proves to be itself, neither in its header nor in its form."""
    return not authorization_header(http).strip() and _PROOFS.isdisjoint(params)


def registered_method(client: Client, issuer: Issuer) -> ClientAuthMethod | None:
    """The method by which *client* proves to be itself. None where *issuer* does not offer that one (any more), or its profile does not."""
    method = issuer.components.of(ClientAuthMethod).get(client.token_endpoint_auth_method)
    if method and client.profile and not method.allowed(issuer.policy_for(client.profile)):
        return None
    return method


def is_public(client: Client, issuer: Issuer) -> bool:
    """Whether *client* proves nothing (RFC 6749 section 2.1): so its method says. One whose method nobody knows proves nothing either."""
    method = registered_method(client, issuer)
    return method is None or not method.confidential
