"""Lists that stay quick however many rows there are, and actions that say beforehand what they end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, Protocol
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauth_server.component import Words
from django_oauth_server.conf.moments import local
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
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


class OfIssuer(Protocol):
    """A row that names its issuer."""

    issuer: str


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


class RowFilter(admin.SimpleListFilter):
    """Only the rows of one client or authorization, whose page leads here. Shown once it is chosen."""

    model: ClassVar[type[Model]]

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """The chosen row alone. One that is not there is a choice too: without any, Django would show all rows."""
        return [] if self.value() is None else [(str(self.value()), str(self.chosen() or _("unknown")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        row = self.chosen()
        return queryset.filter(Q((str(self.parameter_name), row.pk if row else None)))

    def chosen(self) -> Model | None:
        value = self.value() or ""
        return self._named(value) if value.isdecimal() else None

    def _named(self, value: str) -> Model | None:
        return self.model._default_manager.filter(pk=value).first()


class ClientFilter(RowFilter):
    """The rows of one client."""

    title = gettext_lazy("client")
    parameter_name = "client"
    model = Client


class AuthorizationFilter(RowFilter):
    """The tokens of one authorization."""

    title = gettext_lazy("authorization")
    parameter_name = "authorization"
    model = Authorization


class Lead(NamedTuple):
    """A link from a page to another one of the admin."""

    words: Words
    url: str


class QuickAdmin(_ModelAdmin):
    """The newest rows first; older ones are found by searching. The page of a row has buttons for what can be done with it, and leads to what
    hangs on it."""

    paginator = NewestPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    ordering: ClassVar[tuple[str, ...]] = ("-pk",)
    change_form_template = "admin/django_oauth_server/row.html"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only what the filters ask. Django's own lets any column of the table be asked for, and so a digest be found out letter by letter."""
        return any(lookup in _asked_by(one) for one in self.get_list_filter(request))

    def buttons(self, row: Any) -> Mapping[str, Words]:
        """The actions that are of use on the page of *row*, and what their buttons say."""
        return {}

    def leads(self, request: HttpRequest, row: Any) -> Iterable[Lead | None]:
        """Where the page of *row* leads."""
        return ()

    def lead_to_list(self, request: HttpRequest, model: type[Model], words: Words, **chosen: object) -> Lead | None:
        """To the list of *model*, narrowed to what is *chosen*; None where this person may not see it, or this site has none."""
        try:
            there = self.admin_site.get_model_admin(model)
        except NotRegistered:
            return None
        url = f"{self._reverse(model, 'changelist')}?{urlencode(chosen)}"
        return Lead(words, url) if there.has_view_permission(request) else None

    def lead_to(self, request: HttpRequest, row: Model | None, words: Words) -> Lead | None:
        """To the page of *row*; None where this person may not see it, or this site has none."""
        try:
            there = self.admin_site.get_model_admin(type(row)) if row else None
        except NotRegistered:
            return None
        if row is None or there is None or not there.has_view_permission(request, row):
            return None
        return Lead(words, self._reverse(type(row), "change", quote(row.pk)))

    def linked(self, row: Model | None) -> SafeString | str:
        """*row* in a list, with a link to its page."""
        if row is None:
            return self.get_empty_value_display()
        try:
            url = self._reverse(type(row), "change", quote(row.pk))
        except NoReverseMatch:
            return cut(row)
        return format_html('<a class="oauth-cut" href="{}" title="{}">{}</a>', url, row, row)

    def listed(self, values: Iterable[object]) -> str:
        """*values* on one line."""
        return ", ".join(map(str, values)) or self.get_empty_value_display()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if row := context.get("original"):
            allowed = self.get_actions(request)
            context["leads"] = [lead for lead in self.leads(request, row) if lead]
            context["buttons"] = {name: words for name, words in self.buttons(row).items() if name in allowed}
        return super().render_change_form(request, context, *args, **kwargs)

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        """Whoever came from the page of a row goes back there."""
        response: HttpResponse | None = super().response_action(request, *args, **kwargs)
        is_done = isinstance(response, HttpResponseRedirect) and response.url == request.get_full_path()
        back = page_asked_from(self, request)
        return HttpResponseRedirect(back) if is_done and back else response

    def log_change_of(self, request: HttpRequest, rows: Collection[Any], message: str) -> None:
        """Each row's history says who did it."""
        assert request.user.pk is not None
        LogEntry.objects.log_actions(request.user.pk, rows, CHANGE, message)

    def _reverse(self, model: type[Model], page: str, *args: Any) -> str:
        named = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
        return reverse(named, args=args, current_app=self.admin_site.name)

    class Media:
        css: ClassVar = {"all": ["oauth_server/admin.css"]}


def _asked_by(listed: Any) -> tuple[str, ...]:
    """The parameters that an item of `list_filter` reads."""
    if not isinstance(listed, str):
        return (listed.parameter_name,)
    return (listed, f"{listed}__exact", f"{listed}__isnull")


class ReadOnlyAdmin(QuickAdmin):
    """Of rows that only the server writes: they may be looked at. What an action needs, `is_permitted` says."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def is_permitted(self, request: HttpRequest, what: Literal["add", "change", "delete"]) -> bool:
        """Whether this person has Django's permission to do so, which the forms of this admin let nobody do."""
        permitted: bool = getattr(super(), f"has_{what}_permission")(request)
        return permitted


class RecordAdmin(ReadOnlyAdmin):
    """Rows that may be revoked as well; none shows a value or a digest."""

    search_fields = ("client__client_id",)  # that there is a search; `get_search_results` does it
    search_help_text = format_lazy(
        gettext_lazy("Enter a complete username or client ID, or both. Only the newest {most} matches are listed."),
        most=MOST_LISTED,
    )
    sortable_by = ()  # by the primary key alone: no other column has an index that could
    user_path: ClassVar[str]
    """From the model to the person."""

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.is_permitted(request, "change")

    @admin.display(description=gettext_lazy("client"))
    def client_page(self, row: Any) -> SafeString | str:
        return self.linked(row.client)

    @admin.display(description=gettext_lazy("scope"))
    def scopes(self, row: Any) -> SafeString | str:
        return cut(row.scope) if row.scope else self.get_empty_value_display()

    def leads(self, request: HttpRequest, row: Any) -> Iterable[Lead | None]:
        return (self.lead_to(request, row.client, _("Client")),)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Names are looked up first, in full, so that each is found by an index and the rows by their foreign keys."""
        for name in search_term.split():
            queryset = queryset.filter(self._concerning(name))
        is_narrow = search_term or not {"client", "authorization"}.isdisjoint(request.GET)
        return _newest_of_few(queryset) if is_narrow else queryset, False

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


def issuer_of(row: OfIssuer) -> Issuer | None:
    """The issuer of *row*; None where the settings no longer have it."""
    try:
        return issuer_named(row.issuer)
    except LookupError:
        return None


def badge(words: Words, tone: str) -> SafeString:
    """A state in words; *tone* (`good`, `waiting`, `over`) only colours it."""
    return format_html('<span class="oauth-badge oauth-badge-{}" title="{}">{}</span>', tone, words, words)


def cut(words: object) -> SafeString:
    """*words* in a list: one line, as much of it as fits, and the whole in its title."""
    return format_html('<span class="oauth-cut" title="{}">{}</span>', words, words)


def brief(at: datetime | None) -> SafeString | str | None:
    """*at* in a list: today by the clock, another day by its date, and in full in its title."""
    if at is None:
        return None
    shown = local(at)
    is_today = shown.date() == local(timezone.now()).date()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        date_format(shown, "DATETIME_FORMAT"),
        date_format(shown, "TIME_FORMAT" if is_today else "SHORT_DATE_FORMAT"),
    )


def in_words(at: datetime) -> str:
    """*at* in a sentence. It may end with a full stop ("8 p.m."), so the sentence does not end with it."""
    return date_format(local(at), "DATETIME_FORMAT")


def page_asked_from(modeladmin: admin.ModelAdmin[Any], request: HttpRequest) -> str:
    """The page of the row on which an action was asked for; empty where it was asked for in a list."""
    asked = request.POST.get("page", "")
    row = modeladmin.get_object(request, unquote(asked)) if asked else None
    if row is None:
        return ""
    named = f"admin:{modeladmin.opts.app_label}_{modeladmin.opts.model_name}_change"
    return reverse(named, args=[quote(row.pk)], current_app=modeladmin.admin_site.name)


def few(modeladmin: admin.ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]) -> list[Any] | None:
    """The rows to change. None where there are none, or more than one action may change: the administrator is told."""
    rows = list(queryset[: MOST_CHANGED + 1])
    if not rows:
        modeladmin.message_user(request, _("There is nothing left to change."), "warning")
    if len(rows) > MOST_CHANGED:
        most = {"most": MOST_CHANGED}
        modeladmin.message_user(request, _("Select at most %(most)d items at a time.") % most, "error")
    return rows if 0 < len(rows) <= MOST_CHANGED else None


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
) -> list[Any] | HttpResponse | None:
    """The rows that the administrator confirmed to change; until then the page that asks, and says what it ends. None: as of `few`. *form*: what
    else it asks."""
    rows = few(modeladmin, request, queryset)
    if rows is None or "confirmed" in request.POST:
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
        "page": request.POST.get("page", ""),
        "back": page_asked_from(modeladmin, request) or request.get_full_path(),
        "media": modeladmin.media,
    }
    return TemplateResponse(request, "admin/django_oauth_server/confirm.html", context)


def signed_out(people: int, apps: int) -> str:
    """How many people an action signs out, and of what."""
    one = ngettext(
        "%(n)s person will be signed out of this app.", "%(n)s people will be signed out of this app.", people
    )
    several = ngettext(
        "%(n)s person will be signed out of these apps.", "%(n)s people will be signed out of these apps.", people
    )
    return (one if apps == 1 else several) % {"n": number_format(people, force_grouping=True)}


def names(rows: Iterable[object]) -> str:
    """The rows, as a sentence names them: the first few."""
    words = [str(row) for row in rows]
    return ", ".join(words[:3]) + (_(" and %(more)d more") % {"more": len(words) - 3} if len(words) > 3 else "")
