"""An Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant section 4.3): this server vouches for a person to an
authorization server elsewhere, which gives the client an access token for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final
from uuid import uuid4

from django.core.checks import CheckMessage, Error

from django_oauth_server.component import Document
from django_oauth_server.conf import IDJAG, IssuerSettings
from django_oauth_server.conf.moments import numeric_date
from django_oauth_server.conf.token_exchange import TokenExchangeSettings
from django_oauth_server.conf.trusted_issuers import ID_JAG
from django_oauth_server.errors import InvalidRequest, InvalidScope, InvalidTarget, OAuthError, TemporarilyUnavailable
from django_oauth_server.exchange.base import TOKEN_TYPE, RequestedToken, Unacceptable
from django_oauth_server.exchange.presented import Presented, presented_token, scopes_left
from django_oauth_server.exchange.rules import (
    SETTING,
    Allowed,
    Asked,
    meant_for_another,
    named,
    of_another_kind,
    rules_for,
    settled,
)
from django_oauth_server.grants.base import OtherToken, TokenRequest
from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import Authorization
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.scopes import format_scope, parse_scope
from django_oauth_server.protocol.uris import comparable
from django_oauth_server.storage.clients import clients_named
from django_oauth_server.tokens.claims import claims_class, claims_within, tellable
from django_oauth_server.tokens.subject import subject

TYPE: Final = TOKEN_TYPE + "id-jag"
_NO_TOKEN: Final = "N_A"
"""RFC 8693 section 2.2.1: what is issued is no access token."""


class IdentityAssertionGrant(RequestedToken):
    """An ID-JAG, which the server elsewhere accepts once, within minutes. It is stored nowhere here."""

    name = TYPE

    def enabled(self, settings: IssuerSettings) -> bool:
        return bool(settings.group(TokenExchangeSettings).id_jags)

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"identity_chaining_requested_token_types_supported": [TYPE]}

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        known = claims_class(settings).supported()
        for rule in settings.group(TokenExchangeSettings).id_jags:
            if rule.audience == settings.issuer:
                yield Error(
                    f"token_exchange of {settings.issuer}: {rule} is for this server itself, which accepts no ID-JAG of its own.",
                    hint="Use an Exchange for the resources of this server.",
                    id="oauth_server.E022",
                )
            for name in sorted({*rule.claims} - {*known}):
                yield Error(
                    f"token_exchange of {settings.issuer}: {rule} has the claim {name!r}, which the class in the setting claims does not.",
                    hint=f"Choose some of: {', '.join(known)}.",
                    id="oauth_server.E022",
                )

    def redeem(self, request: TokenRequest) -> OtherToken:
        settings = request.issuer.settings.group(TokenExchangeSettings)
        rule = _rule(request, settings)
        try:
            asked = _asked(request, rule, settings)
            allowed = _allowed(asked, rule)
        except OAuthError as exc:
            exc.rule = named(rule)
            raise
        return _handed_out(asked, settled(asked, allowed, settings.hook), rule, request)


def _rule(request: TokenRequest, settings: TokenExchangeSettings) -> IDJAG:
    rules, audience = rules_for(request.client, settings.id_jags), request.params.every("audience")
    if not audience:
        raise InvalidRequest("The parameter audience is missing.")
    for rule in rules:
        if audience == (rule.audience,):
            return rule
    raise InvalidTarget(
        "The parameter audience names an authorization server that this client may not get an ID-JAG for.",
        detail=f"audience {', '.join(audience)}; there are rules for {', '.join(rule.audience for rule in rules)}",
        parameter="audience",
        rule=SETTING,
    )


def _asked(request: TokenRequest, rule: IDJAG, settings: TokenExchangeSettings) -> Asked:
    """Section 4.3.1. The parameters of an actor are not used."""
    if "actor_token" in request.params:
        raise Unacceptable("The parameter actor_token is not accepted: the client itself acts.")
    return Asked(
        client=request.client,
        subject=_subject(request),
        actor=None,
        targets=request.params.every("resource"),
        scopes=frozenset(parse_scope(request.params.get("scope", ""))),
        allowed=frozenset(rule.scopes),
        confirmation=request.confirmation,
        issuer=request.issuer.settings.issuer,
        most_actors=settings.most_actors,
    )


def _subject(request: TokenRequest) -> Presented:
    """An ID token, whose audience is the client that authenticated."""
    found = presented_token("subject_token", request)
    if found.type != "id_token":
        raise of_another_kind(found)
    if found.client.client_id != request.client.client_id:
        raise meant_for_another(found, request.client)
    return found


def _allowed(asked: Asked, rule: IDJAG) -> Allowed:
    resources = {comparable(one): one for one in rule.resources}
    if beyond := [one for one in asked.targets if comparable(one) not in resources]:
        raise InvalidTarget(
            "The parameter resource or audience names an API that this client may not exchange tokens for.",
            detail=f"for {', '.join(beyond)}",
        )
    if beyond := sorted(asked.scopes - asked.allowed):
        raise InvalidScope(
            "The parameter scope asks for more than this exchange allows.",
            detail=f"beyond it: {format_scope(beyond)}",
        )
    targets = tuple(dict.fromkeys(resources[comparable(one)] for one in asked.targets))
    return Allowed(rule=rule, targets=targets or rule.resources, scopes=asked.scopes or asked.allowed, act=None)


def _handed_out(asked: Asked, allowed: Allowed, rule: IDJAG, request: TokenRequest) -> OtherToken:
    now, authorization = request.now, asked.subject.authorization
    assert authorization is not None
    lifetime = min(rule.lifetime, asked.subject.expires_at - now)
    targets, scope = allowed.targets, format_scope(allowed.scopes)
    claims = {
        **_told(authorization, rule, request),
        **asked.subject.of_the_sign_in,
        "iss": request.issuer.settings.issuer,
        "sub": _known_as(asked.subject, authorization, rule, request),
        "aud": rule.audience,
        "client_id": rule.client_id,
        "jti": str(uuid4()),
        "iat": numeric_date(now),
        "exp": numeric_date(now, lifetime),
        "scope": scope,
        **({"resource": targets[0] if len(targets) == 1 else list(targets)} if targets else {}),
        **({"cnf": dict(request.confirmation)} if request.confirmation else {}),
    }
    members = {
        "issued_token_type": TYPE,
        "access_token": jose.sign(claims, signing_key(request.issuer), typ=ID_JAG),
        "token_type": _NO_TOKEN,
        "scope": scope,
        "expires_in": int(lifetime.total_seconds()),
    }
    return OtherToken(client=request.client, members=members)


def _told(authorization: Authorization, rule: IDJAG, request: TokenRequest) -> Mapping[str, object]:
    """The claims that the rule adds, as far as the person lets the client know them: it can read the ID-JAG."""
    if not rule.claims:
        return {}
    settings = request.issuer.settings
    left = claims_within(scopes_left(authorization, request.issuer), settings)
    names = tellable(authorization, request.client, settings).intersection(rule.claims, left)
    return claims_class(settings).behind(authorization).claims(names)


def _known_as(found: Presented, authorization: Authorization, rule: IDJAG, request: TokenRequest) -> str:
    """Section 3.1: what the server elsewhere knows the person by."""
    if not rule.relying_party:
        return found.subject
    client = clients_named(request.issuer.settings.issuer, {rule.relying_party}).get(rule.relying_party)
    if client is None:
        raise TemporarilyUnavailable(
            "The server cannot make an identifier for the person.",
            detail=f"{rule}: the relying_party {rule.relying_party!r} is not registered",
        )
    return subject(authorization.user, client, request.issuer)
