"""From what was proven to what the client is given: the one place where tokens are made."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.errors import InvalidGrant
from django_oauth_server.grants.base import Issuance, OtherToken
from django_oauth_server.grants.confirmation import CONFIRMATION, is_shown
from django_oauth_server.grants.predecessor import ADOPTED
from django_oauth_server.grants.rotation import refresh_until, reused, with_origin
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.derivation import derivation_keys
from django_oauth_server.models import Token
from django_oauth_server.protocol import opaque
from django_oauth_server.protocol.delegation import SUBJECT_CLIENT
from django_oauth_server.protocol.scopes import format_scope
from django_oauth_server.storage.revocations import end_if_shut_out
from django_oauth_server.storage.tokens import find_tokens, held, store
from django_oauth_server.storage.transaction import after_commit
from django_oauth_server.storage.writing import Spending
from django_oauth_server.tokens.bindings.base import token_type
from django_oauth_server.tokens.formats.base import TokenFormat
from django_oauth_server.tokens.id_token import askable_claims, id_token
from django_oauth_server.tokens.narrow import narrow
from django_oauth_server.tokens.subject import subject_behind


def issue(
    issuance: Issuance,
    asked: tuple[str, ...],
    issuer: Issuer,
    now: datetime,
    *,
    refreshable: bool = False,
    identifies: bool = False,
) -> Mapping[str, object]:
    """A token response (RFC 6749 section 5.1) for the resources *asked* for. Once all of it is made, one statement stores what must be stored,
    and uses up what it is bought with.

    *identifies*: an ID token is part of it, where the scope `openid` is (OpenID Connect Core section 3.1.3.3).

    A rotated refresh token that is honestly presented again (`Issuance.replaces` was superseded before) gets the answer it had.
    """
    _check_subject(issuance, issuer)
    narrowed, audience = narrow(issuance, asked, issuer)
    if issuance.replaces and issuance.replaces.superseded_at:
        made = _answer_again(narrowed, audience, issuer, now)
    else:
        made = _answer(narrowed, audience, issuer, now, refreshable=refreshable)
    response = made.response
    if identifies and issuance.authorization and issuer.settings.is_openid and "openid" in issuance.scopes:
        response["id_token"] = id_token(issuance, issuer, now, access_token=str(response["access_token"]))
    store(made.rows, issuance.client, made.spends)
    if (allowed := issuance.authorization) and allowed.is_new and made.rows[0].self_contained:
        ends = issuer.settings.password_change_revokes
        after_commit(partial(end_if_shut_out, allowed, password_change_revokes=ends))
    return {**issuance.members, **response} if issuance.members else response


def handed_out(token: OtherToken) -> Mapping[str, object]:
    """The response that has *token*. Raises `Conflict` where its client is remembered otherwise than it is."""
    store((), token.client)
    return token.members


class _Made(NamedTuple):
    response: dict[str, object]
    rows: list[Token]
    """What is stored before anybody is told."""
    spends: Spending | None


def _check_subject(issuance: Issuance, issuer: Issuer) -> None:
    """RFC 9700 section 4.15: a `sub` that equals `client_id` says that the client acts for itself, which no person's token may say."""
    authorization = issuance.authorization
    if authorization and subject_behind(authorization, issuer) == issuance.client.client_id:
        raise InvalidGrant("The person's identifier is the same as the client_id.")


def token_format(client_format: str, audience: tuple[str, ...], issuer: Issuer) -> TokenFormat:
    """The client's own choice, else the resource's, else the issuer's."""
    name = client_format or next(
        (one.access_token_format for one in issuer.settings.declared(audience) if one.access_token_format), None
    )
    return issuer.components.of(TokenFormat)[name or issuer.settings.access_token_format]


def _answer(
    issuance: Issuance, audience: tuple[str, ...], issuer: Issuer, now: datetime, *, refreshable: bool
) -> _Made:
    form = token_format(issuance.client.access_token_format, audience, issuer)
    rotated = issuance.replaces
    key = derivation_keys(issuer)[0] if rotated or refreshable else b""
    identifier = _access_identifier(issuance, audience, key) if rotated else opaque.generate(opaque.ACCESS_TOKEN)
    access = _access_token(issuance, audience, form, identifier, issuer, now)
    refresh_value = (
        issuance.presented
    )  # where nothing rotates, the same is told again: clients store what an answer has
    rows = [access] if issuance.authorization or SUBJECT_CLIENT in access.facts or not form.self_contained else []
    if refreshable or rotated:
        refresh_value = _refresh_value(issuance, issuer, key, now)
        rows.append(_refresh_token(issuance, refresh_value, issuer, now))
    response = _response(access, form.render(access, identifier, issuer), refresh_value, issuer, now)
    return _Made(response, rows, issuance.spends)


def _answer_again(issuance: Issuance, audience: tuple[str, ...], issuer: Issuer, now: datetime) -> _Made:
    """The refresh token is the one that was handed out; so is the access token, unless something else was asked for this time, or by another key.

    Whoever used the refresh token that was handed out has had the answer: to ask for it again is reuse. So it is to ask for it with another key
    than the one that it was bound to then: two have the token that was presented.
    """
    assert issuance.replaces is not None
    assert issuance.replaces.superseded_at is not None
    form = token_format(issuance.client.access_token_format, audience, issuer)
    for key in derivation_keys(issuer):
        refresh_value = _refresh_value(issuance, issuer, key, issuance.replaces.superseded_at)
        identifier = _access_identifier(issuance, audience, key)
        found = find_tokens([opaque.digest(refresh_value), form.digest(identifier)])
        if successor := found.get(opaque.digest(refresh_value)):
            break
    else:
        raise InvalidGrant(
            "The refresh token was used before.",
            detail="the key_encryption_key that its successor was derived with is no longer configured",
        )
    if successor.superseded_at is not None or not is_shown(successor.facts, issuance.confirmation):
        raise reused(issuance.replaces, now)
    known = found.get(form.digest(identifier))
    access = known or _access_token(issuance, audience, form, identifier, issuer, now)
    access.client, access.authorization = issuance.client, issuance.authorization
    response = _response(access, form.render(access, identifier, issuer), refresh_value, issuer, now)
    if known:
        return _Made(response, [], None)
    return _Made(response, [access], held(issuance.replaces))  # who finds another first reads that one


def _access_identifier(issuance: Issuance, audience: tuple[str, ...], key: bytes) -> str:
    assert issuance.replaces is not None
    return opaque.derive(
        opaque.ACCESS_TOKEN,
        key,
        issuance.presented,
        issuance.replaces.salt,
        format_scope(issuance.scopes),
        *sorted(audience),
        *([json.dumps(issuance.confirmation, sort_keys=True)] if issuance.confirmation else ()),
    )


def _refresh_value(issuance: Issuance, issuer: Issuer, key: bytes, made_at: datetime) -> str:
    """A new one, or what follows from the one that was presented, and from when that was rotated: the same each time."""
    rotated = issuance.replaces
    value = (
        opaque.derive(opaque.REFRESH_TOKEN, key, issuance.presented, rotated.salt)
        if rotated
        else opaque.generate(opaque.REFRESH_TOKEN)
    )
    if issuance.authorization is None or issuance.family is None:
        return value
    return with_origin(value, issuance.authorization.pk, issuance.family, issuer, key, made_at)


def _access_token(
    issuance: Issuance, audience: tuple[str, ...], form: TokenFormat, identifier: str, issuer: Issuer, now: datetime
) -> Token:
    facts = _facts(issuance, issuance.confirmation)
    if "claims" in facts:
        facts["claims"] = askable_claims(issuance, issuer).document()
    return Token(
        kind=Token.Kind.ACCESS,
        digest=form.digest(identifier),
        self_contained=form.self_contained,
        client=issuance.client,
        authorization=issuance.authorization,
        family=issuance.family,
        scope=format_scope(issuance.scopes),
        audience=list(audience),
        facts=facts,
        issued_at=now,
        expires_at=_access_end(issuance, audience, issuer, now),
    )


def _refresh_token(issuance: Issuance, value: str, issuer: Issuer, now: datetime) -> Token:
    return Token(
        kind=Token.Kind.REFRESH,
        digest=opaque.digest(value),
        salt=secrets.token_hex(16),
        client=issuance.client,
        authorization=issuance.authorization,
        family=issuance.family,
        scope=format_scope(issuance.granted or issuance.scopes),
        audience=list(issuance.resources or ()),
        facts=_facts(issuance, issuance.confirmation if is_public(issuance.client, issuer) else {}),
        issued_at=now,
        expires_at=refresh_until(issuance.client, issuance.facts, issuer, now),
    )


def _facts(issuance: Issuance, confirmation: Mapping[str, str]) -> dict[str, object]:
    """What is kept with a token that is bound by *confirmation*, which may be another than that of the token which it follows.

    Refresh tokens of confidential clients are bound to the client by its authentication, which lets it change its keys (RFC 6749 section 6).
    """
    facts = dict(issuance.facts)
    facts.pop(CONFIRMATION, None)
    facts.pop(ADOPTED, None)
    return facts | {CONFIRMATION: dict(confirmation)} if confirmation else facts


def _access_end(issuance: Issuance, audience: tuple[str, ...], issuer: Issuer, now: datetime) -> datetime:
    """After the shortest lifetime that the client and the resources name, else the issuer's; and no later than what it is given for ends."""
    named = [
        issuance.client.access_token_lifetime,
        *(one.access_token_lifetime for one in issuer.settings.declared(audience)),
    ]
    lifetime = min((one for one in named if one is not None), default=issuer.settings.access_token_lifetime)
    return min(now + lifetime, issuance.until) if issuance.until else now + lifetime


def _response(access: Token, value: str, refresh_value: str, issuer: Issuer, now: datetime) -> dict[str, object]:
    response: dict[str, object] = {
        "access_token": value,
        "token_type": token_type(access.facts, issuer),
        "expires_in": max(int((access.expires_at - now).total_seconds()), 0),
        "scope": access.scope,
    }
    return response | ({"refresh_token": refresh_value} if refresh_value else {})
