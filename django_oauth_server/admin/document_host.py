"""The hosts of client ID metadata documents: blocked, vouched for, and left to themselves again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauth_server.admin.lists import (
    JWT_OUTLIVES,
    IssuerFilter,
    Lead,
    QuickAdmin,
    badge,
    brief,
    confirmed,
    cut,
    names,
    signed_out,
)
from django_oauth_server.component import Words
from django_oauth_server.models import Client
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.protocol.hosts import read_host
from django_oauth_server.registry import issuers
from django_oauth_server.storage.document_hosts import blocked_without, forget_verdicts, keep_verdict, reach_of
from django_oauth_server.storage.transaction import atomic

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[DocumentHost]
else:
    _ModelForm = forms.ModelForm

Verdict: Final = DocumentHost.Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, as an administrator is asked whether to give it and as the history has it."""

    title: Callable[[Collection[DocumentHost]], str]
    says: Callable[[Collection[DocumentHost]], Iterable[str]]
    """What it does."""
    button: Words
    done: Words


class DocumentHostForm(_ModelForm):
    """A host of which nothing was said yet."""

    issuer = forms.ChoiceField(
        label=gettext_lazy("Issuer"), choices=lambda: [(str(issuer), issuer.settings.name) for issuer in issuers()]
    )

    class Meta:
        help_texts: Mapping[str, Words] = {
            "host": gettext_lazy("For example apps.example.com. All ports of the host are included."),
            "verdict": gettext_lazy(
                "Blocking also applies to all names below the host; vouching does not. People are not warned about "
                "apps whose host you vouch for, and are not asked again when these apps change."
            ),
            "note": gettext_lazy("Why, for other administrators."),
        }

    def clean_host(self) -> str:
        try:
            return read_host(self.cleaned_data["host"])
        except ValueError as exc:
            raise forms.ValidationError(_("Enter the name of a host, for example apps.example.com.")) from exc


class DocumentHostAdmin(QuickAdmin):
    """A verdict is changed by a button, which says first what that does. The history has each."""

    form = DocumentHostForm
    list_display = ("name", "state", "said", "updated")
    list_filter = (IssuerFilter, "verdict")
    search_fields = ("host",)
    actions = ("block", "vouch", "forget")

    def has_delete_permission(self, request: HttpRequest, obj: DocumentHost | None = None) -> bool:
        """The action `forget` says first what it does."""
        return False

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return super().has_delete_permission(request)

    def get_fields(self, request: HttpRequest, obj: DocumentHost | None = None) -> tuple[str, ...]:
        return (
            ("issuer", "host", "verdict", "note") if obj is None else ("issuer", "host", "state", "note", "updated_at")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: DocumentHost | None = None) -> tuple[str, ...]:
        return () if obj is None else ("issuer", "host", "state", "updated_at")

    def buttons(self, row: DocumentHost) -> Mapping[str, Words]:
        other = {"vouch": _("Vouch for this host")} if row.verdict == Verdict.BLOCKED else {"block": _("Block")}
        return {**other, "forget": _("Remove")}

    def leads(self, request: HttpRequest, row: DocumentHost) -> Iterable[Lead | None]:
        return (self.lead_to_list(request, Client, _("Clients"), q=f"https://{row.host}"),)

    @admin.display(description=gettext_lazy("host"), ordering="host")
    def name(self, row: DocumentHost) -> SafeString:
        return cut(row.host)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: DocumentHost) -> SafeString:
        return verdict_badge(Verdict(row.verdict))

    @admin.display(description=gettext_lazy("note"))
    def said(self, row: DocumentHost) -> SafeString | None:
        return cut(row.note) if row.note else None

    @admin.display(description=gettext_lazy("updated"), ordering="updated_at")
    def updated(self, row: DocumentHost) -> SafeString | str | None:
        return brief(row.updated_at)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What blocking ends is said first."""
        form = self.get_form(request)(request.POST) if request.method == "POST" else None
        if form and "confirmed" not in request.POST and self.has_add_permission(request) and form.is_valid():
            host = form.save(commit=False)
            if host.verdict == Verdict.BLOCKED:
                return self._asked_first(request, host)
        return super().add_view(request, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: DocumentHost, form: Any, change: bool) -> None:
        """The form of a row that is there has its note alone."""
        if change:
            obj.save(update_fields=["note"])
        else:
            keep_verdict(Verdict(obj.verdict), [obj], timezone.now())

    @admin.action(permissions=["change"], description=gettext_lazy("Block the selected hosts"))
    def block(self, request: HttpRequest, queryset: QuerySet[DocumentHost]) -> HttpResponse | None:
        return self._judge(request, queryset, Verdict.BLOCKED)

    @admin.action(permissions=["change"], description=gettext_lazy("Vouch for the selected hosts"))
    def vouch(self, request: HttpRequest, queryset: QuerySet[DocumentHost]) -> HttpResponse | None:
        return self._judge(request, queryset, Verdict.VOUCHED)

    @admin.action(permissions=["forget"], description=gettext_lazy("Remove the selected hosts"))
    def forget(self, request: HttpRequest, queryset: QuerySet[DocumentHost]) -> HttpResponse | None:
        rows = confirmed(
            self,
            request,
            queryset,
            action="forget",
            title=lambda rows: _("Remove %(names)s?") % {"names": names(rows)},
            says=_what_removing_does,
            button=gettext_lazy("Remove"),
        )
        if not isinstance(rows, list):
            return rows
        with atomic():
            self.log_deletions(request, queryset)
            forget_verdicts(rows, timezone.now())
        said = ngettext("%(n)d host was removed.", "%(n)d hosts were removed.", len(rows)) % {"n": len(rows)}
        self.message_user(request, said)
        return None

    def _judge(
        self, request: HttpRequest, queryset: QuerySet[DocumentHost], verdict: DocumentHost.Verdict
    ) -> HttpResponse | None:
        judgement = JUDGEMENTS[verdict]
        rows = confirmed(
            self,
            request,
            queryset.exclude(verdict=verdict),
            action="block" if verdict == Verdict.BLOCKED else "vouch",
            title=judgement.title,
            says=lambda rows: judgement.says(_as(verdict, rows)),
            button=judgement.button,
        )
        if not isinstance(rows, list):
            return rows
        give_verdict(self, request, rows, verdict)
        return None

    def _asked_first(self, request: HttpRequest, host: DocumentHost) -> HttpResponse:
        blocking = JUDGEMENTS[Verdict.BLOCKED]
        sent = [(name, request.POST[name]) for name in ("issuer", "host", "verdict", "note") if name in request.POST]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": blocking.title([host]),
            "says": list(blocking.says([host])),
            "sent": sent,
            "button": blocking.button,
            "back": self._reverse(DocumentHost, "changelist"),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/django_oauth_server/confirm.html", context)


def verdict_badge(verdict: DocumentHost.Verdict | None) -> SafeString:
    """What is said of a host, in a word."""
    if verdict is None:
        return badge(_("nobody vouches for it"), "waiting")
    return badge(verdict.label, "over" if verdict == Verdict.BLOCKED else "good")


def give_verdict(
    modeladmin: QuickAdmin, request: HttpRequest, hosts: list[DocumentHost], verdict: DocumentHost.Verdict
) -> None:
    """Store *verdict* on *hosts*, with its line in the history of each, and tell the administrator."""
    with atomic():
        keep_verdict(verdict, hosts, timezone.now())
        modeladmin.log_change_of(request, hosts, str(JUDGEMENTS[verdict].done))
    modeladmin.message_user(request, _said_of(verdict, len(hosts)))


def _said_of(verdict: DocumentHost.Verdict, count: int) -> str:
    if verdict == Verdict.BLOCKED:
        return ngettext("%(n)d host was blocked.", "%(n)d hosts were blocked.", count) % {"n": count}
    return ngettext("You now vouch for %(n)d host.", "You now vouch for %(n)d hosts.", count) % {"n": count}


def _what_blocking_ends(hosts: Collection[DocumentHost]) -> list[str]:
    """For whoever is about to block *hosts*."""
    return [
        signed_out(*reach_of(hosts)),
        _(
            "Their access ends immediately and does not come back when the host is no longer blocked: the apps have "
            "to ask again. Apps at names below the host are blocked as well, unless you vouch for such a name."
        ),
        str(JWT_OUTLIVES),
    ]


def _what_vouching_does(hosts: Collection[DocumentHost]) -> list[str]:
    """For whoever is about to vouch for *hosts*."""
    return [
        _(
            "People are no longer warned that nobody has checked these apps, and see the names and logos that the apps "
            "have given themselves."
        ),
        _("They are not asked again when an app changes its name, or where it sends people back to."),
    ]


def _what_removing_does(rows: list[DocumentHost]) -> Iterable[str]:
    """Un-vouching asks people anew: what they allowed was allowed on an operator's word. Below a blocked host, it blocks."""
    if any(row.verdict == Verdict.BLOCKED for row in rows):
        yield _("Blocked hosts are treated as any other host again. What blocking them has ended stays ended.")
    blocked = blocked_without(rows)
    if blocked:
        yield from _what_blocking_ends(blocked)
    if vouched := [row for row in rows if row.verdict == Verdict.VOUCHED and row not in blocked]:
        people, _clients = reach_of(vouched)
        yield (
            ngettext(
                "%(n)d person who allowed apps that you no longer vouch for is warned and asked again when an app next "
                "sends them here.",
                "%(n)d people who allowed apps that you no longer vouch for are warned and asked again when an app next "
                "sends them here.",
                people,
            )
            % {"n": people}
        )
        yield _("Where only listed hosts are accepted, apps at any other host stop working.")


def _as(verdict: DocumentHost.Verdict, rows: list[DocumentHost]) -> list[DocumentHost]:
    """*rows*, each with *verdict*. Nothing is stored."""
    for row in rows:
        row.verdict = verdict
    return rows


JUDGEMENTS: Final[Mapping[str, Judgement]] = {
    Verdict.BLOCKED: Judgement(
        title=lambda hosts: _("Block %(names)s?") % {"names": names(hosts)},
        says=_what_blocking_ends,
        button=gettext_lazy("Block"),
        done=gettext_lazy("Blocked."),
    ),
    Verdict.VOUCHED: Judgement(
        title=lambda hosts: _("Vouch for %(names)s?") % {"names": names(hosts)},
        says=_what_vouching_does,
        button=gettext_lazy("Vouch"),
        done=gettext_lazy("Vouched for."),
    ),
}
