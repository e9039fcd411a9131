"""Access tokens of the authorization server in the same project."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from django_oauth_server.clients.secrets import set_secret
from django_oauth_server.grants.allow import record_consent
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.protocol import opaque
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.registry import default_issuer, issuer_named
from django_oauth_server.resource.conf import audiences
from django_oauth_server.storage.authorizations import live_authorization
from django_oauth_server.storage.tokens import store
from django_oauth_server.testing.facts import Key, acting, bound_to, sign_in, words
from django_oauth_server.tokens.formats.base import TokenFormat
from django_oauth_server.tokens.issue import token_format

APP: Mapping[str, object] = {
    "client_name": "Notebook",
    "redirect_uris": ["https://client.example/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
}
"""What a client says that is made for a test."""


def issue_token(
    *,
    scopes: str | Iterable[str] = "",
    user: AbstractBaseUser | None = None,
    client: Client | None = None,
    format: Literal["", "opaque", "at+jwt"] = "",
    audience: str | Iterable[str] = "",
    acr: str = "",
    auth_time: datetime | None = None,
    expires_in: timedelta | None = None,
    key: Key | None = None,
    facts: Mapping[str, object] | None = None,
    actor: str | Iterable[str] = "",
) -> str:
    """The value of an access token, stored or signed as the token endpoint does it, so that all of its verification runs.

    Without *user* the client acts for itself; without *client* one is made. The audience is this project's own resource, the format
    and the lifetime what the server would choose, unless they are said. With *key* the token is bound to it. *facts* are what a prompt settled
    when *user* allowed it, such as a team. *actor* is the `client_id` of who acts for them (RFC 8693), or
    several, the latest first. Nothing is narrowed: what the server would never hand out (a token without scopes, for a resource that it does not
    know, which has expired) can be had, since its refusal is to be tested.
    """
    now, client = timezone.now(), client or _client()
    issuer, meant_for = issuer_named(client.issuer), words(audience) or audiences()[:1]
    form = _format(format, client, meant_for, issuer)
    identifier = opaque.generate(opaque.ACCESS_TOKEN)
    expires_at = now + (issuer.settings.access_token_lifetime if expires_in is None else expires_in)
    token = Token(
        kind=Token.Kind.ACCESS,
        digest=form.digest(identifier),
        client=client,
        authorization=_allowed(client, user, words(scopes), meant_for, issuer, facts, now) if user else None,
        scope=format_scope(words(scopes)),
        audience=list(meant_for),
        facts=sign_in(acr, auth_time) | bound_to(key) | acting(actor),
        issued_at=min(now, expires_at),
        expires_at=expires_at,
    )
    if token.authorization or not form.self_contained:
        store([token], client)
    return form.render(token, identifier, issuer)


def _client() -> Client:
    """A confidential one that may ask for all that the issuer offers. `ClientFactory` makes such, too, with factory-boy, which not everybody has."""
    settings = default_issuer().settings
    said = {**APP, "token_endpoint_auth_method": "client_secret_basic", "scope": format_scope(settings.scopes)}
    client = Client(issuer=settings.issuer, client_id=f"client-{secrets.token_hex(8)}", metadata=said)
    set_secret(client, opaque.generate(opaque.CLIENT_SECRET), settings, in_clear=False)
    client.save(force_insert=True)
    return client


def _format(name: str, client: Client, audience: tuple[str, ...], issuer: Issuer) -> TokenFormat:
    """What is said, else what the server would choose."""
    return (
        issuer.components.of(TokenFormat)[name] if name else token_format(client.access_token_format, audience, issuer)
    )


def _allowed(
    client: Client,
    user: AbstractBaseUser,
    scopes: tuple[str, ...],
    resources: tuple[str, ...],
    issuer: Issuer,
    facts: Mapping[str, object] | None,
    now: datetime,
) -> Authorization:
    """As if *user* had agreed on the consent page."""
    found = live_authorization(client, user, facts)
    return record_consent(found, client, user, scopes, resources, issuer, now, facts=facts)
