"""django-allauth as an OpenID Provider (`allauth.idp.oidc`). Its models are found by Django's registry, never imported.

It keeps the SHA-256 of a token's value, and deletes what has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from django_oauth_server.adoption.addresses import Address, Addresses
from django_oauth_server.adoption.source import (
    ForeignClient,
    ForeignCode,
    ForeignKey,
    ForeignToken,
    Mark,
    Source,
    family_of,
)
from django_oauth_server.conf.adoption import project_setting
from django_oauth_server.models import Token
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.storage.batches import walk

_APP: Final = "allauth.idp.oidc"
_LABEL: Final = "allauth_idp_oidc"
_TYPES: Final[Mapping[Token.Kind, str]] = {Token.Kind.ACCESS: "at", Token.Kind.REFRESH: "rt"}
_KINDS: Final[Mapping[str, Token.Kind]] = {name: kind for kind, name in _TYPES.items()}
_CODE: Final = "ac"


class AllauthIdP(Source):
    """Clients and tokens by the ids and digests that they have there."""

    name = "allauth_idp"
    label = "allauth.idp"
    addresses = Addresses(
        "allauth.idp.oidc",
        "idp:oidc",
        "django_oauth_server.urls.allauth_idp",
        (
            Address("identity/o/api/token", "token", "token"),
            Address("identity/o/authorize", "authorization", "authorize"),
            Address("identity/o/api/userinfo", "userinfo", "userinfo"),
            Address("identity/o/api/revoke", "revoke", "revoke"),
            Address("identity/o/api/introspect", "introspect", "introspect"),
            Address("identity/o/api/device/code", "device_code", "device_authorization"),
            Address("identity/o/device", "device_authorization", "device"),
            Address("identity/o/api/clients", "client_registration", "register"),
            Address("identity/o/logout", "logout", "end_session"),
            Address(".well-known/openid-configuration", "configuration", "openid_configuration"),
            Address(".well-known/jwks.json", "jwks", "jwks"),
        ),
    )
    """Those of django-allauth's `allauth.idp.urls`."""

    def is_there(self) -> bool:
        return apps.is_installed(_APP)

    def clients(self) -> Iterator[ForeignClient]:
        for row in walk(_rows("Client")):
            yield _client(row)

    def signing_keys(self) -> Iterator[ForeignKey]:
        pems = [str(one["pem"]) for one in project_setting("IDP_OIDC_PRIVATE_KEYS", [])]
        first = str(project_setting("IDP_OIDC_PRIVATE_KEY", ""))
        signing = first or next(iter(pems), "")
        for pem in dict.fromkeys(filter(None, (first, *pems))):
            yield ForeignKey(pem, signs=pem == signing)

    def tokens(self, now: datetime) -> Iterator[ForeignToken]:
        yield from map(_token, walk(_living(now)))

    def is_empty(self) -> bool:
        return not _rows("Token").filter(type__in=_KINDS).exists()

    def living(self, keys: Mapping[Token.Kind, Collection[str]], now: datetime) -> set[Mark]:
        asked = [key for those in keys.values() for key in those]
        return {(_KINDS[row.type], str(row.pk), row.hash) for row in _living(now).filter(pk__in=asked)}

    def find_token(self, value: str, now: datetime) -> ForeignToken | None:
        row = _living(now).filter(hash=digest(value)).first()
        return _token(row) if row else None

    def take_code(self, value: str, now: datetime) -> ForeignCode | None:
        codes = _rows("Token").filter(type=_CODE, hash=digest(value), expires_at__gt=now)
        row = codes.exclude(user=None).first()
        if row is None or row.data.get("claimed") or not codes.filter(pk=row.pk).delete()[0]:
            return None
        proof = row.data.get("pkce") or {}
        return ForeignCode(
            client_id=row.client_id,
            user=row.user_id,
            redirect_uri=str(row.data.get("redirect_uri") or ""),
            scope=" ".join(row.scopes.split()),
            resources=_resources(row),
            code_challenge=str(proof.get("code_challenge", "")),
            code_challenge_method=str(proof.get("code_challenge_method", "")),
            nonce=str(row.data.get("nonce") or ""),
            issued_at=row.created_at,
            expires_at=row.expires_at,
        )

    def put_back_client(self, client: ForeignClient, *, write: bool) -> str:
        row = _rows("Client").filter(pk=client.client_id).first()
        values = _values(client)
        if row is None:
            if write:
                is_public = client.metadata.get("token_endpoint_auth_method") == "none"
                kind = "public" if is_public else "confidential"
                _rows("Client").create(id=client.client_id, type=kind, owner_id=client.owner, **values)
            return "new"
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        if changed and write:
            _rows("Client").filter(pk=row.pk).update(**changed)
        return "changed" if changed else "known"

    def unknown(self, tokens: Sequence[ForeignToken]) -> list[ForeignToken]:
        found = _rows("Token").filter(hash__in=[one.digest for one in tokens]).values_list("type", "hash")
        known = {(_KINDS.get(kind), of) for kind, of in found}
        return [one for one in tokens if (one.kind, one.digest) not in known]

    def can_know(self, token: ForeignToken) -> bool:
        return True

    def put_back(self, tokens: Sequence[ForeignToken], now: datetime) -> dict[tuple[Token.Kind, str], str]:
        model = apps.get_model(_LABEL, "Token")
        there = set(_rows("Client").filter(pk__in={one.client_id for one in tokens}).values_list("pk", flat=True))
        model._default_manager.bulk_create(
            model(
                type=_TYPES[one.kind],
                hash=one.digest,
                client_id=one.client_id,
                user_id=one.user,
                data={"grant_id": one.family.hex if one.family else None, "resources": list(one.resources)},
                created_at=one.issued_at,
                expires_at=one.expires_at,
                scopes="\n".join(one.scope.split()),
            )
            for one in tokens
            if one.client_id in there
        )
        stored = _rows("Token").filter(hash__in=[one.digest for one in tokens], type__in=_KINDS)
        return {(_KINDS[kind], of): str(pk) for kind, of, pk in stored.values_list("type", "hash", "pk")}

    def end(self, tokens: Sequence[ForeignToken], now: datetime) -> None:
        _rows("Token").filter(pk__in=[one.key for one in tokens]).delete()


def _rows(model: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = apps.get_model(_LABEL, model)._default_manager.all()
    return rows


def _living(now: datetime) -> QuerySet[Any]:
    lives = Q(expires_at=None) | Q(expires_at__gt=now)
    rows: QuerySet[Any] = _rows("Token").filter(lives, type__in=_KINDS)
    return rows.exclude(client=None)


def _client(row: Any) -> ForeignClient:
    data = row.data if isinstance(row.data, dict) else {}
    said = data.get("client_metadata") or {}
    is_public = row.type == "public"
    metadata: dict[str, object] = {
        "client_name": row.name,
        "redirect_uris": _lines(row.redirect_uris),
        "post_logout_redirect_uris": list(said.get("post_logout_redirect_uris") or ()),
        "token_endpoint_auth_method": "none" if is_public else "client_secret",
        "grant_types": _lines(row.grant_types),
        "response_types": _lines(row.response_types),
        "scope": " ".join(_lines(row.scopes)),
    }
    remarks = []
    if _lines(getattr(row, "default_scopes", "")):
        remarks.append(_("Its default_scopes become those of the issuer: the setting default_scopes."))
    return ForeignClient(
        client_id=row.pk,
        metadata=metadata,
        hashed_secret="" if is_public else row.secret,
        skip_consent=row.skip_consent,
        owner=row.owner_id,
        by_itself=bool(data.get("dcr")),
        created_at=row.created_at,
        remarks=tuple(remarks),
    )


def _values(client: ForeignClient) -> dict[str, object]:
    """What a client says there that may have changed here."""
    said: Mapping[str, Any] = client.metadata
    return {
        "name": str(said.get("client_name", ""))[:100],
        "redirect_uris": "\n".join(said.get("redirect_uris", ())),
        "grant_types": "\n".join(said.get("grant_types", ())),
        "response_types": "\n".join(said.get("response_types", ())),
        "scopes": "\n".join(str(said.get("scope", "")).split()),
        "skip_consent": client.skip_consent,
    }


def _token(row: Any) -> ForeignToken:
    return ForeignToken(
        key=str(row.pk),
        kind=_KINDS[row.type],
        digest=row.hash,
        client_id=row.client_id,
        user=row.user_id,
        scope=" ".join(row.scopes.split()),
        resources=_resources(row),
        family=_family(row),
        issued_at=row.created_at,
        expires_at=row.expires_at,
    )


def _family(row: Any) -> UUID | None:
    """A token of a person that says no grant has a family of its own: the versions before that noted none."""
    if row.user_id is None:
        return None
    said = (row.data or {}).get("grant_id")
    return UUID(said) if isinstance(said, str) and len(said) == 32 else family_of(AllauthIdP.name, row.pk)


def _resources(row: Any) -> tuple[str, ...]:
    return tuple(map(str, (row.data or {}).get("resources") or ()))


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(filter(None, map(str.strip, text.split("\n")))))
