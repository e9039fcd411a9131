"""The token exchange grant (RFC 8693)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from inspect import signature

from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.token_exchange import Exchange, TokenExchangeSettings
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.exchange.access_token import ACCESS_TOKEN
from django_oauth_server.exchange.base import RequestedToken, targets_of
from django_oauth_server.grants.base import GrantType, Issuance, OtherToken, TokenRequest
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.clients import clients_named


class TokenExchange(GrantType):
    """Proves that the client holds a token of somebody for whom a rule of the settings lets it act."""

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
        group = settings.group(TokenExchangeSettings)
        return bool(group.every_rule)

    def targets(self, params: Parameters) -> tuple[str, ...]:
        return targets_of(params)

    def redeem(self, request: TokenRequest) -> Issuance | OtherToken:
        """The type of token that is requested decides what is issued."""
        named = request.params.get("requested_token_type", ACCESS_TOKEN)
        requested = request.issuer.components.of(RequestedToken).get(named)
        if requested is None:
            raise InvalidRequest(
                "The parameter requested_token_type names a type of token that this server does not issue.",
                detail=f"requested_token_type {named!r}",
            )
        return requested.redeem(request)

    def told(self, client_id: str, settings: IssuerSettings) -> Iterable[str]:
        own = [rule for rule in settings.group(TokenExchangeSettings).every_rule if rule.client == client_id]
        return [f"{rule}: {' '.join(rule.scopes)}" for rule in own]

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        group = settings.group(TokenExchangeSettings)
        for rule in group.rules:
            yield from _unknown(rule, settings)
        try:
            if group.hook:
                _check_hook(group.hook)
        except ImportError as exc:
            yield Error(
                f"token_exchange of {settings.issuer}: hook is {group.hook!r}, which cannot be loaded: {exc}",
                hint="Set it to the dotted path of a function.",
                id="oauth_server.E021",
            )

    def row_checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        group = settings.group(TokenExchangeSettings)
        exchanging = {rule.client for rule in group.every_rule}
        issued_to = {name for rule in group.rules for name in rule.issued_to or ()}
        named = exchanging | issued_to | {rule.relying_party for rule in group.id_jags if rule.relying_party}
        known = clients_named(settings.issuer, named)
        for name in sorted(named):
            lack = _lack_of(known.get(name), exchanges=name in exchanging)
            if lack:
                yield Warning(
                    f"token_exchange of {settings.issuer} names the client {name}, which {lack}.",
                    hint="Correct the rule, or the client: manage.py createclient registers it, updateclient changes its grant types.",
                    id="oauth_server.W020",
                )


def _lack_of(client: Client | None, *, exchanges: bool) -> str:
    """Why a rule that names *client* allows nothing; empty where it does."""
    if client is None:
        return "is not registered"
    if exchanges and TokenExchange.name not in client.grant_types:
        return "is not registered for the grant type token-exchange"
    return ""


def _check_hook(path: str) -> None:
    """Raise ImportError unless *path* is that of a function which takes what is asked and what is allowed."""
    try:
        signature(import_string(path)).bind(None, None)
    except TypeError as exc:
        raise ImportError("it is no function that takes what is asked and what is allowed.") from exc


def _unknown(rule: Exchange, settings: IssuerSettings) -> Iterator[CheckMessage]:
    """An error for each scope and resource in *rule* that this server does not have."""
    resources = [one for one in rule.resources if settings.resource_named(one) is None]
    scopes = [one for one in rule.scopes if one not in settings.scopes]
    for unknown, where, known in (
        *((one, "resources", [*settings.resources, settings.default_resource]) for one in resources),
        *((one, "scopes", [*settings.scopes]) for one in scopes),
    ):
        close = get_close_matches(unknown, known, n=1)
        yield Error(
            f"token_exchange of {settings.issuer}: {rule} has {unknown!r}, which is not in {where}.",
            hint=f"Did you mean {close[0]!r}?" if close else f"Add it to {where}, or take it out of the rule.",
            id="oauth_server.E023",
        )
