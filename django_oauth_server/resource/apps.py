"""The resource server's Django app: no tables."""

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class ResourceServerConfig(AppConfig):
    name = "django_oauth_server.resource"
    label = "django_oauth_server_resource"
    verbose_name = _("OAuth resource server")

    def ready(self) -> None:
        from django_oauth_server.resource import (
            checks,  # noqa: F401 - registers the system checks
            conf,
        )

        if apps.is_installed("drf_spectacular"):
            from django_oauth_server.resource import spectacular  # noqa: F401 - registers the security scheme

        conf.load(), conf.bindings()  # a mistake in the setting shows at start-up, not at the first request
