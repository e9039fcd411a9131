"""Who the people of trusted issuers are here: linked, and unlinked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.admin.lists import Lead, QuickAdmin, brief, cut
from django_oauth_server.conf.trusted_issuers import (
    LONGEST_NAME,
    TrustedIssuer,
    is_name,
    named_with_tenant,
    trusted_with_people,
)
from django_oauth_server.models.linked_identity import LinkedIdentity, digest_of_identity
from django_oauth_server.registry import issuers
from django_oauth_server.storage.linked_identities import count_vouched_for, find_identity, unlink

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[LinkedIdentity]
else:
    _ModelForm = forms.ModelForm


def _trusted() -> Mapping[str, TrustedIssuer]:
    return trusted_with_people(issuer.settings for issuer in issuers())


class LinkedIdentityForm(_ModelForm):
    """The issuers are those of the settings."""

    known_by = forms.ChoiceField(
        label=gettext_lazy("Issuer"),
        choices=lambda: [(name, name) for name in _trusted()],
        help_text=gettext_lazy("Issuers are added in the setting “trusted_issuers”."),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=LONGEST_NAME,
        strip=False,
        help_text=gettext_lazy("The “sub” claim of the issuer's assertions. It must match exactly."),
    )

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        if not is_name(subject):
            raise forms.ValidationError(_("Enter printable characters only."))
        return subject

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        trusted, subject = _trusted().get(cleaned.get("known_by", "")), cleaned.get("subject")
        if trusted and subject:
            if found := find_identity(trusted.issuer, trusted.tenant, subject):
                words = _("This subject is already linked to %(user)s.") % {"user": found.user}
                raise forms.ValidationError({"subject": words})
            self.instance.issuer, self.instance.tenant = trusted.issuer, trusted.tenant
            self.instance.digest = digest_of_identity(trusted.issuer, trusted.tenant, subject)
        return cleaned


class LinkedIdentityAdmin(QuickAdmin):
    """A link is made and removed, and never changed: what it allowed ends with it."""

    form = LinkedIdentityForm
    list_display = ("name", "issuer_name", "person", "found", "since")
    list_select_related = ("user",)
    search_fields = ("subject",)  # that there is a search; `get_search_results` does it
    search_help_text = gettext_lazy("Enter a complete username or subject.")
    raw_id_fields = ("user",)
    sortable_by = ()

    @admin.display(description=gettext_lazy("subject"))
    def name(self, row: LinkedIdentity) -> SafeString:
        return cut(row.subject)

    @admin.display(description=gettext_lazy("issuer"))
    def issuer_name(self, row: LinkedIdentity) -> SafeString:
        return cut(named_with_tenant(row.issuer, row.tenant))

    @admin.display(description=gettext_lazy("user"))
    def person(self, row: LinkedIdentity) -> SafeString:
        return cut(row.user)

    @admin.display(description=gettext_lazy("linked by"))
    def found(self, row: LinkedIdentity) -> str:
        return _("email address") if row.is_by_email else _("operator")

    @admin.display(description=gettext_lazy("since"))
    def since(self, row: LinkedIdentity) -> SafeString | str | None:
        return brief(row.created_at)

    def get_fields(self, request: HttpRequest, obj: LinkedIdentity | None = None) -> Any:
        return ("known_by", "subject", "user") if obj is None else ("issuer_name", "name", "person", "found", "since")

    def get_readonly_fields(self, request: HttpRequest, obj: LinkedIdentity | None = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: LinkedIdentity | None = None) -> bool:
        return False

    def leads(self, request: HttpRequest, row: LinkedIdentity) -> Iterable[Lead | None]:
        return (self.lead_to(request, row.user, _("User")),)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LinkedIdentity], search_term: str
    ) -> tuple[QuerySet[LinkedIdentity], bool]:
        """In full, so that an index finds it."""
        if not search_term:
            return queryset, False
        users = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: search_term})
        digests = [digest_of_identity(one.issuer, one.tenant, search_term) for one in _trusted().values()]
        return queryset.filter(Q(user__in=users) | Q(digest__in=digests)), False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The page that asks says what ends with the links."""
        to_delete, counts, perms, protected = super().get_deleted_objects(objs, request)
        ended = sum(count_vouched_for(one) for one in objs)
        counts[_("authorizations that end")] = ended
        return to_delete, counts, perms, protected

    def delete_model(self, request: HttpRequest, obj: LinkedIdentity) -> None:
        unlink([obj], timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[LinkedIdentity]) -> None:
        unlink(queryset, timezone.now())
