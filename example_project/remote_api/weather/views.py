"""What the weather is. The declarations are all that protects it."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource


@require_GET
@protected_resource("weather:read")
def today(request: HttpRequest) -> JsonResponse:
    """For whoever may see the weather."""
    return JsonResponse({"sky": "rain", "told": request.auth.subject or request.auth.client_id})


class Forecast(ProtectedResourceMixin):
    """The same for a city, as a class."""

    required_scopes = ["weather:read"]

    def get(self, request: HttpRequest, city: str) -> JsonResponse:
        return JsonResponse({"city": city, "sky": "more rain"})
