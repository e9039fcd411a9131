"""OpenID Provider metadata (OpenID Connect Discovery section 4): the same document, where relying parties look for it."""

from __future__ import annotations

from django_oauth_server.component import WELL_KNOWN, Component, Endpoint
from django_oauth_server.conf import IssuerSettings

_VIEW = "django_oauth_server.endpoints.metadata.metadata"


class OpenIDConfiguration(Component):
    """Of an issuer with a path, some look for it before the path (RFC 8414 section 3.1), some behind (Discovery section 4.1)."""

    name = "openid_configuration"
    endpoints = (
        Endpoint("openid_configuration", f"{WELL_KNOWN}openid-configuration", _VIEW),
        Endpoint("openid_configuration_before_path", "openid-configuration", _VIEW, well_known=True),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid
