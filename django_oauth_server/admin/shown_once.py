"""New secrets: each is shown once, on a page that can be reloaded without making another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from django_oauth_server.admin.lists import QuickAdmin
from django_oauth_server.clients.shown_once import forget, hand_over, handed_over
from django_oauth_server.component import Words
from django_oauth_server.registry import default_issuer

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin


class Shown(NamedTuple):
    """A value on the page that shows it once."""

    id: str
    label: Words
    value: str


class ShowsOnce(QuickAdmin):
    """An admin whose rows have a secret."""

    def get_urls(self) -> list[URLPattern]:
        shown = self.admin_site.admin_view(self.shown_view)
        return [path("<path:object_id>/shown/", shown, name=_name(self)), *super().get_urls()]

    def shown_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The only page that ever holds the value. It is gone from the browser then."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        known = handed_over(request, row, default_issuer().settings)
        if known is None:
            self.message_user(
                request, _("This secret has already been shown. It cannot be shown again."), messages.WARNING
            )
            response: HttpResponse = HttpResponseRedirect(_url(self, row, "change"))
        else:
            context = {**self.admin_site.each_context(request), "opts": self.opts, "row": row, "media": self.media}
            context |= {"title": known["title"], "values": [Shown(*value) for value in known["values"]]}
            response = TemplateResponse(request, "admin/django_oauth_server/secret.html", context)
        forget(response, request)
        return response

    def show_once(self, request: HttpRequest, row: Model, title: str, *values: Shown) -> HttpResponse:
        """Go to that page. The browser brings what it shows."""
        at = _url(self, row, "shown")
        said = {"title": title, "values": [(one.id, str(one.label), one.value) for one in values]}
        response = HttpResponseRedirect(at)
        hand_over(response, request, at, row, said, default_issuer().settings)
        return response


def _name(modeladmin: ModelAdmin[Any], page: str = "shown") -> str:
    return f"{modeladmin.opts.app_label}_{modeladmin.opts.model_name}_{page}"


def _url(modeladmin: admin.ModelAdmin[Any], row: Model, page: str) -> str:
    return reverse(f"admin:{_name(modeladmin, page)}", args=[quote(row.pk)], current_app=modeladmin.admin_site.name)
