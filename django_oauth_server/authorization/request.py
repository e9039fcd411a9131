"""An authorization request that has passed every check, and the way its answer goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django_oauth_server.authorization.response_modes.base import ResponseMode
from django_oauth_server.conf import Policy
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.protocol.parameters import Parameters


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks a person for. The type says: client and redirect URI are known, and every check has passed."""

    params: Parameters
    client: Client
    issuer: Issuer
    redirect_uri: str
    response_type: str
    """The name of one that the issuer and the client's policy offer."""
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    prompts: frozenset[str]

    @property
    def policy(self) -> Policy:
        return self.issuer.policy_for(self.client.profile)

    @property
    def path(self) -> str:
        """Path and query that make the same request again."""
        return request_path(self.params, self.issuer)

    @property
    def audience(self) -> tuple[str, ...]:
        """The resources that are asked for; the default one where none is named."""
        return self.resources or (self.issuer.settings.default_resource,)

    @property
    def as_shown(self) -> Parameters:
        """The parameters, with the scopes that a person is shown: what follows from a default may change before the answer."""
        others = [(name, value) for name, value in self.params.pairs() if name != "scope"]
        return Parameters([*others, ("scope", " ".join(self.scopes))])


def request_path(params: Parameters, issuer: Issuer) -> str:
    """Path and query that make the request of *params* again."""
    return f"{issuer.url_path('authorize')}?{params.encode()}"


@dataclass(frozen=True, slots=True)
class Reply:
    """Where the answer goes and how; state and issuer are on every one, errors too (RFC 6749 section 4.1.2, RFC 9207 section 2)."""

    redirect_uri: str
    mode: ResponseMode
    state: str
    issuer: Issuer
    client: Client

    def parameters(self, parts: Mapping[str, str]) -> dict[str, str]:
        """*parts* with what is on every answer."""
        return {**parts, **({"state": self.state} if self.state else {}), "iss": self.issuer.settings.issuer}


@dataclass(frozen=True, slots=True)
class Granted:
    """What a person has allowed, just now or earlier."""

    request: AuthorizationRequest
    authorization: Authorization
    scopes: tuple[str, ...]
    now: datetime
