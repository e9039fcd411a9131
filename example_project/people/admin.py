"""The profile on the page of its person."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest
from django.utils import timezone

from people.models import Profile


class ProfileInline(admin.StackedInline):
    model = Profile
    exclude = ["updated_at"]


admin.site.unregister(get_user_model())


@admin.register(get_user_model())
class PersonAdmin(UserAdmin):
    inlines = [ProfileInline]

    def save_related(self, request: HttpRequest, form: object, formsets: object, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        Profile.objects.filter(user=form.instance).update(updated_at=timezone.now())
