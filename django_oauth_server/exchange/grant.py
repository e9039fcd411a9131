"""The token exchange grant (RFC 8693)."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from django_oauth_server.clients.facts import client_facts
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.token_exchange import TokenExchangeSettings
from django_oauth_server.errors import InvalidRequest, InvalidTarget
from django_oauth_server.exchange.presented import TOKEN_TYPE, Presented, presented_token
from django_oauth_server.exchange.rules import Allowed, Asked, judged
from django_oauth_server.grants.base import GrantType, Issuance, TokenRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.delegation import ACT, SERVICE, SUB_PROFILE, SUBJECT_CLIENT
from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.scopes import parse_scope
from django_oauth_server.storage.tokens import used
from django_oauth_server.tokens.narrow import known_resources

logger = get_log("django_oauth_server")

ACCESS_TOKEN: Final = TOKEN_TYPE + "access_token"
_OF_THE_SIGN_IN: Final = ("auth_time", "acr", "amr")
"""What the new token says of the person as the exchanged one did."""


class TokenExchange(GrantType):
    """Proves that the client was shown a token of somebody for whom it may act, by a rule of the settings."""

    name = "urn:ietf:params:oauth:grant-type:token-exchange"
    label = _("Token exchange (the app acts for whoever called it)")
    parameters = frozenset({
        "grant_type", "resource", "audience", "scope", "requested_token_type",
        "subject_token", "subject_token_type", "actor_token", "actor_token_type",
    })  # fmt: skip
    repeatable = frozenset({"audience"})
    client_auth = "required"
    operator_only = True
    settings_name = "token_exchange"
    settings_group = TokenExchangeSettings

    def enabled(self, settings: IssuerSettings) -> bool:
        return bool(settings.group(TokenExchangeSettings).rules)

    def targets(self, params: Parameters) -> tuple[str, ...]:
        """Section 2.1: a target is named by its address or by a logical name, which here are the same."""
        return (*params.every("resource"), *params.every("audience"))

    def redeem(self, request: TokenRequest) -> Issuance:
        """Nothing that it gives is wider than the subject token, lives longer, or outlives what ends the person's authorization."""
        _check_requested(request.params)
        settings = request.issuer.settings.group(TokenExchangeSettings)
        asked = _asked(request, self.targets(request.params), settings.most_actors)
        allowed = judged(asked, settings.rules)
        _note(asked, allowed)
        return _issuance(asked, allowed, request)


def _check_requested(params: Parameters) -> None:
    if params.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise InvalidRequest(
            "The parameter requested_token_type names a type of token that this server does not issue.",
            detail=f"requested_token_type {params['requested_token_type']!r}",
        )


def _asked(request: TokenRequest, targets: tuple[str, ...], most_actors: int) -> Asked:
    subject, actor = presented_token("subject_token", request), _actor(request)
    return Asked(
        client=request.client,
        subject=subject,
        actor=actor,
        targets=_known(targets, request.issuer),
        scopes=frozenset(parse_scope(request.params.get("scope", ""))),
        allowed=_allowed_scopes(subject, request),
        confirmation=request.confirmation,
        issuer=request.issuer.settings.issuer,
        most_actors=most_actors,
    )


def _actor(request: TokenRequest) -> Presented | None:
    if "actor_token" in request.params:
        return presented_token("actor_token", request)
    if "actor_token_type" in request.params:
        raise InvalidRequest("The parameter actor_token_type is sent without actor_token.")
    return None


def _known(targets: tuple[str, ...], issuer: Issuer) -> tuple[str, ...]:
    try:
        return known_resources(targets, issuer)
    except InvalidTarget as exc:
        raise InvalidTarget(
            "The parameter resource or audience names an API that this server does not know.",
            detail=exc.detail,
            parameter="resource",
        ) from exc


def _allowed_scopes(subject: Presented, request: TokenRequest) -> frozenset[str]:
    """What the client may ever have for this person, and what the person allows still."""
    authorization = subject.authorization
    person = authorization.user if authorization else None
    scopes = frozenset(client_facts(request.client, request.issuer, (TokenExchange.name,), person).scopes)
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
    return {
        **{name: subject.claims[name] for name in _OF_THE_SIGN_IN if name in subject.claims},
        **({ACT: allowed.act} if allowed.act else {}),
        **({} if subject.authorization else {SUB_PROFILE: SERVICE}),
        SUBJECT_CLIENT: subject.subject_client,
    }


def _note(asked: Asked, allowed: Allowed) -> None:
    logger.info(
        "token exchange: %r may exchange a token that was issued to %r, by %s",
        asked.client.client_id,
        asked.subject.client.client_id,
        allowed.rule,
    )
