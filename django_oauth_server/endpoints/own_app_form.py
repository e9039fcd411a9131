"""The form in which somebody describes an app of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms import BoundField

from django_oauth_server.clients.fields import LinesField, ScopeField
from django_oauth_server.clients.kinds import Kind
from django_oauth_server.clients.own_apps import members_asked, review_app, scopes_offered, usual_scope
from django_oauth_server.component import Member
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


class OwnAppForm(forms.Form):
    """Has a field for each member that is asked of an app of its kind. `metadata` is the document once it is valid."""

    use_required_attribute = True

    def __init__(self, app: Client, kind: Kind, issuer: Issuer, data: Any = None) -> None:
        usual = usual_scope(app, issuer)
        super().__init__(data, initial={"scope": usual} if app._state.adding else app.metadata)
        self.app, self.kind, self.issuer = app, kind, issuer
        self.metadata: dict[str, object] = {}
        for name, member in members_asked(kind, issuer).items():
            required = name in kind.required or (name == "scope" and not usual)
            self.fields[name] = _field(member, app, issuer, required=required)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        entered = {name: cleaned[name] for name in self.fields if cleaned.get(name)}
        try:
            self.metadata, refusals = review_app(self.app, self.kind, entered, self.issuer)
        except TemporarilyUnavailable as exc:
            raise forms.ValidationError(exc.description) from exc
        for member, rule in refusals.items():
            if member not in self.errors:
                self.add_error(member if member in self.fields else None, rule)
        return cleaned

    def boxes(self) -> Iterator[BoundField]:
        """The fields with a choice of several."""
        return (self[name] for name, field in self.fields.items() if isinstance(field, ScopeField))

    def texts(self) -> Iterator[BoundField]:
        """All others."""
        return (self[name] for name, field in self.fields.items() if not isinstance(field, ScopeField))


def _field(member: Member, app: Client, issuer: Issuer, *, required: bool) -> forms.Field:
    told: dict[str, Any] = {"label": member.label, "help_text": member.help, "required": required}
    if member.kind == "scope":
        return ScopeField(choices=[*scopes_offered(app, issuer).items()], **told)
    if member.kind in {"uris", "texts"}:
        return LinesField(widget=forms.Textarea(attrs=_as_typed(member) | {"rows": 3}), **told)
    return forms.CharField(widget=forms.TextInput(attrs=_as_typed(member)), **told)


def _as_typed(member: Member) -> dict[str, Any]:
    """How a browser takes it: an address is written from left to right, and nothing in it is corrected."""
    return {"dir": "ltr", "spellcheck": "false", "autocapitalize": "off"} if member.kind in {"uri", "uris"} else {}
