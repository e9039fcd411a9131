"""What a client asks a person for, once it has passed every check, and what the person has allowed of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.authorization.session import SessionFacts
from django_oauth_server.clients.facts import allowed_scopes
from django_oauth_server.conf import Policy
from django_oauth_server.conf.openid import OFFLINE_ACCESS
from django_oauth_server.errors import AccessDenied
from django_oauth_server.grants.base import Issuance
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.protocol.claims_request import ClaimsRequest
from django_oauth_server.protocol.opaque import sid_for
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.tokens.claims import claims_class, claims_within

CLAIMS_OF_THE_SESSION: Final = frozenset({"sub", "acr", "auth_time", "amr"})
"""Claims that say how somebody signed in, and are no part of a profile."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks a person for, wherever the answer goes. The type says: the client is known, and every check has passed."""

    params: Parameters
    client: Client
    issuer: Issuer
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    prompts: frozenset[str]
    max_age: timedelta | None = None
    """The longest time that may have passed since the person signed in (OpenID Connect Core section 3.1.2.1)."""
    acr_values: tuple[str, ...] = ()
    """How the person had best sign in, of what can be reached here."""
    claims: ClaimsRequest = field(default_factory=ClaimsRequest)
    """What is asked for claim by claim, of what the client may have."""
    subject: str = ""
    """By which identifier the client knows the person that it means. Empty: any."""
    grant_types: tuple[str, ...] = ("authorization_code",)
    """The grant types by which the client gets what is allowed."""

    @property
    def policy(self) -> Policy:
        return self.issuer.policy_for(self.client.profile)

    def narrowed_to(self, user: AbstractBaseUser) -> AuthorizationRequest:
        """The same, without the scopes that *user* may not allow, and the claims that only these could bring. Raises `AccessDenied` where no
        scope is left."""
        allowed = allowed_scopes(self.client, self.issuer, self.grant_types, user, frozenset(self.scopes))
        if self.scopes and not allowed:
            raise AccessDenied("This account may not allow any of the requested scopes.")
        scopes = tuple(scope for scope in self.scopes if scope in allowed)
        return replace(self, scopes=scopes, claims=self._claims_for(user) if self.claims else self.claims)

    def _claims_for(self, user: AbstractBaseUser) -> ClaimsRequest:
        offered = self.client.scopes.intersection(self.issuer.settings.scopes)
        allowed = allowed_scopes(self.client, self.issuer, self.grant_types, user, offered)
        return self.claims.only(claims_within(allowed, self.issuer.settings) | CLAIMS_OF_THE_SESSION)

    @property
    def further_claims(self) -> frozenset[str]:
        """The claims that are asked for beside those of the scopes: the person is asked for each."""
        if not self.claims:
            return frozenset()
        kind = claims_class(self.issuer.settings)
        return self.claims.names.intersection(kind.supported()) - kind.asked_by(self.scopes)

    def cleared_claims(self, scopes: Collection[str]) -> frozenset[str]:
        """The claims that were asked for by a scope which is not among *scopes*, those that the person allowed."""
        kind = claims_class(self.issuer.settings)
        return kind.asked_by(self.scopes) - kind.asked_by(scopes)

    @property
    def as_shown(self) -> Parameters:
        """The parameters, with the scopes that are asked for: what follows from a default may change before the answer."""
        others = [(name, value) for name, value in self.params.pairs() if name != "scope"]
        return Parameters([*others, ("scope", " ".join(self.scopes))])

    @property
    def audience(self) -> tuple[str, ...]:
        """The resources that are asked for; the default one where none is named."""
        return self.resources or (self.issuer.settings.default_resource,)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a person has allowed, just now or earlier."""

    request: AuthorizationRequest
    authorization: Authorization
    scopes: tuple[str, ...]
    session: SessionFacts
    """How they signed in; without its identifier where the client is not part of the browser's session."""
    now: datetime

    @property
    def facts(self) -> dict[str, object]:
        """What is kept with the tokens: how the person had signed in, and what an OpenID Provider is asked beside."""
        facts = self.session.claims()
        if "openid" in self.scopes:
            if self.session.sid:
                facts["sid"] = sid_for(self.session.sid, self.request.client.client_id)
            if self.session.expires_at and self._ends_with_the_session:
                facts["session_expires"] = int(self.session.expires_at.timestamp())
            if claims := self.claims:
                facts["claims"] = claims.document()
        return facts

    @property
    def _ends_with_the_session(self) -> bool:
        """OpenID Connect Back-Channel Logout section 2.7."""
        return OFFLINE_ACCESS not in self.scopes and self.request.issuer.settings.sign_out_ends_refresh_tokens

    @property
    def claims(self) -> ClaimsRequest:
        """What was asked for claim by claim, without what the person cleared as a scope: a box for it was on the page, and no other."""
        return self.request.claims.only(self.request.claims.names - self.request.cleared_claims(self.scopes))

    def issuance(self, family: UUID) -> Issuance:
        """What the person's consent proves, where tokens are handed out at once."""
        return Issuance(
            client=self.request.client,
            authorization=self.authorization,
            scopes=frozenset(self.scopes),
            resources=self.request.resources,
            facts=self.facts,
            nonce=self.request.params.get("nonce", ""),
            family=family,
        )
