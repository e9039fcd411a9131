"""Where people are signed in, and which apps were told that they no longer are."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauth_server.admin.lists import RecordAdmin, badge, confirmed
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

    list_display = ("user", "client", "created_at")
    list_display_links = ("user", "client")
    list_select_related = ("client", "user")
    fields = ("user", "client", "sid", "created_at")
    readonly_fields = fields
    actions = ("sign_out",)
    user_path = "user"

    @admin.action(permissions=["revoke"], description=gettext_lazy("Sign out of the selected apps"))
    def sign_out(self, request: HttpRequest, queryset: QuerySet[Participation]) -> HttpResponse | None:
        rows = confirmed(
            self,
            request,
            queryset.select_related("client", "user"),
            action="sign_out",
            title=lambda rows: (
                ngettext("Sign out of %(n)d app?", "Sign out of %(n)d apps?", len(rows)) % {"n": len(rows)}
            ),
            says=_what_ends,
            button=gettext_lazy("Sign out"),
        )
        if isinstance(rows, HttpResponse):
            return rows
        with atomic():
            self.log_change_of(request, rows, _("Signed out."))
            ended = len(end(of_these(rows)))
        told = ngettext("%(n)d app will be notified.", "%(n)d apps will be notified.", ended) % {"n": ended}
        self.message_user(request, told)
        return None


class LogoutDeliveryAdmin(RecordAdmin):
    """What has to be told over the back channel, what was, and why not."""

    list_display = ("client", "person", "status", "attempts", "reason", "created_at", "due")
    list_select_related = ("client",)
    list_filter = ("state",)
    fields = ("client", "person", "sid", "status", "attempts", "reason", "created_at", "due", "finished_at")
    readonly_fields = fields
    actions = ("retry",)
    user_path = "person"

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogoutDelivery]:
        return with_next_attempt(super().get_queryset(request))

    @admin.display(description=gettext_lazy("state"))
    def status(self, row: LogoutDelivery) -> SafeString:
        return badge(row.get_state_display(), _TONES[LogoutDelivery.State(row.state)])

    @admin.display(description=gettext_lazy("next attempt"))
    def due(self, row: LogoutDelivery) -> object:
        if row.state != LogoutDelivery.State.WAITING:
            return self.get_empty_value_display()
        return max(filter(None, (row.due_at, getattr(row, "resume_at", None))))

    @admin.action(permissions=["revoke"], description=gettext_lazy("Notify the selected apps again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[LogoutDelivery]) -> None:
        with atomic():
            count = try_again(queryset, timezone.now())
            after_commit(deliver_soon)
        if not count:
            self.message_user(request, _("These apps have already been notified."))
            return
        told = ngettext("%(n)d app will be notified again.", "%(n)d apps will be notified again.", count) % {"n": count}
        self.message_user(request, told)


def _what_ends(rows: list[Participation]) -> list[str]:
    people = len({row.user_id for row in rows})
    return [
        ngettext(
            "%(n)d person will be signed out of these apps.", "%(n)d people will be signed out of these apps.", people
        )
        % {"n": people},
        _("Apps with a back-channel logout URI are notified immediately. Other apps can't be notified from here."),
        _(
            "People stay signed in to this site, so an app can sign them in again without asking. To prevent "
            "that, disable the user."
        ),
    ]
