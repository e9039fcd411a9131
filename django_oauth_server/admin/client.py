"""Clients: registered, explained, changed, given a new secret, switched off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauth_server.admin.client_form import ClientForm, asked, client_form, folded, is_described, is_document
from django_oauth_server.admin.document_host import JUDGEMENTS, Verdict, give_verdict, verdict_badge
from django_oauth_server.admin.lists import (
    JWT_OUTLIVES,
    IssuerFilter,
    Lead,
    badge,
    brief,
    confirmed,
    cut,
    few,
    in_words,
    issuer_of,
    names,
    signed_out,
)
from django_oauth_server.admin.origins import OriginFilter
from django_oauth_server.admin.origins import described as limits_of
from django_oauth_server.admin.refusal import last_refusals
from django_oauth_server.admin.shown_once import Shown, ShowsOnce
from django_oauth_server.clients.documents import last_fetched
from django_oauth_server.clients.grant_types import RegistrableGrant
from django_oauth_server.clients.kinds import Kind, kind_named, kind_of, kinds_for
from django_oauth_server.clients.metadata import member_named, members_of, terms_of
from django_oauth_server.clients.methods.base import registered_method
from django_oauth_server.clients.origins import origin_of
from django_oauth_server.clients.registration import new_client_id, new_secret, revise_client, uses_secret
from django_oauth_server.clients.secrets import secret_mark
from django_oauth_server.clients.sources.find import explain_unknown, shut_out
from django_oauth_server.component import Member, Words
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client, Token
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.protocol.hosts import host_of
from django_oauth_server.registry import issuers
from django_oauth_server.storage.clients import foreign_secret_of, has_history, people_using, save_changed, set_active
from django_oauth_server.storage.document_hosts import verdict_of, verdicts_on
from django_oauth_server.storage.transaction import atomic
from django_oauth_server.tokens.faults import fault_of


class ClientAdmin(ShowsOnce):
    """The form has a field for each member that the issuer's components know; the document itself is never edited."""

    list_display = ("name", "state", "kind", "origin", "named_id", "created")
    list_filter = (IssuerFilter, "is_active", OriginFilter)
    change_list_template = "admin/django_oauth_server/clients.html"
    search_fields = ("client_id", "metadata__client_name")
    search_help_text = gettext_lazy("Enter part of a client ID or a name.")
    actions = ("enable", "disable", "replace_secret", "block_hosts", "vouch_for_hosts")
    raw_id_fields = ("owner",)

    @admin.display(description=gettext_lazy("name"))
    def name(self, row: Client) -> SafeString:
        return cut(row)

    @admin.display(description=gettext_lazy("client ID"))
    def named_id(self, row: Client) -> SafeString:
        return cut(row.client_id)

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created(self, row: Client) -> SafeString | str | None:
        return brief(row.created_at)

    @admin.display(description=gettext_lazy("type"))
    def kind(self, row: Client) -> SafeString | None:
        issuer = issuer_of(row)
        kind = kind_of(row, issuer) if issuer else None
        return cut(kind.label) if kind else None

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: Client) -> SafeString:
        if not row.is_active:
            return badge(_("disabled"), "over")
        issuer = issuer_of(row)
        if issuer is None:
            return badge(_("issuer not in the settings"), "over")
        if _is_shut_out(row):
            return badge(_("not accepted"), "over")
        if fault_of(row, issuer):
            return badge(_("unknown profile or token format"), "over")
        return badge(_("enabled"), "good")

    @admin.display(description=gettext_lazy("registration"))
    def origin(self, row: Client) -> SafeString | str:
        """Whoever registered itself may have made up what it says."""
        words = origin_of(row).label
        return str(words) if row.is_vouched_for else badge(words, "waiting")

    @admin.display(description=gettext_lazy("secret"))
    def secret(self, row: Client) -> str:
        if not (row.secret_digest or foreign_secret_of(row)):
            return _("none")
        if (
            row.previous_secret_digest
            and row.previous_secret_expires_at
            and row.previous_secret_expires_at > timezone.now()
        ):
            return _("set; until %(time)s the previous one works as well") % {
                "time": in_words(row.previous_secret_expires_at)
            }
        return _("set; it cannot be shown again")

    @admin.display(description=gettext_lazy("proof of identity"))
    def proof(self, row: Client) -> SafeString:
        """What its authentication method has to say of it, such as which workloads it is."""
        return format_html_join("", "<div>{}</div>", ((line,) for line in _told(row)))

    @admin.display(description=gettext_lazy("allowed by settings"))
    def rules(self, row: Client) -> SafeString:
        """What rules of the settings let it do by its grant types, such as which tokens it may exchange."""
        return format_html_join("", "<div>{}</div>", ((line,) for line in _rules_for(row)))

    @admin.display(description=gettext_lazy("last refusals"))
    def refusals(self, row: Client) -> SafeString | str:
        return last_refusals(row, self.admin_site)

    @admin.display(description=gettext_lazy("metadata"))
    def document(self, row: Client) -> SafeString:
        """What is registered, for those who may look but not change; or what its source says, which nobody changes here."""
        issuer = issuer_of(row)
        members = members_of(terms_of(issuer, row.profile)) if issuer else {}
        said = ((_label(name, members), _in_words(value)) for name, value in row.metadata.items())
        return format_html_join("", "<div><b>{}</b>: {}</div>", said)

    @admin.display(description=gettext_lazy("document"))
    def described_at(self, row: Client) -> SafeString:
        """Where it says what it is, and what an operator says of that host."""
        host, issuer = host_of(row.client_id), issuer_of(row)
        fetched = last_fetched(row, issuer) if issuer else None
        return format_html(
            '<a href="{}" rel="noopener noreferrer nofollow">{}</a><div>{} {}</div><div>{}</div><div>{}</div>',
            row.client_id,
            row.client_id,
            host,
            verdict_badge(verdict_of(row.issuer, host)),
            _("Last fetched by this server process: %(time)s") % {"time": in_words(fetched)} if fetched else "",
            explain_unknown(issuer, row.client_id) if issuer else "",
        )

    def has_judge_hosts_permission(self, request: HttpRequest) -> bool:
        """Whether this person may say something of hosts, of which a row may be made."""
        of = "django_oauth_server.{}_documenthost"
        return all(request.user.has_perm(of.format(what)) for what in ("add", "change"))

    def has_change_permission(self, request: HttpRequest, obj: Client | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or issuer_of(obj) is not None)

    def has_delete_permission(self, request: HttpRequest, obj: Client | None = None) -> bool:
        """One that was in use is disabled instead: deleting it would delete who allowed it what."""
        return obj is not None and super().has_delete_permission(request, obj) and not has_history(obj)

    def get_form(
        self, request: HttpRequest, obj: Client | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Client]]:
        issuer = self._issuer(request, obj)
        if issuer and (obj is None or self.has_change_permission(request, obj)):
            kwargs["form"] = client_form(issuer, obj, self._kind(request, issuer, obj))
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Client | None = None) -> Any:
        """What the client is; the fields that its kind asks for; and all others, folded."""
        known = self.get_readonly_fields(request, obj)
        issuer = self._issuer(request, obj)
        if issuer is None or (obj and not self.has_change_permission(request, obj)):
            return [(None, {"fields": known})]
        form = client_form(issuer, obj, self._kind(request, issuer, obj))
        first: list[tuple[Words | None, dict[str, Any]]] = [(None, {"fields": known})]
        if obj is None:
            first = [(None, {"fields": asked(form), "description": form.kind and form.kind.sentence})]
        elif asked(form):
            first.append((form.kind.label if form.kind else _("Settings"), {"fields": asked(form)}))
        rest = folded(form, is_new=obj is None)
        return [*first, *((words, {"fields": fields, "classes": ["collapse"]}) for words, fields in rest)]

    def get_readonly_fields(self, request: HttpRequest, obj: Client | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        token = ("initial_access_token",) if obj.initial_access_token_id else ()
        proof = ("proof",) if _told(obj) else ()
        rules = ("rules",) if _rules_for(obj) else ()
        refusals = ("refusals",) if request.user.has_perm("django_oauth_server.view_refusal") else ()
        document = ("described_at",) if is_document(obj) else ()
        shown = (
            "issuer",
            "client_id",
            *document,
            "state",
            "origin",
            *token,
            "secret",
            *proof,
            *rules,
            "created_at",
            "updated_at",
            *refusals,
        )
        if not self.has_change_permission(request, obj):
            return (*shown, "owner", "document", "profile", "skip_consent")
        return (*shown, "document") if is_described(obj) else shown

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        listed = super().get_changelist_instance(request)
        _note_shut_out(listed.result_list)
        return listed

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.origins_view)
        return [path("registration/", view, name="django_oauth_server_client_origins"), *super().get_urls()]

    def origins_view(self, request: HttpRequest) -> HttpResponse:
        """How clients come here, and what limits it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Registration and limits"),
            "issuers": [limits_of(issuer) for issuer in issuers()],
        }
        return TemplateResponse(request, "admin/django_oauth_server/origins.html", context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Which issuer, where there are several, and what the client is, come first."""
        issuer = self._issuer(request)
        if request.method == "GET" and self.has_add_permission(request):
            if issuer is None:
                known = [(str(one), one.settings.name, str(one)) for one in issuers()]
                return self._ask(request, "issuer", _("Which authorization server is the client for?"), known)
            kind = self._kind(request, issuer)
            if kind is None:
                kinds = [(kind.name, kind.label, kind.sentence) for kind in kinds_for(terms_of(issuer))]
                return self._ask(request, "kind", _("What are you adding?"), kinds)
            extra_context = {"subtitle": kind.label, **(extra_context or {})}
        return super().add_view(request, form_url, extra_context)

    def buttons(self, row: Client) -> Mapping[str, Words]:
        issuer = issuer_of(row)
        if issuer is None:
            return {}
        secret = {"replace_secret": _("New secret")} if uses_secret(row, issuer) else {}
        switch = {"disable": _("Disable")} if row.is_active else {"enable": _("Enable")}
        return {**secret, **switch, **(_verdicts_offered(row) if is_document(row) else {})}

    def leads(self, request: HttpRequest, row: Client) -> Iterable[Lead | None]:
        return (
            self.lead_to_list(request, Authorization, _("Authorizations"), client=row.pk),
            self.lead_to_list(request, Token, _("Tokens"), client=row.pk),
            self.lead_to_list(request, Refusal, _("Refusals"), q=row.client_id),
            self.lead_to_list(request, Participation, _("Sign-ins"), client=row.pk),
            self.lead_to_list(request, LogoutDelivery, _("Back-channel logouts"), client=row.pk)
            if row.backchannel_logout_uri
            else None,
        )

    def save_model(self, request: HttpRequest, obj: Client, form: ClientForm, change: bool) -> None:
        obj.issuer = str(form.issuer)
        obj.client_id = obj.client_id or new_client_id()
        obj.secret_once = revise_client(obj, form.metadata, form.issuer)  # type: ignore[attr-defined]
        if change:
            save_changed(obj)
        else:
            super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Client, post_url_continue: str | None = None) -> HttpResponse:
        return self._show_once(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Client) -> HttpResponse:
        return self._show_once(request, obj) or super().response_change(request, obj)

    @admin.action(permissions=["change"], description=gettext_lazy("Enable the selected clients"))
    def enable(self, request: HttpRequest, queryset: QuerySet[Client]) -> None:
        if rows := few(self, request, queryset.filter(is_active=False)):
            self._switch(request, rows, active=True)

    @admin.action(permissions=["change"], description=gettext_lazy("Disable the selected clients"))
    def disable(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        rows = confirmed(
            self,
            request,
            queryset.filter(is_active=True),
            action="disable",
            title=lambda rows: _("Disable %(names)s?") % {"names": names(rows)},
            says=_what_disabling_ends,
            button=gettext_lazy("Disable"),
        )
        if not isinstance(rows, list):
            return rows
        self._switch(request, rows, active=False)
        return None

    @admin.action(
        permissions=["judge_hosts"], description=gettext_lazy("Block the hosts of the selected clients' documents")
    )
    def block_hosts(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        return self._judge_hosts(request, queryset, Verdict.BLOCKED, action="block_hosts")

    @admin.action(
        permissions=["judge_hosts"], description=gettext_lazy("Vouch for the hosts of the selected clients' documents")
    )
    def vouch_for_hosts(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        return self._judge_hosts(request, queryset, Verdict.VOUCHED, action="vouch_for_hosts")

    def _judge_hosts(
        self, request: HttpRequest, queryset: QuerySet[Client], verdict: DocumentHost.Verdict, *, action: str
    ) -> HttpResponse | None:
        judgement = JUDGEMENTS[verdict]
        rows = confirmed(
            self,
            request,
            queryset.filter(registered_by=Client.RegisteredBy.DOCUMENT),
            action=action,
            title=lambda clients: judgement.title(_hosts_of(clients, verdict)),
            says=lambda clients: judgement.says(_hosts_of(clients, verdict)),
            button=judgement.button,
        )
        if not isinstance(rows, list):
            return rows
        give_verdict(self, request, _hosts_of(rows, verdict), verdict)
        return None

    @admin.action(permissions=["change"], description=gettext_lazy("Generate a new secret for the selected client"))
    def replace_secret(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        """The next page shows it, once. Whoever sends the question twice has answered it before."""
        client = queryset.first() if len(queryset[:2]) == 1 else None
        issuer = issuer_of(client) if client else None
        if client is None or issuer is None or not uses_secret(client, issuer):
            self.message_user(request, _("Select exactly one client that authenticates with a secret."), "error")
            return None
        rows = confirmed(
            self,
            request,
            queryset,
            action="replace_secret",
            title=lambda rows: _("Generate a new secret for %(name)s?") % {"name": names(rows)},
            says=lambda rows: _what_a_new_secret_ends(client),
            button=gettext_lazy("Generate new secret"),
            form=ReplaceSecretForm(issuer, initial={"replaces": secret_mark(client)}),
        )
        if not isinstance(rows, list):
            return rows
        asked = ReplaceSecretForm(issuer, request.POST)
        if not asked.is_valid() or asked.cleaned_data["replaces"] not in {"", secret_mark(client)}:
            self.message_user(
                request, _("This secret has already been replaced. No new secret was generated."), "warning"
            )
            return None
        at_once = bool(asked.cleaned_data["at_once"])
        with atomic():
            client.secret_once = new_secret(client, issuer, timezone.now(), at_once=at_once)  # type: ignore[attr-defined]
            said = (
                _("Generated a new secret. Previous secrets no longer work.")
                if at_once
                else _("Generated a new secret.")
            )
            self.log_change_of(request, [client], said)
        return self._show_once(request, client)

    def _issuer(self, request: HttpRequest, obj: Client | None = None) -> Issuer | None:
        """That of *obj*; of a new client the one that was chosen, or the only one."""
        if obj:
            return issuer_of(obj)
        if len(issuers()) == 1:
            return issuers()[0]
        return next((issuer for issuer in issuers() if str(issuer) == request.GET.get("issuer")), None)

    def _kind(self, request: HttpRequest, issuer: Issuer, obj: Client | None = None) -> Kind | None:
        """What *obj* is; what a new client is to be."""
        return kind_of(obj, issuer) if obj else kind_named(request.GET.get("kind", ""), terms_of(issuer))

    def _ask(
        self, request: HttpRequest, name: str, question: str, choices: Iterable[tuple[str, Words, Words]]
    ) -> HttpResponse:
        """The page on which *name* is chosen, before the form."""

        def url(value: str) -> str:
            query = request.GET.copy()
            query[name] = value
            return f"?{query.urlencode()}"

        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Add client"),
            "question": question,
            "choices": [{"url": url(value), "words": words, "sentence": said} for value, words, said in choices],
        }
        return TemplateResponse(request, "admin/django_oauth_server/choose.html", context)

    def _switch(self, request: HttpRequest, rows: list[Client], *, active: bool) -> None:
        with atomic():
            changed = set_active(rows, active=active)
            self.log_change_of(request, rows, _("Enabled.") if active else _("Disabled."))
        said = ngettext("%(n)d client was enabled.", "%(n)d clients were enabled.", changed)
        if not active:
            said = ngettext("%(n)d client was disabled.", "%(n)d clients were disabled.", changed)
        self.message_user(request, said % {"n": changed})

    def _show_once(self, request: HttpRequest, client: Client) -> HttpResponse | None:
        secret = getattr(client, "secret_once", "")
        if not secret:
            return None
        title = _("Secret of %(name)s") % {"name": client.name}
        values = [
            Shown("client-id", _("Client ID"), client.client_id),
            Shown("client-secret", _("Client secret"), secret),
        ]
        return self.show_once(request, client, title, *values)


class ReplaceSecretForm(forms.Form):
    """How a secret is replaced, and which."""

    at_once = forms.ChoiceField(
        required=False,
        widget=forms.RadioSelect,
        label=gettext_lazy("What should happen to the current secret?"),
        help_text=gettext_lazy(
            "If you stop accepting it, the app fails until you give it the new secret. Tokens that have already been "
            "issued keep working: if someone else may have them, revoke them or disable the client."
        ),
    )
    replaces = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, issuer: Issuer, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        until = {"time": in_words(timezone.now() + issuer.settings.client_secret_overlap)}
        self.fields["at_once"].choices = [  # type: ignore[attr-defined]
            (
                "",
                _("Keep accepting it until %(time)s, so that the app works until you give it the new secret.") % until,
            ),
            ("on", _("Stop accepting it immediately, because it has leaked.")),
        ]


def _told(row: Client) -> list[Words]:
    issuer = issuer_of(row)
    method = registered_method(row, issuer) if issuer else None
    return [*method.told(row, issuer)] if issuer and method else []


def _rules_for(row: Client) -> list[str]:
    issuer = issuer_of(row)
    if issuer is None:
        return []
    known = issuer.components.of(RegistrableGrant)
    registered = [known[name] for name in row.grant_types if name in known]
    return [line for one in registered for line in one.told(row.client_id, issuer.settings)]


def _label(name: str, members: Mapping[str, Member]) -> Words:
    """What a member is called here; behind it the language in which it is said."""
    member, language = member_named(name, members), name.partition("#")[2]
    label = member.label if member else name
    return f"{label} ({language})" if member and language else label


def _in_words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _note_shut_out(rows: Iterable[Client]) -> None:
    """Note of each whether an operator lets it in, which `_is_shut_out` says: a page asks the database for all its clients at once."""
    of_issuers: dict[str, list[Client]] = {}
    for row in rows:
        of_issuers.setdefault(row.issuer, []).append(row)
    for clients in of_issuers.values():
        issuer = issuer_of(clients[0])
        theirs = shut_out(issuer, clients) if issuer else set()
        for row in clients:
            row.is_shut_out = row.client_id in theirs  # type: ignore[attr-defined]


def _is_shut_out(row: Client) -> bool:
    if not hasattr(row, "is_shut_out"):
        _note_shut_out([row])
    return bool(row.is_shut_out)  # type: ignore[attr-defined]


def _verdicts_offered(client: Client) -> Mapping[str, Words]:
    said = verdict_of(client.issuer, host_of(client.client_id))
    offered = {
        Verdict.BLOCKED: ("block_hosts", _("Block host")),
        Verdict.VOUCHED: ("vouch_for_hosts", _("Vouch for host")),
    }
    return dict(named for verdict, named in offered.items() if verdict != said)


def _hosts_of(clients: Iterable[Client], verdict: DocumentHost.Verdict) -> list[DocumentHost]:
    """What is to be said of the hosts of *clients*. Nothing is stored."""
    hosts = verdicts_on(dict.fromkeys((client.issuer, host_of(client.client_id)) for client in clients))
    for host in hosts:
        host.verdict = verdict
    return hosts


def _what_disabling_ends(rows: list[Client]) -> list[str]:
    return [
        signed_out(people_using(rows), len(rows)),
        _(
            "Nobody can sign in with a disabled client. It gets no new tokens, and the tokens it has stop working "
            "immediately."
        ),
        str(JWT_OUTLIVES),
        _("If you enable the client again, tokens that have not expired by then work again."),
    ]


def _what_a_new_secret_ends(client: Client) -> list[str]:
    former = client.previous_secret_expires_at
    if former and former > timezone.now():
        return [_("The previous secret, which is still accepted, stops working immediately.")]
    return []
