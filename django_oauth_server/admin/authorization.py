"""What people allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from django_oauth_server.admin.lists import (
    JWT_OUTLIVES,
    ClientFilter,
    Lead,
    RecordAdmin,
    badge,
    brief,
    confirmed,
    cut,
    issuer_of,
    signed_out,
)
from django_oauth_server.authorization.prompts.base import facts_in_words
from django_oauth_server.component import Words
from django_oauth_server.models import Authorization, Token
from django_oauth_server.storage.authorizations import revoke_authorizations
from django_oauth_server.storage.transaction import atomic


class StateFilter(admin.SimpleListFilter):
    """In force, or revoked."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("live", _("active")), ("revoked", pgettext("authorization", "revoked"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> QuerySet[Authorization]:
        chosen = {"live": Q(is_live=True), "revoked": Q(revoked_at__isnull=False)}  # the few have an index
        return queryset.filter(chosen.get(self.value() or "", Q()))


class AuthorizationAdmin(RecordAdmin):
    """Looked at and revoked. Revoking ends all that came from it, at once."""

    list_display = ("person", "client_page", "state", "scopes", "since", "used")
    list_select_related = ("client", "user")
    list_filter = (StateFilter, ClientFilter)
    fields = (
        "user",
        "client",
        "state",
        "scope",
        "resource_names",
        "settled",
        "created_at",
        "consented_at",
        "last_used_at",
        "revoked_at",
    )
    readonly_fields = fields
    actions = ("revoke",)
    user_path = "user"

    def buttons(self, row: Authorization) -> Mapping[str, Words]:
        return {"revoke": _("Revoke")} if row.is_live else {}

    def leads(self, request: HttpRequest, row: Authorization) -> Iterable[Lead | None]:
        return (
            self.lead_to(request, row.client, _("Client")),
            self.lead_to(request, row.user, _("User")),
            self.lead_to_list(request, Token, _("Tokens"), authorization=row.pk),
        )

    @admin.display(description=gettext_lazy("user"))
    def person(self, row: Authorization) -> SafeString:
        return cut(row.user)

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: Authorization) -> SafeString | str | None:
        return brief(row.created_at)

    @admin.display(description=gettext_lazy("last used"))
    def used(self, row: Authorization) -> SafeString | str | None:
        return brief(row.last_used_at)

    @admin.display(description=gettext_lazy("resources"))
    def resource_names(self, row: Authorization) -> str:
        return self.listed(row.resources)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Authorization) -> SafeString:
        if not row.is_live:
            return badge(pgettext("authorization", "revoked"), "over")
        if not row.client.is_active:
            return badge(_("client disabled"), "over")
        return badge(_("active"), "good") if row.user.is_active else badge(_("user disabled"), "over")

    @admin.display(description=gettext_lazy("settled facts"))
    def settled(self, row: Authorization) -> str:
        """Such as the team for which the app may act."""
        issuer = issuer_of(row.client)
        if issuer is None:
            return str(row.facts or self.get_empty_value_display())
        return self.listed(facts_in_words(row.facts, row.user, issuer))

    @admin.action(permissions=["revoke"], description=gettext_lazy("Revoke the selected authorizations"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Authorization]) -> HttpResponse | None:
        rows = confirmed(
            self,
            request,
            queryset.filter(is_live=True).select_related("client", "user"),
            action="revoke",
            title=lambda rows: (
                ngettext("Revoke %(n)d authorization?", "Revoke %(n)d authorizations?", len(rows)) % {"n": len(rows)}
            ),
            says=_what_ends,
            button=gettext_lazy("Revoke"),
        )
        if not isinstance(rows, list):
            return rows
        with atomic():
            ended = revoke_authorizations(rows, timezone.now())
            self.log_change_of(request, rows, _("Revoked."))
        self.message_user(
            request,
            ngettext("%(n)d authorization was revoked.", "%(n)d authorizations were revoked.", ended) % {"n": ended},
        )
        return None


def _what_ends(rows: list[Authorization]) -> list[str]:
    people, clients = len({row.user_id for row in rows}), len({row.client_id for row in rows})
    return [
        signed_out(people, clients),
        _("All tokens from these authorizations stop working immediately."),
        str(JWT_OUTLIVES),
        _("To get access again, an app has to ask the person again."),
    ]
