"""How clients came, as a filter and as a page that says what limits each way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.clients.origins import ORIGINS
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


class OriginFilter(admin.SimpleListFilter):
    """Those who came one way."""

    title = gettext_lazy("registration")
    parameter_name = "registered_by__exact"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, Any]]:
        return [(one.name, one.label) for one in ORIGINS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        chosen = next((one for one in ORIGINS if one.name == self.value()), None)
        return queryset.filter(chosen.clients) if chosen else queryset


def described(issuer: Issuer) -> Mapping[str, Any]:
    """What the page says of *issuer*: each way with the values of its settings, and what limits every client."""
    settings = issuer.settings
    limits = {one.name: one.limits(settings) for one in ORIGINS}
    own = {name for some in limits.values() for name in some}
    return {
        "name": settings.name,
        "issuer": str(issuer),
        "origins": [
            {
                "words": one.label,
                "sentence": one.sentence,
                "query": f"{OriginFilter.parameter_name}={one.name}",
                "limits": {name: in_words(value) for name, value in limits[one.name].items()},
            }
            for one in ORIGINS
        ],
        "throttles": {
            name: in_words(rate)
            for name, rate in sorted((f"throttles: {name}", rate) for name, rate in settings.throttles.items())
            if name not in own
        },
    }


def in_words(value: object) -> str:
    """The value of a setting. What is empty is a dash: of some settings that is everything, of others nothing."""
    match value:
        case None:
            return _("no limit")
        case bool():
            return _("yes") if value else _("no")
        case tuple() | list() | frozenset():
            return ", ".join(map(str, value)) or "–"
        case timedelta():
            return str(value)
        case _:
            return str(value) or "–"
