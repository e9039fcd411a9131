"""The public keys of the issuer (RFC 7517 section 5; `jwks_uri` of RFC 8414 section 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import patient, public_document
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys import signing
from django_oauth_server.keys.files import FileKeys


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


@patient
@csrf_exempt  # a POST is refused for its method, not for a missing cookie
@public_document
def jwks(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """Caches may keep it for a quarter of the time that a new key is published before it signs."""
    max_age = int(issuer.settings.key_publication_lead.total_seconds() // 4)
    return JsonResponse(signing.jwks(issuer), headers={"Cache-Control": f"public, max-age={max_age}"})
