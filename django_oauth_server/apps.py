"""The Django app."""

from django.apps import AppConfig
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _


class DjangoOAuthServerConfig(AppConfig):
    name = "django_oauth_server"
    label = "django_oauth_server"
    verbose_name = _("OAuth server")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_oauth_server import checks  # noqa: F401 - registers the system checks
        from django_oauth_server.logout import triggers
        from django_oauth_server.registry import BUILT_IN
        from django_oauth_server.storage.revocations import note_users

        note_users()
        triggers.note_users()
        for component in BUILT_IN:  # or the first request would import them, perhaps in an event loop
            import_string(component)
