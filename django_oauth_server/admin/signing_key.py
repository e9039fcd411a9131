"""The keys that sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_oauth_server.admin.lists import (
    IssuerFilter,
    ReadOnlyAdmin,
    badge,
    brief,
    confirmed,
    cut,
    in_words,
    issuer_of,
)
from django_oauth_server.component import Words
from django_oauth_server.keys.rotation import KeysAreFiles, Rotation, rotate_all, withdraw
from django_oauth_server.models import SigningKey
from django_oauth_server.registry import issuers
from django_oauth_server.storage.signing_keys import remove_signing_keys
from django_oauth_server.storage.transaction import atomic

_SAYS = {
    "published": gettext_lazy("Key %(kid)s is published. On %(time)s it takes over signing."),
    "signs": gettext_lazy("Key %(kid)s is published and now used for signing."),
    "promoted": gettext_lazy("Key %(kid)s was already published and is now used for signing."),
    "waiting": gettext_lazy(
        "Key %(kid)s is already published, and on %(time)s it takes over signing. Nothing was changed."
    ),
}


class SigningKeyAdmin(ReadOnlyAdmin):
    """Looked at and rotated; never a private part."""

    list_display = ("key_id", "alg", "state", "published", "signs", "ends")
    list_filter = (IssuerFilter,)
    fields = ("kid", "issuer", "alg", "state", "created_at", "signs_from", "expires_at", "public_jwk")
    readonly_fields = fields
    ordering = ("-signs_from", "-pk")
    change_list_template = "admin/django_oauth_server/keys.html"
    actions = ("withdraw",)

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return self.is_permitted(request, "add")

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return self.is_permitted(request, "delete")

    def buttons(self, row: SigningKey) -> Mapping[str, Words]:
        return {"withdraw": _("Withdraw")}

    @admin.display(description=gettext_lazy("key ID"))
    def key_id(self, row: SigningKey) -> SafeString:
        return cut(row.kid)

    @admin.display(description=gettext_lazy("published"))
    def published(self, row: SigningKey) -> SafeString | str | None:
        return brief(row.created_at)

    @admin.display(description=gettext_lazy("signs from"))
    def signs(self, row: SigningKey) -> SafeString | str | None:
        return brief(row.signs_from)

    @admin.display(description=gettext_lazy("published until"))
    def ends(self, row: SigningKey) -> SafeString | str | None:
        return brief(row.expires_at)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SigningKey]:
        """Each with whether a later one has begun to sign in its place."""
        begun = SigningKey.objects.filter(
            issuer=OuterRef("issuer"), alg=OuterRef("alg"), signs_from__lte=timezone.now()
        )
        rows: QuerySet[SigningKey] = super().get_queryset(request)
        return rows.annotate(is_succeeded=Exists(begun.filter(signs_from__gt=OuterRef("signs_from")))).defer(
            "encrypted_private_jwk"
        )

    @admin.display(description=gettext_lazy("state"))
    def state(self, row: SigningKey) -> SafeString:
        if row.signs_from > timezone.now():
            return badge(_("next"), "waiting")
        if row.is_succeeded:  # type: ignore[attr-defined]
            return badge(_("retired"), "over")
        return badge(_("signing"), "good")

    @admin.action(permissions=["withdraw"], description=gettext_lazy("Withdraw the selected signing keys"))
    def withdraw(self, request: HttpRequest, queryset: QuerySet[SigningKey]) -> HttpResponse | None:
        rows = confirmed(
            self,
            request,
            queryset,
            action="withdraw",
            title=lambda rows: (
                ngettext("Withdraw %(n)d signing key?", "Withdraw %(n)d signing keys?", len(rows)) % {"n": len(rows)}
            ),
            says=_what_withdrawing_ends,
            button=gettext_lazy("Withdraw"),
        )
        if not isinstance(rows, list):
            return rows
        try:
            with atomic():
                self.log_deletions(request, queryset)
                for row in rows:
                    self._withdraw(request, row)
        except KeysAreFiles as exc:
            self.message_user(request, str(exc), messages.ERROR)
        return None

    def _withdraw(self, request: HttpRequest, row: SigningKey) -> None:
        issuer = issuer_of(row)
        if issuer is None:
            remove_signing_keys([row])
            successor = None
        else:
            successor = withdraw(row, issuer, now=timezone.now())
        self.message_user(request, _("Key %(kid)s was withdrawn.") % {"kid": row.kid})
        if successor:
            self.log_change_of(request, [successor], _("Took over from a key that was withdrawn."))
            self.message_user(request, _("Key %(kid)s is now used for signing.") % {"kid": successor.kid})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.rotate_view)
        return [path("rotate/", view, name="django_oauth_server_signingkey_rotate"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        offers = {"offers_rotation": self.has_rotate_permission(request)}
        return super().changelist_view(request, {**offers, **(extra_context or {})})

    def rotate_view(self, request: HttpRequest) -> HttpResponse:
        """Asks first; then publishes the next keys of the issuer that was chosen."""
        if not self.has_rotate_permission(request):
            raise PermissionDenied
        chosen = next((issuer for issuer in issuers() if str(issuer) == request.POST.get("issuer")), None)
        if chosen is None:
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Rotate the signing key?"),
                "issuers": issuers(),
            }
            return TemplateResponse(request, "admin/django_oauth_server/rotate.html", context)
        try:
            rotations = rotate_all(chosen, now=timezone.now())
        except KeysAreFiles as exc:
            messages.error(request, str(exc))
        else:
            for rotation in rotations:
                self._report(request, rotation)
        return HttpResponseRedirect(
            reverse("admin:django_oauth_server_signingkey_changelist", current_app=self.admin_site.name)
        )

    def _report(self, request: HttpRequest, rotation: Rotation) -> None:
        key = rotation.key
        if rotation.outcome != "waiting":
            self.log_addition(request, key, _("Rotated."))
        messages.success(request, _SAYS[rotation.outcome] % {"kid": key.kid, "time": in_words(key.signs_from)})


def _what_withdrawing_ends(rows: list[SigningKey]) -> Iterable[str]:
    return [
        _("Withdraw a key if someone else may have its private part. To change keys as a precaution, rotate them."),
        _(
            "Tokens signed with a withdrawn key are refused: here within a minute, and elsewhere as soon as the "
            "resource server fetches the keys again. Apps with a refresh token get new access tokens automatically."
        ),
        _(
            "If the key is in use, a new one takes over immediately. Until resource servers have fetched it, they "
            "may refuse new tokens as well."
        ),
    ]
