"""The public keys of the issuer (RFC 7517 section 5; `jwks_uri` of RFC 8414 section 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import protocol_endpoint
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys import signing
from django_oauth_server.keys.files import FileKeys
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.protocol.log import get_log
from django_oauth_server.storage.transaction import retry_conflicts

logger = get_log("django_oauth_server")

_MEANWHILE: Final = 10
"""Seconds for which a key set from memory may be kept."""


class JWKSEndpoint(Component):
    """Where resource servers find the keys that access tokens are verified with."""

    name = "jwks"
    endpoints = (Endpoint("jwks", "oauth/jwks", "django_oauth_server.endpoints.jwks.jwks"),)

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"jwks_uri": endpoint("jwks")}

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        try:
            FileKeys(settings).ring()
        except ImproperlyConfigured as exc:
            yield Error(str(exc), id="oauth_server.E003")


@protocol_endpoint(cors=True, methods=("GET", "HEAD"))
def jwks(http: HttpRequest, issuer: Issuer) -> Answer:
    """Caches may keep it for a quarter of the time that a new key is published before it signs.

    While the database does not answer it is what this process knows, which caches may keep for a moment only: tokens that are out must not stop
    working at other servers because this one has an outage.
    """
    try:
        published, max_age = (
            retry_conflicts(lambda: signing.jwks(issuer)),
            _quarter(issuer.settings.key_publication_lead),
        )
    except TemporarilyUnavailable as exc:
        remembered = signing.remembered_jwks(issuer)
        if remembered is None:
            raise
        logger.warning("%s is served from memory: %s", http.path, exc)
        published, max_age = remembered, _MEANWHILE
    return Answer(published, headers={"Cache-Control": f"public, max-age={max_age}"})


def _quarter(lead: timedelta) -> int:
    return int(lead.total_seconds() // 4)
