"""New secrets: each is shown once, on a page that can be reloaded without making another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from django_oauth_server.admin.lists import QuickAdmin
from django_oauth_server.component import Words
from django_oauth_server.keys.encryption import SHOWN_ONCE, Undecipherable, decrypt, encrypt
from django_oauth_server.registry import default_issuer

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

_COOKIE: Final = "oauth_shown_once"
_SECONDS: Final = 120
"""How long the way from the form to the page may take."""


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
        known = _opened(request, row)
        if known is None:
            self.message_user(
                request, _("This secret has already been shown. It cannot be shown again."), messages.WARNING
            )
            response: HttpResponse = HttpResponseRedirect(_url(self, row, "change"))
        else:
            context = {**self.admin_site.each_context(request), "opts": self.opts, "row": row, "media": self.media}
            context |= {"title": known["title"], "values": [Shown(*value) for value in known["values"]]}
            response = TemplateResponse(request, "admin/django_oauth_server/secret.html", context)
        response.delete_cookie(_COOKIE, path=request.path, samesite="Strict")
        return response

    def show_once(self, request: HttpRequest, row: Model, title: str, *values: Shown) -> HttpResponse:
        """Go to that page. Neither the database, a session nor a message holds what it shows: the browser brings it, encrypted, for a moment."""
        at = _url(self, row, "shown")
        sealed = {
            "for": _bound_to(request, row),
            "title": title,
            "values": [(one.id, str(one.label), one.value) for one in values],
        }
        response = HttpResponseRedirect(at)
        response.set_cookie(
            _COOKIE,
            encrypt(json.dumps(sealed).encode(), default_issuer().settings, purpose=SHOWN_ONCE),
            max_age=_SECONDS,
            path=at,
            secure=request.is_secure(),
            httponly=True,
            samesite="Strict",
        )
        return response


def _opened(request: HttpRequest, row: Model) -> dict[str, Any] | None:
    """What the browser brings for this page; None where it brings nothing, or what is another's."""
    try:
        plain = decrypt(request.COOKIES.get(_COOKIE, ""), default_issuer().settings, purpose=SHOWN_ONCE)
    except Undecipherable:
        return None
    known: dict[str, Any] = json.loads(plain)
    return known if known["for"] == _bound_to(request, row) else None


def _bound_to(request: HttpRequest, row: Model) -> list[str]:
    return [str(request.user.pk), row._meta.label, str(row.pk)]


def _name(modeladmin: ModelAdmin[Any], page: str = "shown") -> str:
    return f"{modeladmin.opts.app_label}_{modeladmin.opts.model_name}_{page}"


def _url(modeladmin: admin.ModelAdmin[Any], row: Model, page: str) -> str:
    return reverse(f"admin:{_name(modeladmin, page)}", args=[quote(row.pk)], current_app=modeladmin.admin_site.name)
