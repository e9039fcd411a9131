"""What people allowed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from django_oauth_server.admin.lists import JWT_OUTLIVES, RecordAdmin, badge, confirmed
from django_oauth_server.models import Authorization
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

    list_display = ("user", "client", "state", "scope", "created_at", "revoked_at")
    list_display_links = ("user", "client")
    list_select_related = ("client", "user")
    list_filter = (StateFilter,)
    fields = (
        "user",
        "client",
        "state",
        "scope",
        "resources",
        "created_at",
        "consented_at",
        "last_used_at",
        "revoked_at",
    )
    readonly_fields = fields
    actions = ("revoke",)
    user_path = "user"

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Authorization) -> SafeString:
        if not row.is_live:
            return badge(pgettext("authorization", "revoked"), "over")
        if not row.client.is_active:
            return badge(_("client disabled"), "over")
        return badge(_("active"), "good") if row.user.is_active else badge(_("user disabled"), "over")

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
        if isinstance(rows, HttpResponse):
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
    who = ngettext("%(n)d person will be signed out", "%(n)d people will be signed out", people) % {"n": people}
    where = ngettext("of %(n)d app.", "of %(n)d apps.", clients) % {"n": clients}
    return [
        f"{who} {where}",
        _("All their tokens stop working immediately."),
        str(JWT_OUTLIVES),
        _("People have to allow the apps again when they come back."),
    ]
