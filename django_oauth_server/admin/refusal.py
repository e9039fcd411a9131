"""Why was it refused? Refusals by their reference, and the last ones of a client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.admin.lists import IssuerFilter, ReadOnlyAdmin, brief, cut, issuer_of
from django_oauth_server.authorization.response_modes.base import ResponseMode
from django_oauth_server.clients.facts import client_facts
from django_oauth_server.conf import IDJAG, Exchange
from django_oauth_server.conf.refusals import RefusalSettings
from django_oauth_server.conf.token_exchange import TokenExchangeSettings
from django_oauth_server.exchange.rules import named
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.models.refusal import Refusal
from django_oauth_server.registry import issuers
from django_oauth_server.storage.refusals import client_of, refusals_of

_LONGEST: Final = Refusal._meta.get_field("rule").max_length
_FEW: Final = 5
"""Refusals on a client's page."""

WHAT_WOULD_PASS: Final[Mapping[str, Callable[[Client, Issuer], Iterable[str]]]] = {
    "redirect_uri": lambda client, issuer: client.redirect_uris,
    "post_logout_redirect_uri": lambda client, issuer: client.metadata.get("post_logout_redirect_uris", ()),
    "scope": lambda client, issuer: sorted(client_facts(client, issuer, tuple(client.grant_types)).scopes),
    "grant_type": lambda client, issuer: client.grant_types,
    "response_type": lambda client, issuer: client.response_types,
    "response_mode": lambda client, issuer: issuer.components.of(ResponseMode),
    "resource": lambda client, issuer: issuer.settings.resources,
    "acr_values": lambda client, issuer: issuer.settings.acr_values,
}
"""By the parameter that was refused, the values that are accepted from this client today."""
ALLOWED_BY_RULE: Final[Mapping[str, Callable[[Exchange | IDJAG], Iterable[str]]]] = {
    "scope": lambda rule: rule.scopes,
    "resource": lambda rule: rule.resources,
    "audience": lambda rule: rule.resources,
}
"""The same, where it was a rule for exchanges that refused."""


class RefusalAdmin(ReadOnlyAdmin):
    """Looked at, and found by the reference that an error page or a JSON answer has."""

    list_display = ("reference", "refused", "client_id_shown", "error", "told")
    list_filter = (IssuerFilter,)
    search_fields = ("reference",)  # that there is a search; `get_search_results` does it
    search_help_text = gettext_lazy("Enter a complete reference, such as 3F2A91C0, or a complete client ID.")
    sortable_by = ()
    fields = (
        "reference",
        "refused_at",
        "issuer",
        "client",
        "endpoint",
        "error",
        "parameter",
        "rule",
        "description",
        "reason",
        "accepted",
    )
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What is no reference is a client ID. Both are found by an index."""
        term = search_term.strip(" []")
        if not term:
            return queryset, False
        found = queryset.filter(reference=term.upper())
        if found.exists():
            return found, False
        return queryset.filter(issuer__in=[str(issuer) for issuer in issuers()], client_id=term), False

    @admin.display(description=gettext_lazy("refused"))
    def refused(self, row: Refusal) -> SafeString | str | None:
        return brief(row.refused_at)

    @admin.display(description=gettext_lazy("client ID"))
    def client_id_shown(self, row: Refusal) -> SafeString | str:
        return cut(row.client_id or _("unknown"))

    @admin.display(description=gettext_lazy("what the client was told"))
    def told(self, row: Refusal) -> SafeString:
        return cut(row.description or row.reason)

    @admin.display(description=gettext_lazy("client"))
    def client(self, row: Refusal) -> SafeString | str:
        found = client_of(row)
        if found is None:
            return row.client_id or _("unknown")
        return format_html("{} ({})", self.linked(found), found.client_id)

    @admin.display(description=gettext_lazy("accepted values"))
    def accepted(self, row: Refusal) -> SafeString | str:
        """What would pass, by what is registered today."""
        client = client_of(row)
        issuer = issuer_of(client) if client else None
        values = _accepted(row, client, issuer) if client and issuer else None
        if values is None:
            return self.get_empty_value_display()
        return format_html_join("", "<div>{}</div>", ((one,) for one in values)) or _("none")


def _accepted(row: Refusal, client: Client, issuer: Issuer) -> Iterable[str] | None:
    """None: there are no values of which some are accepted, or nothing that the client could have sent in their place."""
    every_rule = issuer.settings.group(TokenExchangeSettings).every_rule
    rules = [rule for rule in every_rule if named(rule)[:_LONGEST] == row.rule]
    if rules:
        allowed = ALLOWED_BY_RULE.get(row.parameter)
        return sorted({value for rule in rules for value in allowed(rule)}) if allowed else None
    values = None if _is_by_setting(row, issuer) else WHAT_WOULD_PASS.get(row.parameter)
    return values(client, issuer) if values else None


def _is_by_setting(row: Refusal, issuer: Issuer) -> bool:
    """Whether a setting refused, whatever the client is registered for: what an assertion may bring, a hook, an exchange that has no rule."""
    return row.rule.partition(":")[0] in {one.settings_name for one in issuer.components if one.settings_name}


def last_refusals(client: Client, site: admin.AdminSite = admin.site) -> SafeString | str:
    """The newest refusals of *client*, for its page."""
    newest = refusals_of(client, _FEW)
    if not newest:
        return _("None.") if _are_kept(client) else _("Refusals are not kept (the “refusals” setting).")
    link = "admin:django_oauth_server_refusal_change"
    rows = format_html_join(
        "",
        '<tr><td>{}</td><td>{}</td><td><a href="{}">{}</a></td></tr>',
        (
            (
                brief(one.refused_at),
                f"{one.error}: {one.description or one.reason}",
                reverse(link, args=[one.pk], current_app=site.name),
                one.reference,
            )
            for one in newest
        ),
    )
    every = reverse("admin:django_oauth_server_refusal_changelist", current_app=site.name)
    query = urlencode({"q": client.client_id})
    return format_html(
        '<table class="oauth-refusals">{}</table><a href="{}?{}">{}</a>', rows, every, query, _("Show all")
    )


def _are_kept(client: Client) -> bool:
    issuer = issuer_of(client)
    return issuer is None or bool(issuer.settings.group(RefusalSettings).kept_for)
