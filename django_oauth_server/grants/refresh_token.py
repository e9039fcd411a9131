"""Refreshing an access token (RFC 6749 section 6, OAuth 2.1 section 4.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.engine import RefreshFacts, judge_refresh
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest
from django_oauth_server.grants.confirmation import check_promise
from django_oauth_server.grants.rotation import refresh_until, reused
from django_oauth_server.models import Token
from django_oauth_server.protocol.opaque import REFRESH_TOKEN, digest
from django_oauth_server.storage.tokens import find_token, prolonged, superseded, used
from django_oauth_server.storage.writing import Spending

NOTED_AFTER: Final = 32
"""The part of its idle time that has to go by before a refresh token that is not rotated lives longer by being used."""


class RefreshToken(GrantType):
    """Proves that this client was allowed earlier, and still is."""

    name = "refresh_token"
    asks_person = True
    label = _("Refresh token")
    parameters = frozenset({"grant_type", "refresh_token", "scope"})

    def redeem(self, request: TokenRequest) -> Issuance:
        """Rotates where the client is public or the policy says so. What was rotated out is answered once more within the replay
        window, unless its successor was used; later it gives the whole family away (OAuth 2.1 section 4.3.1)."""
        presented = request.params.require("refresh_token")
        token = _find(presented)
        request = request.beside(token)
        refusal = _refusal(token, request)
        client = client_facts(request.client, request.issuer)
        scopes = judge_refresh(
            request.params,
            client,
            RefreshFacts(refusal=refusal, scopes=token.scopes if token and not refusal else ()),
        )
        assert token is not None
        check_promise(token.facts, request.confirmation)
        replayed = token.superseded_at is not None
        rotates = is_public(request.client, request.issuer) or request.policy.require_refresh_token_rotation
        if replayed:
            _refuse_reuse(token, request)
        return Issuance(
            client=request.client,
            authorization=token.authorization,
            scopes=frozenset(scopes).intersection(
                client.scopes, token.authorization.scopes if token.authorization else scopes
            ),
            granted=token.scopes,
            resources=tuple(token.audience),
            facts=token.facts,
            family=token.family,
            spends=None if replayed else _spending(token, request, rotates=rotates),
            replaces=token if rotates or replayed else None,
            presented=presented,
        )


def _find(presented: str) -> Token | None:
    return find_token(digest(presented), Token.Kind.REFRESH) if presented.startswith(REFRESH_TOKEN) else None


def _refusal(token: Token | None, request: TokenRequest) -> str:
    if token is None:
        return "unknown refresh token"
    if not request.is_of_its_client(token):
        return "another client's refresh token"
    return token.ended_by(request.now, password_change_revokes=request.issuer.settings.password_change_revokes)


def _refuse_reuse(token: Token, request: TokenRequest) -> None:
    assert token.superseded_at is not None
    elapsed = max(request.now - token.superseded_at, timedelta())  # another process's clock may be ahead
    if elapsed >= request.issuer.settings.refresh_token_replay_window:
        raise reused(token, request.now)


def _spending(token: Token, request: TokenRequest, *, rotates: bool) -> Spending:
    """The loser of a race begins anew, and finds the token rotated or revoked."""
    if rotates:
        return superseded(token, request.now)
    until = refresh_until(request.client, token.facts, request.issuer, request.now)
    return prolonged(token, until) if _is_worth_noting(until, token.expires_at, request.now) else used(token)


def _is_worth_noting(until: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether the idle time begins anew: `expires_at` has an index, which would be written at every refresh for a few minutes in 30 days."""
    return not timedelta() <= until - expires_at < (until - now) / NOTED_AFTER
