"""Initial access tokens: made for who may register clients, and ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.admin.lists import IssuerFilter, badge, brief, cut
from django_oauth_server.admin.shown_once import Shown, ShowsOnce
from django_oauth_server.clients.self_registration import new_initial_access_token
from django_oauth_server.component import Words
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.registry import issuer_named, issuers

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[InitialAccessToken]
else:
    _ModelForm = forms.ModelForm

_KNOWN = ("used", "created_by", "created_at")


def _profiles() -> list[tuple[str, Words]]:
    """Those of any issuer: which one it is for is chosen on the same form."""
    names = dict.fromkeys(name for issuer in issuers() for name in issuer.settings.profiles)
    return [("", gettext_lazy("Same as the issuer")), *((name, name) for name in names)]


class InitialAccessTokenForm(_ModelForm):
    """Issuers and profiles are those of the settings."""

    issuer = forms.ChoiceField(
        label=gettext_lazy("Issuer"),
        choices=lambda: [(str(issuer), issuer.settings.name) for issuer in issuers()],
        help_text=gettext_lazy(
            "The authorization server that accepts this token. Its “registration” setting must not be “off”."
        ),
    )
    profile = forms.ChoiceField(
        label=gettext_lazy("Security profile"),
        choices=_profiles,
        required=False,
        help_text=gettext_lazy(
            "Security profile of clients registered with this token. It can only make the issuer's rules stricter."
        ),
    )

    def clean_uses(self) -> int | None:
        uses: int | None = self.cleaned_data["uses"]
        if self.instance._state.adding and uses == 0:
            raise forms.ValidationError(_("Enter at least 1."))
        return uses

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        profile, issuer = cleaned.get("profile"), cleaned.get("issuer")
        if profile and issuer and profile not in issuer_named(issuer).settings.profiles:
            raise forms.ValidationError({"profile": _("This issuer has no such profile.")})
        return cleaned

    def clean_expires_at(self) -> datetime | None:
        expires_at: datetime | None = self.cleaned_data["expires_at"]
        if self.instance._state.adding and expires_at and expires_at <= timezone.now():
            raise forms.ValidationError(_("Enter a time in the future."))
        return expires_at


class InitialAccessTokenAdmin(ShowsOnce):
    """Its value is shown once. What was registered with it stays when it ends."""

    form = InitialAccessTokenForm
    list_display = ("name", "state", "clients", "expires", "maker", "created")
    list_filter = (IssuerFilter, "is_active")
    list_select_related = ("created_by",)
    search_fields = ("label",)

    @admin.display(description=gettext_lazy("label"))
    def name(self, row: InitialAccessToken) -> SafeString:
        return cut(row.label)

    @admin.display(description=gettext_lazy("clients"))
    def clients(self, row: InitialAccessToken) -> str:
        return str(row.used) if row.uses is None else _("%(used)d of %(uses)d") % {"used": row.used, "uses": row.uses}

    @admin.display(description=gettext_lazy("expires"))
    def expires(self, row: InitialAccessToken) -> SafeString | str | None:
        return brief(row.expires_at)

    @admin.display(description=gettext_lazy("created by"))
    def maker(self, row: InitialAccessToken) -> SafeString | None:
        return cut(row.created_by) if row.created_by else None

    @admin.display(description=gettext_lazy("created"))
    def created(self, row: InitialAccessToken) -> SafeString | str | None:
        return brief(row.created_at)

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: InitialAccessToken) -> SafeString:
        if not row.is_active:
            return badge(_("disabled"), "over")
        if row.is_expired(timezone.now()):
            return badge(_("expired"), "over")
        return badge(_("used up"), "over") if row.is_used_up else badge(_("valid"), "good")

    def get_fields(self, request: HttpRequest, obj: InitialAccessToken | None = None) -> Any:
        chosen = ("label", "uses", "expires_at", "profile", "allow_client_credentials")
        return ("issuer", *chosen) if obj is None else ("issuer", "state", "is_active", *chosen, *_KNOWN)

    def get_readonly_fields(self, request: HttpRequest, obj: InitialAccessToken | None = None) -> tuple[str, ...]:
        return () if obj is None else ("issuer", "state", *_KNOWN)

    def save_model(self, request: HttpRequest, obj: InitialAccessToken, form: Any, change: bool) -> None:
        if change:
            obj.save(update_fields=form.changed_data)  # what is counted meanwhile stays counted
            return
        obj.created_by_id = request.user.pk
        obj.value_once = new_initial_access_token(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: InitialAccessToken, post_url_continue: str | None = None
    ) -> HttpResponse:
        title = _("Initial access token %(label)s") % {"label": obj.label}
        value = Shown("initial-access-token", _("Initial access token"), obj.value_once)  # type: ignore[attr-defined]
        return self.show_once(request, obj, title, value)
