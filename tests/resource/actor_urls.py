"""One resource by each mechanism, for a service that acts for another; and one for those alone for whom nobody acts."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.token import VerifiedToken


def told(token: VerifiedToken) -> dict[str, object]:
    return {"subject": token.subject, "actor": str(token.actor), "act": token.claims.get("act")}


@protected_resource("notes:read", actor=["orders"])
def stock(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(request.auth))


@protected_resource("notes:read", actor=["orders"])
async def async_stock(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(request.auth))


@protected_resource("notes:read", delegated=False)
def direct(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(request.auth))


@protected_resource("notes:read")
def silent(request: HttpRequest) -> JsonResponse:
    return JsonResponse(told(request.auth))


class RestStock(APIView):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires("notes:read", actor=["orders"])]

    def get(self, request: Request) -> Response:
        return Response(told(request.auth))


api = NinjaAPI(urls_namespace="actors", docs_url=None)


@api.get("stock", auth=ninja.requires("notes:read", actor=["orders"]))
def ninja_stock(request: HttpRequest) -> dict[str, object]:
    return told(request.auth)


urlpatterns = [
    path("stock", stock),
    path("async-stock", async_stock),
    path("rest-stock", RestStock.as_view()),
    path("ninja/", api.urls),
    path("direct", direct),
    path("silent", silent),
]
