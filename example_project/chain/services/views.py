"""What each service does. The declarations say who may call it, and for whom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from django_oauth_server.resource.django import protected_resource
from services.calling import CallFailed, call

logger = logging.getLogger("services")
View = Callable[[HttpRequest], JsonResponse]


def reporting(view: View) -> View:
    """*view*, which says who was called by whom, and answers 502 where the next service, or the issuer, refuses or is away."""

    @wraps(view)
    def reported(request: HttpRequest) -> JsonResponse:
        logger.info("called for %s by %s, acting: %s", request.auth.subject, request.auth.client_id, request.auth.actor)
        try:
            return view(request)
        except CallFailed as exc:
            logger.warning("%s", exc)
            return JsonResponse({"service": settings.SERVICE, "error": exc.error}, status=502)

    return reported


@require_GET
@protected_resource("orders:read", caller="person", delegated=False)
@reporting
def shop(request: HttpRequest) -> JsonResponse:
    """For people's own apps."""
    return JsonResponse({**_seen(request), "orders": call("orders", request, "orders:read stock:read")})


@require_GET
@protected_resource("orders:read", caller="person", actor=["shop"])
@reporting
def orders(request: HttpRequest) -> JsonResponse:
    """For the shop, which acts for a person."""
    return JsonResponse({**_seen(request), "stock": call("stock", request, "stock:read")})


@require_GET
@protected_resource("stock:read", caller="person", actor=["orders"])
@reporting
def stock(request: HttpRequest) -> JsonResponse:
    """For orders, which acts for a person. Who acted before, here the shop, is told for the record."""
    return JsonResponse({**_seen(request), "left": 3})


def _seen(request: HttpRequest) -> dict[str, object]:
    token = request.auth
    return {
        "service": settings.SERVICE,
        "for": token.subject,
        "client": token.client_id,
        "acting": [one.subject for one in token.actor.chain()] if token.actor else [],
        "scopes": sorted(token.scopes),
    }
