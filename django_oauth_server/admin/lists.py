"""Lists that stay quick however many rows there are, and actions that say beforehand what they end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.component import Words
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.registry import issuer_named, issuers

MOST_LISTED: Final = 1000
MOST_CHANGED: Final = 500
"""By one action. Each is a field of the form that confirms it, of which Django reads 1000."""
_FEW: Final = 10_000
"""Rows that are sorted rather than walked to."""

JWT_OUTLIVES: Final = gettext_lazy(
    "JWT access tokens that are verified without contacting this server work until they expire."
)

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # Django's own are generic for type checkers alone
    _Paginator, _ModelAdmin = Paginator, admin.ModelAdmin


class IssuerFilter(admin.SimpleListFilter):
    """One issuer of the settings. Not shown where there is but one."""

    title = gettext_lazy("issuer")
    parameter_name = "issuer"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        known = [(str(issuer), issuer.settings.name) for issuer in issuers()]
        return known if len(known) > 1 else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(issuer=self.value()) if self.value() else queryset


class NewestPaginator(_Paginator):
    """Pages through the newest rows, and counts no more of them than it shows: COUNT(*) reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return len(rows.values_list("pk", flat=True)[:MOST_LISTED])


class QuickAdmin(_ModelAdmin):
    """The newest rows first; older ones are found by searching."""

    paginator = NewestPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)

    def log_change_of(self, request: HttpRequest, rows: Collection[Any], message: str) -> None:
        """Each row's history says who did it."""
        assert request.user.pk is not None
        LogEntry.objects.log_actions(request.user.pk, rows, CHANGE, message)

    class Media:
        css: ClassVar = {"all": ["oauth_server/admin.css"]}


class RecordAdmin(QuickAdmin):
    """Of rows that only the server writes. They may be looked at and revoked; none shows a value or a digest."""

    search_fields = ("client__client_id",)  # that there is a search; `get_search_results` does it
    search_help_text = format_lazy(
        gettext_lazy("Enter a complete username or client ID, or both. Only the newest {most} matches are listed."),
        most=MOST_LISTED,
    )
    sortable_by = ()  # by the primary key alone: no other column has an index that could
    user_path: ClassVar[str]
    """From the model to the person."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Names are looked up first, in full, so that each is found by an index and the rows by their foreign keys."""
        for name in search_term.split():
            queryset = queryset.filter(self._concerning(name))
        return _newest_of_few(queryset) if search_term else queryset, False

    def _concerning(self, name: str) -> Q:
        users = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name})
        clients = Client.objects.filter(issuer__in=[str(issuer) for issuer in issuers()], client_id=name)
        found = {f"{self.user_path}__in": _pks(users), "client__in": _pks(clients)}
        conditions = [Q(**{path: pks}) for path, pks in found.items() if pks]
        return Q(*conditions, _connector=Q.OR) if conditions else Q(pk__in=[])


def _newest_of_few(rows: QuerySet[Any]) -> QuerySet[Any]:
    """*rows*; where they are few, the newest by their primary keys. Asked for in order, the database may walk all that there is to find the few."""
    pks = _pks(rows.order_by()[: _FEW + 1])
    return rows if len(pks) > _FEW else rows.filter(pk__in=sorted(pks)[-MOST_LISTED:])


def _pks(rows: QuerySet[Any]) -> list[Any]:
    return list(rows.values_list("pk", flat=True))


def issuer_of(client: Client) -> Issuer | None:
    """The issuer of *client*; None where the settings no longer have it."""
    try:
        return issuer_named(client.issuer)
    except LookupError:
        return None


def badge(words: Words, tone: str) -> SafeString:
    """A state in words; *tone* (`good`, `waiting`, `over`) only colours it."""
    return format_html('<span class="oauth-badge oauth-badge-{}">{}</span>', tone, words)


def confirmed(
    modeladmin: admin.ModelAdmin[Any],
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    action: str,
    title: Callable[[list[Any]], str],
    says: Callable[[list[Any]], Iterable[str]],
    button: Words,
    form: Form | None = None,
) -> list[Any] | HttpResponse:
    """The rows that the administrator confirmed to change; until then the page that asks, and says what it ends. *form*: what else it asks."""
    rows = list(queryset[: MOST_CHANGED + 1])
    if len(rows) > MOST_CHANGED:
        modeladmin.message_user(
            request, _("Select at most %(most)d items at a time.") % {"most": MOST_CHANGED}, "error"
        )
        return []
    if "confirmed" in request.POST:
        return rows
    context = {
        **modeladmin.admin_site.each_context(request),
        "opts": modeladmin.opts,
        "title": title(rows),
        "says": list(says(rows)),
        "rows": rows,
        "action": action,
        "button": button,
        "form": form,
        "media": modeladmin.media,
    }
    return TemplateResponse(request, "admin/django_oauth_server/confirm.html", context)


def names(rows: Iterable[object]) -> str:
    """The rows, as a sentence names them: the first few."""
    words = [capfirst(str(row)) for row in rows]
    return ", ".join(words[:3]) + (_(" and %(more)d more") % {"more": len(words) - 3} if len(words) > 3 else "")
