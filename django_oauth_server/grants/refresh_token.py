"""Refreshing an access token (RFC 6749 section 6, OAuth 2.1 section 4.3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.engine import RefreshFacts, judge_refresh
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest
from django_oauth_server.grants.confirmation import check_promise
from django_oauth_server.grants.predecessor import find_foreign
from django_oauth_server.grants.rotation import kept_until, refresh_until, reused, successor_of
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
        token, is_reused = _find(presented, request)
        request = request.beside(token)
        refusal = _refusal(token, request, is_reused=is_reused)
        person = token.authorization.user if token and token.authorization else None
        client = client_facts(request.client, request.issuer, (self.name,), person)
        scopes = judge_refresh(
            request.params,
            client,
            RefreshFacts(refusal=refusal, scopes=token.scopes if token and not refusal else ()),
        )
        assert token is not None
        check_promise(token.facts, request.confirmation)
        if is_reused:
            raise reused(token, request.now)
        replayed = token.superseded_at is not None
        rotates = is_public(request.client, request.issuer) or request.policy.require_refresh_token_rotation
        return Issuance(
            client=request.client,
            authorization=token.authorization,
            scopes=frozenset(scopes).intersection(
                client.scopes, token.authorization.scopes if token.authorization else scopes
            ),
            granted=token.scopes,
            allowed=client.scopes,
            resources=tuple(token.audience),
            facts=token.facts,
            family=token.family,
            spends=None if replayed else _spending(token, presented, request, rotates=rotates),
            replaces=token if rotates or replayed else None,
            presented=presented,
        )


class _Found(NamedTuple):
    token: Token | None
    is_reused: bool = False
    """It was rotated, and no honest retry comes so late. Where its row is gone, the token is the one that its family has now."""


def _find(presented: str, request: TokenRequest) -> _Found:
    if not presented.startswith(REFRESH_TOKEN):
        token = find_foreign(presented, request.issuer, request.now, _find_refresh_token)
        return _Found(token, is_reused=token is not None and _is_too_late(token, request))
    if token := _find_refresh_token(digest(presented)):
        return _Found(token, is_reused=_is_too_late(token, request))
    token = successor_of(presented, request.issuer, request.now)
    return _Found(token, is_reused=token is not None)


def _find_refresh_token(digest: str) -> Token | None:
    return find_token(digest, Token.Kind.REFRESH)


def _is_too_late(token: Token, request: TokenRequest) -> bool:
    if token.superseded_at is None:
        return False
    elapsed = max(request.now - token.superseded_at, timedelta())  # another process's clock may be ahead
    return elapsed >= request.issuer.settings.refresh_token_replay_window


def _refusal(token: Token | None, request: TokenRequest, *, is_reused: bool) -> str:
    """Reuse counts as such, whether or not the token would have expired meanwhile."""
    if token is None:
        return "unknown refresh token"
    if not request.is_of_its_client(token):
        return "another client's refresh token"
    as_of = token.issued_at if is_reused else request.now
    return token.ended_by(as_of, password_change_revokes=request.issuer.settings.password_change_revokes)


def _spending(token: Token, presented: str, request: TokenRequest, *, rotates: bool) -> Spending:
    """The loser of a race begins anew, and finds the token rotated or revoked."""
    if rotates:
        return superseded(token, request.now, kept_until(presented, token, request.issuer, request.now))
    until = refresh_until(request.client, token.facts, request.issuer, request.now)
    return prolonged(token, until) if _is_worth_noting(until, token.expires_at, request.now) else used(token)


def _is_worth_noting(until: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether the idle time begins anew: `expires_at` has an index, which would be written at every refresh for a few minutes in 30 days."""
    return not timedelta() <= until - expires_at < (until - now) / NOTED_AFTER
