"""Who allowed what to whom."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauth_server.models._sparse import SparseIndex
from django_oauth_server.protocol.opaque import digest

VOUCHED_BY: Final = "vouched_by"
"""The fact of an authorization that no person gave, but an issuer elsewhere (RFC 7523): which one."""


class Authorization(models.Model):
    """The record of a person's consent. Tickets and tokens hang on it; revoking it revokes all that came from it."""

    grant_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(
        "django_oauth_server.Client", models.CASCADE, related_name="authorizations", verbose_name=_("client")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, db_index=False, related_name="+", verbose_name=_("user")
    )
    """Found by the constraint's index, which begins with it."""
    scope = models.TextField(_("scope"), blank=True, help_text=_("All scopes allowed so far, separated by spaces."))
    resources = models.JSONField(_("resources"), default=list, blank=True)
    claims = models.JSONField(_("claims"), default=list, db_default=models.Value([], models.JSONField()), blank=True)
    """Those that were asked for one by one (OpenID Connect Core section 5.5), beside what the scopes ask for."""
    sector = models.TextField(null=True, editable=False)  # noqa: DJ001 -- empty is the sector of those who know people by the public identifiers
    """The client's when this was allowed: by whose identifier it was to know the person. NULL: not known, in rows of an older time."""
    presentation = models.JSONField(null=True, editable=False)
    """What the client showed of itself when this was allowed, by fingerprints. NULL: not known, or no page was shown."""
    facts = models.JSONField(_("settled facts"), null=True, editable=False)
    """What else was settled when this was allowed, such as for which team, by the names of the claims that say so. NULL: nothing."""
    facts_digest = models.CharField(max_length=64, blank=True, default="", db_default="", editable=False)
    credential_stamp = models.CharField(max_length=128, blank=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    consented_at = models.DateTimeField(_("last confirmed"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(pgettext_lazy("date", "revoked"), null=True, blank=True)
    is_live = models.BooleanField(null=True, default=True, editable=False)
    """True, or NULL once revoked: one live authorization for a client, a user and the same facts, by a constraint that every database knows."""
    is_new = False
    """Whether it was recorded in the transaction that goes on: nobody else has seen it."""

    class Meta:
        verbose_name = _("authorization")
        verbose_name_plural = _("authorizations")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "client", "is_live", "facts_digest"], name="oas_authorization_live_for_facts"
            )
        ]
        indexes = [SparseIndex(fields=["revoked_at"], name="oas_authorization_revoked")]

    def __str__(self) -> str:
        settled = ", ".join(f"{name}: {value}" for name, value in (self.facts or {}).items())
        return f"{self.user} → {self.client}" + (f" ({settled})" if settled else "")

    @property
    def scopes(self) -> frozenset[str]:
        return frozenset(self.scope.split())

    @property
    def is_vouched_for(self) -> bool:
        """Whether an issuer elsewhere allowed it in the person's place, and may do so again."""
        return VOUCHED_BY in (self.facts or {})

    def ended_by(self, *, password_change_revokes: bool) -> str:
        """Why nothing that hangs on it is worth anything any more, for the log; empty while it holds. It was found with its user and client."""
        if not self.is_live:
            return "authorization revoked"
        if not self.user.is_active:
            return "user disabled"
        if not self.client.is_active:
            return "client disabled"
        if self.sector is not None and self.sector != self.client.sector:
            return "client in another sector"
        return "password changed" if password_change_revokes and self.password_changed else ""

    @property
    def password_changed(self) -> bool:
        """Whether the person's password is another than when they agreed. Survives a change of SECRET_KEY, as sessions do."""
        stamps = (credential_stamp(self.user), *self.user.get_session_auth_fallback_hash())
        return not any(constant_time_compare(self.credential_stamp, stamp) for stamp in stamps)


def digest_of_facts(facts: Mapping[str, object] | None) -> str:
    """By which authorizations for other *facts* are told apart. Empty where nothing was settled."""
    return digest(json.dumps(facts, sort_keys=True)) if facts else ""


def credential_stamp(user: AbstractBaseUser) -> str:
    """What changes with the person's password: the same that ends Django's sessions."""
    return str(user.get_session_auth_hash())
