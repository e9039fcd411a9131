"""django-oauth-toolkit (`oauth2_provider`), 2.x and 3.x. Its models are found by Django's registry, never imported, and may be swapped.

It keeps the SHA-256 of a token's value beside the value, or alone (`token_checksum`); older versions the value alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.contrib.auth.hashers import identify_hasher
from django.db.models import Model, Q, QuerySet
from django.db.models.functions import Substr
from django.utils.translation import gettext as _

from django_oauth_server.adoption.addresses import Address, Addresses
from django_oauth_server.adoption.oauth_toolkit_settings import settings_for
from django_oauth_server.adoption.proposal import Proposal
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

_APP: Final = "oauth2_provider"
_DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_GRANTS: Final[Mapping[str, tuple[list[str], list[str]]]] = {
    "authorization-code": (["authorization_code", "refresh_token"], ["code"]),
    "implicit": (["implicit"], ["token"]),
    "password": (["password", "refresh_token"], []),
    "client-credentials": (["client_credentials"], []),
    "openid-hybrid": (
        ["authorization_code", "implicit", "refresh_token"],
        ["code", "code token", "code id_token", "code id_token token"],
    ),
    _DEVICE: ([_DEVICE, "refresh_token"], []),
}
"""From `authorization_grant_type` to grant types and response types (RFC 7591 section 2)."""
_ACCESS: Final = Token.Kind.ACCESS
_REFRESH: Final = Token.Kind.REFRESH
_MODELS: Final = {_ACCESS: ("ACCESS_TOKEN", "AccessToken"), _REFRESH: ("REFRESH_TOKEN", "RefreshToken")}
_PLACEHOLDER: Final = "adopted:"


class OAuthToolkit(Source):
    """Applications become clients, and living tokens stay as they are: both servers know them by the same digest."""

    name = "oauth_toolkit"
    label = "django-oauth-toolkit"
    addresses = Addresses(
        "oauth2_provider",
        "oauth2_provider",
        "django_oauth_server.urls.oauth_toolkit",
        (
            Address("token/", "token", "token"),
            Address(
                "introspect/",
                "introspect",
                "introspect",
                "django_oauth_server.endpoints.introspect_oauth_toolkit.introspect",
            ),
            Address("authorize/", "authorize", "authorize"),
            Address("revoke_token/", "revoke-token", "revoke"),
            Address("userinfo/", "user-info", "userinfo"),
            Address(
                ".well-known/openid-configuration", "oidc-connect-discovery-info", "openid_configuration", slash=True
            ),
            Address(".well-known/oauth-authorization-server", "oauth-server-metadata", "metadata_behind_path"),
            Address(".well-known/jwks.json", "jwks-info", "jwks"),
            Address("logout/", "rp-initiated-logout", "end_session"),
            Address("device-authorization/", "device-authorization", "device_authorization"),
            Address("device/", "device", "device"),
            Address("register/", "dcr-register", "register"),
            Address("register/<str:client_id>/", "dcr-register-management", "client_configuration"),
            Address("authorized_tokens/", "authorized-token-list", "connected_apps"),
        ),
    )
    """Those of django-oauth-toolkit's `oauth2_provider.urls`, 2.x and 3.x."""

    def is_there(self) -> bool:
        return apps.is_installed(_APP)

    def proposal(self) -> Proposal:
        path = self.addresses.path() or "/o"
        return settings_for(
            project_setting("OAUTH2_PROVIDER", {}), f"https://your.host{path}", [one.metadata for one in self.clients()]
        )

    def clients(self) -> Iterator[ForeignClient]:
        for row in walk(_model("APPLICATION", "Application")._default_manager.all()):
            yield _client(row)

    def signing_keys(self) -> Iterator[ForeignKey]:
        if pem := _setting("OIDC_RSA_PRIVATE_KEY", ""):
            yield ForeignKey(str(pem), signs=True)
        for pem in _setting("OIDC_RSA_PRIVATE_KEYS_INACTIVE", []):
            yield ForeignKey(str(pem), signs=False)

    def tokens(self, now: datetime) -> Iterator[ForeignToken]:
        yield from map(_refresh_token, walk(_refresh_tokens(now)))
        yield from map(_access_token, walk(_access_tokens(now)))

    def is_empty(self) -> bool:
        models = (_model("ACCESS_TOKEN", "AccessToken"), _model("REFRESH_TOKEN", "RefreshToken"))
        return not any(model._default_manager.exists() for model in models)

    def living(self, keys: Mapping[Token.Kind, Collection[str]], now: datetime) -> set[Mark]:
        rows = {_ACCESS: _access_tokens(now), _REFRESH: _refresh_tokens(now)}
        return {
            (kind, str(row.pk), _digest(row)) for kind, those in keys.items() for row in rows[kind].filter(pk__in=those)
        }

    def find_token(self, value: str, now: datetime) -> ForeignToken | None:
        if row := _access_tokens(now).filter(_of_value(value, "ACCESS_TOKEN", "AccessToken")).first():
            return _access_token(row)
        row = _refresh_tokens(now).filter(_of_value(value, "REFRESH_TOKEN", "RefreshToken")).first()
        return _refresh_token(row) if row else None

    def take_code(self, value: str, now: datetime) -> ForeignCode | None:
        grants = _model("GRANT", "Grant")._default_manager
        row = grants.filter(code=value, expires__gt=now).select_related("application").first()
        if row is None or not grants.filter(pk=row.pk)._raw_delete(grants.db):
            return None
        return ForeignCode(
            client_id=row.application.client_id,
            user=row.user_id,
            redirect_uri=row.redirect_uri,
            scope=row.scope,
            resources=_resources(row),
            code_challenge=row.code_challenge or "",
            code_challenge_method=(row.code_challenge_method or "plain") if row.code_challenge else "",
            nonce=row.nonce or "",
            issued_at=row.created,
            expires_at=row.expires,
        )

    def put_back_client(self, client: ForeignClient, *, write: bool) -> str:
        applications = _model("APPLICATION", "Application")._default_manager
        row = applications.filter(client_id=client.client_id).first()
        values = _values(client)
        if row is None:
            if write:
                applications.create(**values, **_first_values(client))
            return "new"
        changed = {name: value for name, value in values.items() if not _is_same(getattr(row, name), value)}
        if changed and write:
            applications.filter(pk=row.pk).update(**changed)
        return "changed" if changed else "known"

    def unknown(self, tokens: Sequence[ForeignToken]) -> list[ForeignToken]:
        known: set[tuple[Token.Kind, str]] = set()
        for kind, names in _MODELS.items():
            model, digests = _model(*names), [one.digest for one in tokens if one.kind == kind]
            if _has(model, "token_checksum"):
                found = model._default_manager.filter(token_checksum__in=digests)
                known |= {(kind, one) for one in found.values_list("token_checksum", flat=True)}
        return [one for one in tokens if (one.kind, one.digest) not in known]

    def can_know(self, token: ForeignToken) -> bool:
        """By its checksum: versions before 3.0 have none, those before 3.4 none of refresh tokens."""
        return _has(_model(*_MODELS[token.kind]), "token_checksum")

    def put_back(self, tokens: Sequence[ForeignToken], now: datetime) -> dict[tuple[Token.Kind, str], str]:
        """A refresh token comes with an access token that nobody has, as the toolkit asks that for the scope."""
        ids = {one.client_id for one in tokens}
        applications = _model("APPLICATION", "Application")._default_manager.filter(client_id__in=ids)
        by_id = {row.client_id: row for row in applications}
        keys: dict[tuple[Token.Kind, str], str] = {}
        access = [one for one in tokens if one.kind == _ACCESS and one.client_id in by_id]
        refresh = [one for one in tokens if one.kind == _REFRESH and one.client_id in by_id]
        known = [*access, *(replace(one, digest=digest(secrets.token_hex(32)), expires_at=now) for one in refresh)]
        rows = _put(_ACCESS, [_access_values(one, by_id) for one in known], known)
        beside = [rows[one.digest] for one in known[len(access) :]]
        keys |= {(_ACCESS, one.digest): str(rows[one.digest]) for one in access}
        values = [
            _refresh_values(one, by_id) | {"access_token_id": key} for one, key in zip(refresh, beside, strict=True)
        ]
        rows = _put(_REFRESH, values, refresh)
        return keys | {(_REFRESH, one.digest): str(rows[one.digest]) for one in refresh}

    def end(self, tokens: Sequence[ForeignToken], now: datetime) -> None:
        """An access token that came with a refresh token may live on, so that none is deleted."""
        keys = {kind: [one.key for one in tokens if one.kind == kind] for kind in _MODELS}
        _model(*_MODELS[_ACCESS])._default_manager.filter(pk__in=keys[_ACCESS]).update(expires=now)
        ended = _model(*_MODELS[_REFRESH])._default_manager.filter(pk__in=keys[_REFRESH], revoked=None)
        ended.update(revoked=now, updated=now, access_token=None)


def _put(kind: Token.Kind, rows: Sequence[Mapping[str, object]], tokens: Sequence[ForeignToken]) -> dict[str, Any]:
    """Store *rows*, and say their keys by digest. The toolkit makes the checksum of what it stores, so that it is put there afterwards."""
    if not tokens:
        return {}
    model = _model(*_MODELS[kind])
    made = [model(**values, token=f"{_PLACEHOLDER}{one.digest}") for values, one in zip(rows, tokens, strict=True)]
    model._default_manager.bulk_create(made)
    placed = model._default_manager.filter(token__in=[row.token for row in made])
    placed.update(token_checksum=Substr("token", len(_PLACEHOLDER) + 1), token="")
    stored = model._default_manager.filter(token_checksum__in=[one.digest for one in tokens])
    return dict(stored.values_list("token_checksum", "pk"))


def _access_values(one: ForeignToken, applications: Mapping[str, Any]) -> dict[str, object]:
    model = _model(*_MODELS[_ACCESS])
    values = {
        "application": applications[one.client_id],
        "user_id": one.user,
        "scope": one.scope,
        "expires": one.expires_at,
    }
    return values | ({"resource": list(one.resources)} if _has(model, "resource") else {})


def _refresh_values(one: ForeignToken, applications: Mapping[str, Any]) -> dict[str, object]:
    model = _model(*_MODELS[_REFRESH])
    values: dict[str, object] = {"application": applications[one.client_id], "user_id": one.user}
    more = {"token_family": one.family, "resource": list(one.resources)}
    return values | {name: value for name, value in more.items() if _has(model, name)}


def _values(client: ForeignClient) -> dict[str, object]:
    """What an application says that may have changed here."""
    said = client.metadata
    values: dict[str, object] = {
        "name": said.get("client_name", ""),
        "redirect_uris": " ".join(map(str, [*said.get("redirect_uris", []), *said.get("preview_redirect_uris", [])])),  # type: ignore[misc]
        "post_logout_redirect_uris": " ".join(map(str, said.get("post_logout_redirect_uris", []))),  # type: ignore[call-overload]
        "skip_authorization": client.skip_consent,
    }
    model = _model("APPLICATION", "Application")
    return {name: value for name, value in values.items() if _has(model, name)}


def _first_values(client: ForeignClient) -> dict[str, object]:
    """What else a new application needs. Nobody knows its secret."""
    said = client.metadata
    asked: Any = said.get("grant_types", [])
    fitting = [name for name, (grants, _types) in _GRANTS.items() if set(grants) >= set(asked)]
    return {
        "client_id": client.client_id,
        "client_type": "public" if said.get("token_endpoint_auth_method") == "none" else "confidential",
        "authorization_grant_type": next(iter(fitting), "authorization-code"),
        "client_secret": secrets.token_urlsafe(48),
        "algorithm": "RS256" if _setting("OIDC_RSA_PRIVATE_KEY", "") else "",
        "user_id": client.owner,
    }


def _is_same(one: object, other: object) -> bool:
    return one.split() == other.split() if isinstance(one, str) and isinstance(other, str) else one == other


def _model(setting: str, usual: str) -> type[Any]:
    """The model that the project uses; any field may be another's."""
    return apps.get_model(project_setting(f"OAUTH2_PROVIDER_{setting}_MODEL", f"{_APP}.{usual}"))


def _setting(name: str, usual: Any) -> Any:
    return project_setting("OAUTH2_PROVIDER", {}).get(name, usual)


def _has(model: type[Model], field: str) -> bool:
    return any(one.name == field for one in model._meta.get_fields())


def _client(row: Any) -> ForeignClient:
    is_public, is_hashed = row.client_type == "public", _is_hashed(row.client_secret)
    secret = "" if is_public else row.client_secret
    grant_types, response_types = _GRANTS.get(row.authorization_grant_type, ([row.authorization_grant_type], []))
    if row.algorithm and row.authorization_grant_type == "implicit":
        response_types = [*response_types, "id_token", "id_token token"]
    metadata: dict[str, object] = {
        "client_name": row.name,
        "redirect_uris": list(dict.fromkeys(row.redirect_uris.split())),
        "post_logout_redirect_uris": list(dict.fromkeys(getattr(row, "post_logout_redirect_uris", "").split())),
        "token_endpoint_auth_method": "none" if is_public else "client_secret",
        "grant_types": grant_types,
        "response_types": response_types,
        "id_token_signed_response_alg": row.algorithm,
    }
    return ForeignClient(
        client_id=row.client_id,
        metadata=metadata,
        secret="" if is_hashed else secret,
        hashed_secret=secret if is_hashed else "",
        skip_consent=row.skip_authorization,
        owner=row.user_id,
        by_itself=getattr(row, "registration_source", "manual") != "manual",
        created_at=row.created,
        remarks=tuple(_remarks(row)),
    )


def _remarks(row: Any) -> Iterator[str]:
    if getattr(row, "allowed_origins", "").split():
        yield _("allowed_origins isn't needed any more: scripts of every origin may call the token endpoint.")
    if row.client_type == "public" and row.authorization_grant_type == "client-credentials":
        yield _("A public client can't use client credentials.")


def _is_hashed(secret: str) -> bool:
    try:
        identify_hasher(secret)
    except ValueError:
        return False
    return True


def _access_tokens(now: datetime) -> QuerySet[Any]:
    """Tokens without an application are what an introspection endpoint elsewhere said of others' tokens."""
    model = _model("ACCESS_TOKEN", "AccessToken")
    joined = ("application", "refresh_token", "source_refresh_token")
    rows: QuerySet[Any] = model._default_manager.filter(expires__gt=now).exclude(application=None)
    return rows.select_related(*joined)


def _refresh_tokens(now: datetime) -> QuerySet[Any]:
    """One without an access token is refused there as well: nothing says its scope."""
    model = _model("REFRESH_TOKEN", "RefreshToken")
    living = Q(revoked=None, access_token__isnull=False)
    if lifetime := _refresh_lifetime():
        living &= Q(access_token__expires__gt=now - lifetime)
    rows: QuerySet[Any] = model._default_manager.filter(living)
    return rows.select_related("application", "access_token")


def _refresh_lifetime() -> timedelta | None:
    said = _setting("REFRESH_TOKEN_EXPIRE_SECONDS", None)
    return said if isinstance(said, timedelta) or not said else timedelta(seconds=int(said))


def _access_token(row: Any) -> ForeignToken:
    beside = getattr(row, "refresh_token", None)
    return ForeignToken(
        key=str(row.pk),
        kind=_ACCESS,
        digest=_digest(row),
        client_id=row.application.client_id,
        user=row.user_id,
        scope=row.scope,
        resources=_resources(row),
        family=_family(beside or row.source_refresh_token),
        issued_at=row.updated,
        expires_at=row.expires,
    )


def _refresh_token(row: Any) -> ForeignToken:
    lifetime = _refresh_lifetime()
    return ForeignToken(
        key=str(row.pk),
        kind=_REFRESH,
        digest=_digest(row),
        client_id=row.application.client_id,
        user=row.user_id,
        scope=row.access_token.scope,
        resources=_resources(row),
        family=_family(row),
        issued_at=row.updated,
        expires_at=row.access_token.expires + lifetime if lifetime else None,
    )


def _digest(row: Any) -> str:
    return str(getattr(row, "token_checksum", "") or digest(row.token))


def _of_value(value: str, setting: str, usual: str) -> Q:
    """How a token of this value is found, by an index where there is one."""
    has_checksum = _has(_model(setting, usual), "token_checksum")
    return Q(token_checksum=digest(value)) if has_checksum else Q(token=value)


def _family(row: Any) -> UUID | None:
    """Versions before 3.0 note none: of each rotation the refresh token is one of its own."""
    if row is None:
        return None
    return getattr(row, "token_family", None) or family_of(OAuthToolkit.name, row.pk)


def _resources(row: Any) -> tuple[str, ...]:
    said: Sequence[object] = getattr(row, "resource", None) or ()
    return tuple(map(str, said))
