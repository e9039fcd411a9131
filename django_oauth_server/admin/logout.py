"""Where people are signed in, and which apps were told that they no longer are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauth_server.admin.lists import ClientFilter, RecordAdmin, badge, brief, confirmed, cut, few, signed_out
from django_oauth_server.component import Words
from django_oauth_server.logout.courier import deliver_soon
from django_oauth_server.logout.ending import end
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.storage.logout_deliveries import try_again, with_next_attempt
from django_oauth_server.storage.participations import of_these
from django_oauth_server.storage.transaction import after_commit, atomic

_TONES = {
    LogoutDelivery.State.WAITING: "waiting",
    LogoutDelivery.State.DELIVERED: "good",
    LogoutDelivery.State.FAILED: "over",
}


class ParticipationAdmin(RecordAdmin):
    """Which apps know of which sign-in session, as far as they want to hear of its end."""

    list_display = ("person", "client_page", "since")
    list_select_related = ("client", "user")
    list_filter = (ClientFilter,)
    fields = ("user", "client", "sid", "created_at")
    readonly_fields = fields
    actions = ("sign_out",)
    user_path = "user"

    def buttons(self, row: Participation) -> Mapping[str, Words]:
        return {"sign_out": _("Sign out")}

    @admin.display(description=gettext_lazy("user"))
    def person(self, row: Participation) -> SafeString:
        return cut(row.user)

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: Participation) -> SafeString | str | None:
        return brief(row.created_at)

    @admin.action(permissions=["revoke"], description=gettext_lazy("Sign out of the selected apps"))
    def sign_out(self, request: HttpRequest, queryset: QuerySet[Participation]) -> HttpResponse | None:
        rows = confirmed(
            self,
            request,
            queryset.select_related("client", "user"),
            action="sign_out",
            title=lambda rows: (
                ngettext("End %(n)d app sign-in?", "End %(n)d app sign-ins?", len(rows)) % {"n": len(rows)}
            ),
            says=_what_ends,
            button=gettext_lazy("Sign out"),
        )
        if not isinstance(rows, list):
            return rows
        with atomic():
            self.log_change_of(request, rows, _("Signed out."))
            ended = len(end(of_these(rows)))
        told = ngettext("%(n)d app sign-in was ended.", "%(n)d app sign-ins were ended.", ended) % {"n": ended}
        self.message_user(request, told)
        return None


class LogoutDeliveryAdmin(RecordAdmin):
    """What has to be told over the back channel, what was, and why not."""

    list_display = ("ended", "client_page", "status", "attempts", "last_error", "due")
    list_select_related = ("client",)
    list_filter = ("state", ClientFilter)
    fields = ("client", "person", "sid", "status", "attempts", "reason", "created_at", "next_attempt", "finished_at")
    readonly_fields = fields
    actions = ("retry",)
    user_path = "person"

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogoutDelivery]:
        return with_next_attempt(super().get_queryset(request))

    @admin.display(description=gettext_lazy("state"))
    def status(self, row: LogoutDelivery) -> SafeString:
        return badge(row.get_state_display(), _TONES[LogoutDelivery.State(row.state)])

    def buttons(self, row: LogoutDelivery) -> Mapping[str, Words]:
        return {} if row.state == LogoutDelivery.State.DELIVERED else {"retry": _("Try again")}

    @admin.display(description=gettext_lazy("signed out"))
    def ended(self, row: LogoutDelivery) -> SafeString | str | None:
        return brief(row.created_at)

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, row: LogoutDelivery) -> SafeString | None:
        return cut(row.reason) if row.reason else None

    @admin.display(description=gettext_lazy("next attempt"))
    def due(self, row: LogoutDelivery) -> SafeString | str | None:
        return brief(self.next_attempt(row))

    @admin.display(description=gettext_lazy("next attempt"))
    def next_attempt(self, row: LogoutDelivery) -> datetime | None:
        if row.state != LogoutDelivery.State.WAITING:
            return None
        resume_at: datetime | None = getattr(row, "resume_at", None)
        return max(row.due_at, resume_at or row.due_at)

    @admin.action(permissions=["revoke"], description=gettext_lazy("Notify the selected apps again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[LogoutDelivery]) -> None:
        if not queryset.exclude(state=LogoutDelivery.State.DELIVERED).exists():
            self.message_user(request, _("All of these logouts have already been delivered."))
            return
        rows = few(self, request, queryset.exclude(state=LogoutDelivery.State.DELIVERED))
        if rows is None:
            return
        with atomic():
            count = try_again(rows, timezone.now())
            self.log_change_of(request, rows, _("Requested another attempt."))
            after_commit(deliver_soon)
        told = ngettext("%(n)d logout will be delivered again.", "%(n)d logouts will be delivered again.", count)
        self.message_user(request, told % {"n": count})


def _what_ends(rows: list[Participation]) -> list[str]:
    people, clients = len({row.user_id for row in rows}), len({row.client_id for row in rows})
    return [
        signed_out(people, clients),
        _("Apps with a back-channel logout URI are notified immediately. Other apps can't be notified from here."),
        _(
            "People stay signed in to this site, so an app can sign them in again without asking. To prevent "
            "that, disable the user."
        ),
    ]
