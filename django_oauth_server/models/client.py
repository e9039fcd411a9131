"""The client (RFC 6749 section 2) and what it registered (RFC 7591)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from django_oauth_server.models._sparse import SparseIndex
from django_oauth_server.protocol.hosts import host_of
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.protocol.text import readable
from django_oauth_server.protocol.uris import destination, origin, site

_SAID_OF_KEYS: Final = frozenset({"alg", "key_ops", "kid", "use", "x5c", "x5t", "x5t#S256", "x5u"})
"""The members of a JWK that say something about the key (RFC 7517 section 4). It is the same key when they change."""


class Client(models.Model):
    """An application that asks for authorization. Its metadata is one RFC 7591 document."""

    TABLE: Final = "table"
    """The source of those that were registered here."""
    is_remembered: bool = False
    """Whether it may be older than its row (storage/clients.py)."""
    vouched_by_source: bool = False
    """Whether an operator vouches for what its source says of it. Sources say so, each time; no row does."""

    class RegisteredBy(models.TextChoices):
        OPERATOR = "operator", _("by an operator")
        ITSELF = "itself", _("by the client itself")
        PERSON = "person", _("by its owner")
        INITIAL_ACCESS_TOKEN = "token", _("with an initial access token")
        DOCUMENT = "document", _("by its document")

    issuer = models.CharField(
        _("issuer"), max_length=255, help_text=_("The authorization server this client is registered with.")
    )
    client_id = models.CharField(_("client ID"), max_length=255)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    profile = models.CharField(_("security profile"), max_length=50, blank=True)
    is_active = models.BooleanField(_("enabled"), default=True)
    skip_consent = models.BooleanField(_("skip consent"), default=False)
    access_token_format = models.CharField(_("access token format"), max_length=50, blank=True)
    access_token_lifetime = models.DurationField(_("access token lifetime"), null=True, blank=True)
    refresh_token_lifetime = models.DurationField(_("refresh token lifetime"), null=True, blank=True)
    secret_digest = models.CharField(max_length=64, blank=True, editable=False)
    previous_secret_digest = models.CharField(max_length=64, blank=True, editable=False)
    encrypted_secret = models.TextField(blank=True, default="", db_default="", editable=False)
    previous_encrypted_secret = models.TextField(blank=True, default="", db_default="", editable=False)
    """Of secrets that are keys of algorithms, which a digest cannot be."""
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    source = models.CharField(max_length=255, default=TABLE, db_default=TABLE, editable=False)
    """The name of the component that says who it is (`ClientSource`)."""
    registered_by = models.CharField(
        _("registration"),
        max_length=10,
        choices=RegisteredBy.choices,
        default=RegisteredBy.OPERATOR,
        db_default=RegisteredBy.OPERATOR.value,
        editable=False,
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("The person this app belongs to. They manage it under “Your apps” where that page is switched on."),
    )
    initial_access_token = models.ForeignKey(
        "django_oauth_server.InitialAccessToken",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="clients",
        verbose_name=_("initial access token"),
    )
    registration_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    previous_registration_digest = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False
    )
    """Of the token that manages the registration (RFC 7592); of the one before, until the new one was used."""
    software_statement = models.TextField(blank=True, default="", db_default="", editable=False)
    """What it registered with (RFC 7591 section 2.3), as it was sent."""
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True)
    _read: Mapping[str, object] = MappingProxyType({})
    """The columns as they were read."""

    class Meta:
        verbose_name = _("client")
        verbose_name_plural = _("clients")
        permissions = [("register_own_client", "Can register own apps")]
        indexes = [
            SparseIndex(fields=["owner"], name="oas_client_owner"),
            models.Index(fields=["source", "updated_at"], name="oas_client_source"),
        ]
        constraints = [models.UniqueConstraint(fields=["issuer", "client_id"], name="oas_client_issuer_client_id")]

    def __str__(self) -> str:
        """For operators. Anybody can write a document with any name in it."""
        return f"{self.name} ({self.document_host})" if self.document_host else self.name

    @classmethod
    def from_db(cls, *row: Any, **options: Any) -> Self:
        client = super().from_db(*row, **options)
        client._read = vars(client).copy()
        return client

    def save(self, **options: Any) -> None:
        """As Django's, but of a client that was read only the metadata and what is changed here is written: an older copy neither enables a
        client that was disabled meanwhile, nor brings a secret back that was replaced."""
        is_known = self._read and self.pk is not None and not self._state.adding
        if is_known and not options.keys() & {"update_fields", "force_insert"}:
            options["update_fields"] = [one.name for one in self._meta.concrete_fields if self._writes(one)]
        super().save(**options)
        vars(self).pop("_read", None)
        self._read = vars(self).copy()

    def refresh_from_db(
        self, using: str | None = None, fields: Iterable[str] | None = None, from_queryset: Any = None
    ) -> None:
        """As Django's. What is changed is from then on compared with what was read now."""
        chosen = None if fields is None else {*fields}
        super().refresh_from_db(using, chosen, from_queryset)
        columns = self._meta.concrete_fields
        again = {one.attname for one in columns if chosen is None or not chosen.isdisjoint({one.name, one.attname})}
        self._read = {**self._read, **{name: value for name, value in vars(self).items() if name in again}}

    @property
    def differs(self) -> bool:
        """Whether what its source says of it is not what was read."""
        return any(self._read.get(name) != vars(self)[name] for name in ("metadata", "registered_by"))

    def _writes(self, column: models.Field[Any, Any]) -> bool:
        if column.attname not in vars(self):  # it was not read
            return False
        always = column.name in {"metadata", "updated_at"}  # the document may have been changed in place
        return always or self._read.get(column.attname) != vars(self)[column.attname]

    @property
    def name(self) -> str:
        """What people call it."""
        return readable(str(self.metadata.get("client_name") or "")) or self.client_id

    @property
    def document_host(self) -> str:
        """The host, and port, of the document that describes it: all that is known of it for sure. Empty where none does."""
        return destination(self.client_id) if self.registered_by == self.RegisteredBy.DOCUMENT else ""

    @property
    def is_vouched_for(self) -> bool:
        """Whether an operator answers for what it says of itself: they registered it, or vouch for where it says so."""
        return self.vouched_by_source or self.registered_by == self.RegisteredBy.OPERATOR

    @property
    def is_pairwise(self) -> bool:
        """Whether it knows people by identifiers of its sector (`subject_type`)."""
        return bool(self.metadata.get("subject_type") == "pairwise")

    @property
    def sector(self) -> str:
        """Where people have the same identifiers (OpenID Connect Core section 8.1): the host of `sector_identifier_uri`, or the one of all
        redirect URIs; a client that has none of its own is a sector by itself. Empty where it knows people by the public identifiers.
        """
        if not self.is_pairwise:
            return ""
        named = str(self.metadata.get("sector_identifier_uri", ""))
        hosts = {urlsplit(named).hostname} if named else {site(uri) for uri in self.redirect_uris}
        return (hosts.pop() if len(hosts) == 1 else "") or self.client_id

    @property
    def account(self) -> str:
        """Who pays for asking the addresses that it names: itself, or the host of its document, which can describe any number of clients."""
        return host_of(self.client_id) or self.client_id

    @property
    def credentials(self) -> frozenset[str]:
        """By what it proves to be itself: its public keys, or the host that publishes them; empty where it has none."""
        jwks = self.metadata.get("jwks")
        keys = jwks.get("keys", ()) if isinstance(jwks, dict) else ()
        published = origin(str(self.metadata["jwks_uri"])) if self.metadata.get("jwks_uri") else ""
        proofs = {json.dumps(_bare(key), sort_keys=True) for key in keys} | ({published} if published else set())
        return frozenset(proofs if self.token_endpoint_auth_method != "none" else ())

    @property
    def redirect_uris(self) -> list[str]:
        return self._strings("redirect_uris")

    @property
    def grant_types(self) -> list[str]:
        """RFC 7591 section 2: authorization_code where nothing is said."""
        return self._strings("grant_types", "authorization_code")

    @property
    def response_types(self) -> list[str]:
        """RFC 7591 section 2: code where nothing is said."""
        return self._strings("response_types", "code")

    @property
    def scopes(self) -> frozenset[str]:
        """What it may ask for."""
        return frozenset(str(self.metadata.get("scope", "")).split())

    @property
    def token_endpoint_auth_method(self) -> str:
        """RFC 7591 section 2: client_secret_basic where nothing is said."""
        return str(self.metadata.get("token_endpoint_auth_method") or "client_secret_basic")

    @property
    def resource_identifiers(self) -> list[str]:
        """The resources (RFC 8707) that it serves: it may introspect tokens meant for them."""
        return self._strings("resource_identifiers")

    @property
    def backchannel_logout_uri(self) -> str:
        """Where its server is told that a session ended; empty where it is not to be."""
        return str(self.metadata.get("backchannel_logout_uri") or "")

    @property
    def frontchannel_logout_uri(self) -> str:
        """What the person's browser loads when they sign out; empty where it is nothing."""
        return str(self.metadata.get("frontchannel_logout_uri") or "")

    def has_secret(self, secret: str, now: datetime) -> bool:
        """Whether *secret* is its secret, or the one before while both work."""
        presented = digest(secret)
        current = bool(self.secret_digest) and constant_time_compare(presented, self.secret_digest)
        overlap = self.previous_secret_expires_at is not None and now < self.previous_secret_expires_at
        former = bool(self.previous_secret_digest) and constant_time_compare(presented, self.previous_secret_digest)
        return current or (former and overlap)

    def may_have_foreign_secret(self, now: datetime) -> bool:
        """Whether its secret, or the one before while both work, may be one that only another server's hash is known of (`ForeignSecret`)."""
        overlap = self.previous_secret_expires_at is not None and now < self.previous_secret_expires_at
        return not self.secret_digest or (overlap and not self.previous_secret_digest)

    def has_registration_token(self, token: str) -> bool:
        """Whether *token* manages its registration."""
        presented, known = digest(token), (self.registration_digest, self.previous_registration_digest)
        return any(constant_time_compare(presented, one) for one in known if one)

    def _strings(self, member: str, *default: str) -> list[str]:
        return list(map(str, self.metadata.get(member, default)))


def _bare(key: object) -> object:
    return {name: key[name] for name in key.keys() - _SAID_OF_KEYS} if isinstance(key, dict) else key
