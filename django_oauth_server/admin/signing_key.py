"""The keys that sign."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_oauth_server.admin.lists import QuickAdmin, badge
from django_oauth_server.conf.moments import local
from django_oauth_server.keys.rotation import KeysAreFiles, Rotation, rotate_all
from django_oauth_server.models import SigningKey
from django_oauth_server.registry import issuers

_SAYS = {
    "published": gettext_lazy("Key %(kid)s is published. It starts signing at %(time)s."),
    "signs": gettext_lazy("Key %(kid)s is published and now used for signing."),
    "promoted": gettext_lazy("Key %(kid)s was already published and is now used for signing."),
    "waiting": gettext_lazy("Key %(kid)s is already published. It starts signing at %(time)s. Nothing was changed."),
}


class SigningKeyAdmin(QuickAdmin):
    """Looked at and rotated; never a private part."""

    list_display = ("kid", "issuer", "alg", "state", "created_at", "signs_from", "expires_at")
    fields = ("kid", "issuer", "alg", "state", "created_at", "signs_from", "expires_at", "public_jwk")
    readonly_fields = fields
    ordering = ("-signs_from", "-pk")
    change_list_template = "admin/django_oauth_server/keys.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SigningKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SigningKey | None = None) -> bool:
        return False

    def has_rotate_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request)

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
        time = date_format(local(key.signs_from), "DATETIME_FORMAT")
        messages.success(request, _SAYS[rotation.outcome] % {"kid": key.kid, "time": time})
