"""Access tokens by exchange: as the rules allow, never wider than the tokens that were presented, and ended by what ends those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.token_exchange import TokenExchangeSettings
from django_oauth_server.errors import InvalidTarget
from django_oauth_server.exchange.base import TOKEN_TYPE, RequestedToken, targets_of
from django_oauth_server.exchange.presented import Presented, presented_actor, presented_token
from django_oauth_server.exchange.rules import Allowed, Asked, judged, rules_for, settled
from django_oauth_server.grants.base import Issuance, TokenRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.delegation import (
    ACT,
    SERVICE,
    SUB_PROFILE,
    SUBJECT_CLIENT,
    clients_behind,
    ends_with,
)
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.storage.tokens import used
from django_oauth_server.tokens.narrow import known_resources

ACCESS_TOKEN: Final = TOKEN_TYPE + "access_token"


class ExchangedAccessToken(RequestedToken):
    """An access token with which a service calls another one for whoever called it."""

    name = ACCESS_TOKEN

    def enabled(self, settings: IssuerSettings) -> bool:
        return bool(settings.group(TokenExchangeSettings).rules)

    def redeem(self, request: TokenRequest) -> Issuance:
        """The new token is never wider than the subject token, never lives longer, and ends with the person's authorization."""
        settings = request.issuer.settings.group(TokenExchangeSettings)
        rules = rules_for(request.client, settings.rules)
        asked = _asked(request, settings)
        allowed = judged(asked, rules)
        allowed = replace(allowed, targets=_known(allowed.targets, request.issuer))
        allowed = settled(asked, allowed, settings.hook)
        return _issuance(asked, allowed, request)


def _asked(request: TokenRequest, settings: TokenExchangeSettings) -> Asked:
    subject = presented_token("subject_token", request)
    return Asked(
        client=request.client,
        subject=subject,
        actor=presented_actor(request),
        targets=_known(targets_of(request.params), request.issuer),
        scopes=frozenset(parse_scope(request.params.get("scope", ""))),
        allowed=_allowed_scopes(subject, request),
        confirmation=request.confirmation,
        issuer=request.issuer.settings.issuer,
        most_actors=settings.most_actors,
    )


def _known(targets: tuple[str, ...], issuer: Issuer) -> tuple[str, ...]:
    try:
        return known_resources(targets, issuer)
    except InvalidTarget as exc:
        raise InvalidTarget(
            "The parameter resource or audience names an API that this server does not know.",
            detail=exc.detail,
        ) from exc


def _allowed_scopes(subject: Presented, request: TokenRequest) -> frozenset[str]:
    """The scopes that the client may have for this person, and that the person still allows."""
    authorization = subject.authorization
    person = authorization.user if authorization else None
    scopes = frozenset(client_facts(request.client, request.issuer, (request.params["grant_type"],), person).scopes)
    return scopes & authorization.scopes if authorization else scopes


def _issuance(asked: Asked, allowed: Allowed, request: TokenRequest) -> Issuance:
    subject, row = asked.subject, asked.subject.row
    ends = [token.expires_at for token in (subject, asked.actor) if token]
    if allowed.rule.lifetime:
        ends.append(request.now + allowed.rule.lifetime)
    return Issuance(
        client=request.client,
        authorization=subject.authorization,
        scopes=allowed.scopes,
        resources=allowed.targets,
        facts=_facts(asked, allowed),
        until=min(ends),
        members={"issued_token_type": ACCESS_TOKEN},
        family=row.family if row else None,
        spends=used(row) if row else None,
    )


def _facts(asked: Asked, allowed: Allowed) -> dict[str, object]:
    subject = asked.subject
    said: dict[str, object] = {
        **subject.of_the_sign_in,
        **({ACT: allowed.act} if allowed.act else {}),
        **({} if subject.authorization else {SUB_PROFILE: SERVICE}),
        SUBJECT_CLIENT: subject.subject_client,
    }
    return said | _ends_with(asked, said)


def _ends_with(asked: Asked, said: Mapping[str, object]) -> dict[str, object]:
    """What the new token ends with although *said* does not name it: the clients that passed the subject token on by impersonation, and the clients
    and authorizations behind the actor's token."""
    subject, actor = asked.subject, asked.actor
    clients, grants = subject.clients, subject.grants
    if actor:
        clients, grants = clients | actor.clients, grants | actor.grants
        if actor.authorization:
            grants |= {str(actor.authorization.grant_id)}
    return ends_with(sorted(clients - {asked.client.client_id, *clients_behind(said)}), sorted(grants))
