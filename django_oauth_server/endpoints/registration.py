"""Dynamic client registration (RFC 7591) and its management (RFC 7592)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from django.core.checks import CheckMessage, Warning
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import override

from django_oauth_server.clients.self_registration import (
    check_initial_access,
    information,
    managed_client,
    register,
    update,
)
from django_oauth_server.clients.throttling import limit, source_of
from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import bearer_token, json_object, protocol_endpoint
from django_oauth_server.errors import TooManyRequests
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.storage.clients import delete_client
from django_oauth_server.storage.failures import note_failure

_VIEWS: Final = "django_oauth_server.endpoints.registration."


class RegistrationEndpoint(Component):
    """Where clients register themselves, and read, change and end what they registered."""

    name = "registration_endpoint"
    endpoints = (
        Endpoint("register", "oauth/register", f"{_VIEWS}register_client"),
        Endpoint("client_configuration", "oauth/register/<str:client_id>", f"{_VIEWS}manage_client"),
    )
    throttles = {"registration": "20/h"}

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.registration != "off"

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"registration_endpoint": endpoint("register")}

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        if settings.registration == "open":
            yield Warning(
                f"{settings.issuer} lets anyone register a client under any name (RFC 7591 section 5).",
                hint='Set "registration": "protected" to require an initial access token. See "Client registration" in the documentation.',
                id="oauth_server.W007",
            )


@protocol_endpoint(cors=True)
def register_client(http: HttpRequest, issuer: Issuer) -> Answer:
    """RFC 7591 section 3. What is told to clients is in English."""
    now = timezone.now()
    token = check_initial_access(bearer_token(http), issuer, now)
    if token is None:
        _count(http, issuer, now)
    document = json_object(http)
    with override(None):
        return Answer(register(document, issuer, token, now), status=201)


@protocol_endpoint(cors=True, methods=("GET", "HEAD", "PUT", "DELETE"))
def manage_client(http: HttpRequest, issuer: Issuer, client_id: str) -> Answer:
    """RFC 7592 section 2: the client itself, by its registration access token, and nobody else."""
    presented, now = bearer_token(http), timezone.now()
    client = managed_client(client_id, presented, issuer)
    if http.method == "DELETE":
        delete_client(client, now)
        return Answer(status=204)
    if http.method == "PUT":
        document = json_object(http)
        with override(None):
            return Answer(update(client, presented, document, issuer, now))
    return Answer(information(client, issuer, presented))


def _count(http: HttpRequest, issuer: Issuer, now: datetime) -> None:
    """Whoever brings no initial access token, from one address. Raises `TooManyRequests`."""
    if wait := note_failure(limit("registration", issuer, source_of(http, issuer)), now):
        raise TooManyRequests(wait, detail="too many registrations")
