"""What clients hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib import admin
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from django_oauth_server.admin.lists import (
    JWT_OUTLIVES,
    AuthorizationFilter,
    ClientFilter,
    Lead,
    RecordAdmin,
    badge,
    brief,
    confirmed,
    cut,
    issuer_of,
)
from django_oauth_server.component import Words
from django_oauth_server.models import Token
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.storage.tokens import revoke_tokens
from django_oauth_server.storage.transaction import atomic
from django_oauth_server.tokens.locate import ended_by


class TokenAdmin(RecordAdmin):
    """Looked at and revoked; never a value or a digest."""

    list_display = ("kind", "state", "client_page", "person", "scopes", "expires")
    list_select_related = ("client", "authorization__user", "authorization__client")
    list_filter = ("kind", ClientFilter, AuthorizationFilter)
    fields = (
        "kind",
        "client",
        "user",
        "state",
        "scope",
        "audiences",
        "issued_at",
        "expires_at",
        "superseded_at",
        "revoked_at",
    )
    readonly_fields = fields
    actions = ("revoke",)
    user_path = "authorization__user"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Token]:
        """Without what a client left behind that was deleted while it was stored: nobody is given it, and it goes when it expires."""
        rows: QuerySet[Token] = super().get_queryset(request)
        return rows.select_related(*self.list_select_related)

    def buttons(self, row: Token) -> Mapping[str, Words]:
        return {"revoke": _("Revoke")} if row.revoked_at is None else {}

    def leads(self, request: HttpRequest, row: Token) -> Iterable[Lead | None]:
        return (
            self.lead_to(request, row.client, _("Client")),
            self.lead_to(request, row.authorization, _("Authorization")),
        )

    @admin.display(description=gettext_lazy("user"))
    def user(self, row: Token) -> AbstractBaseUser | None:
        return row.authorization.user if row.authorization else None

    @admin.display(description=gettext_lazy("user"))
    def person(self, row: Token) -> SafeString | None:
        return cut(row.authorization.user) if row.authorization else None

    @admin.display(description=gettext_lazy("expires"))
    def expires(self, row: Token) -> SafeString | str | None:
        return brief(row.expires_at)

    @admin.display(description=gettext_lazy("audience"))
    def audiences(self, row: Token) -> str:
        return self.listed(row.audience)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Token) -> SafeString:
        allowed = row.authorization
        clients = [row.client, *([allowed.client] if allowed else ())]  # another one, where the token was exchanged
        for is_so, words in (
            (row.revoked_at is not None, pgettext("token", "revoked")),
            (row.superseded_at is not None, _("rotated")),
            (timezone.now() >= row.expires_at, _("expired")),
            (not all(one.is_active for one in clients), _("client disabled")),
            (allowed is not None and not allowed.is_live, _("authorization revoked")),
            (allowed is not None and not allowed.user.is_active, _("user disabled")),
        ):
            if is_so:
                return badge(words, "over")
        if _has_ended(row):
            return badge(pgettext("token", "revoked"), "over")
        return badge(_("active"), "good")

    @admin.action(permissions=["revoke"], description=gettext_lazy("Revoke the selected tokens"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Token]) -> HttpResponse | None:
        rows = confirmed(
            self,
            request,
            queryset.filter(revoked_at=None).select_related("client", "authorization__user"),
            action="revoke",
            title=lambda rows: ngettext("Revoke %(n)d token?", "Revoke %(n)d tokens?", len(rows)) % {"n": len(rows)},
            says=_what_ends,
            button=gettext_lazy("Revoke"),
        )
        if not isinstance(rows, list):
            return rows
        with atomic():
            revoke_tokens(rows, timezone.now())
            self.log_change_of(request, rows, _("Revoked."))
        self.message_user(
            request, ngettext("%(n)d token was revoked.", "%(n)d tokens were revoked.", len(rows)) % {"n": len(rows)}
        )
        return None


def _has_ended(row: Token) -> bool:
    """Whether anything else ended it: a changed password, or whoever is behind a token that was exchanged."""
    issuer = issuer_of(row.client)
    try:
        return issuer is not None and bool(ended_by(row, issuer, timezone.now()))
    except CannotVerify:
        return False


def _what_ends(rows: list[Token]) -> list[str]:
    refreshing = sum(row.kind == Token.Kind.REFRESH for row in rows)
    says = [
        ngettext("The token stops working immediately.", "The tokens stop working immediately.", len(rows)),
        str(JWT_OUTLIVES),
    ]
    if refreshing:
        says.append(_("Revoking a refresh token also revokes all tokens from the same sign-in."))
    return [
        *says,
        _("Authorizations are kept. To remove what people have allowed as well, revoke the authorizations."),
    ]
