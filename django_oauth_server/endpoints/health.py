"""What a load balancer asks before it sends requests here."""

from __future__ import annotations

from django.http import HttpRequest

from django_oauth_server.component import Component, Endpoint
from django_oauth_server.endpoints.http import protocol_endpoint
from django_oauth_server.issuer import Issuer
from django_oauth_server.protocol.answer import Answer
from django_oauth_server.storage.readiness import ask_to_write


class HealthEndpoint(Component):
    """Says whether tokens could be issued now. Metadata always answers, and so says nothing of that."""

    name = "health"
    endpoints = (Endpoint("health", "oauth/health", "django_oauth_server.endpoints.health.health"),)


@protocol_endpoint(cors=False, methods=("GET", "HEAD"))
def health(http: HttpRequest, issuer: Issuer) -> Answer:
    """503 with `temporarily_unavailable` where the database does not answer, or only reads."""
    ask_to_write()
    return Answer({"status": "ok"})
