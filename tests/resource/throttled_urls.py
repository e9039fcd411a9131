"""The same throttled resource by REST framework and django-ninja."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import drf_throttling, ninja_throttling
from django_oauth_server.resource.admission import aidentify, identify
from django_oauth_server.resource.drf import BearerAuthentication
from django_oauth_server.resource.token import VerifiedToken


class ByClient(drf_throttling.ClientRateThrottle):
    rate = "2/m"


class Burst(drf_throttling.ClientRateThrottle):
    rate = "1/s"


class ByUserAndClient(drf_throttling.UserClientRateThrottle):
    rate = "2/m"


class ByAuthorization(drf_throttling.AuthorizationRateThrottle):
    rate = "2/m"


class ByScope(drf_throttling.ClientRateThrottle):
    THROTTLE_RATES = {"oauth_client": "2/m"}


class Unlimited(drf_throttling.ClientRateThrottle):
    THROTTLE_RATES = {"oauth_client": None}


class Rest(APIView):
    authentication_classes = [BearerAuthentication]

    def get(self, request: Request) -> Response:
        return Response({})


def rest(*throttles: type) -> Any:
    return Rest.as_view(throttle_classes=throttles)


def holder(request: HttpRequest) -> Any:
    """The token, or a truth that is none: the operation is open."""
    outcome = identify(request)
    return outcome if isinstance(outcome, VerifiedToken) else "nobody"


async def async_holder(request: HttpRequest) -> Any:
    outcome = await aidentify(request)
    return outcome if isinstance(outcome, VerifiedToken) else "nobody"


class NinjaByScope(ninja_throttling.ClientRateThrottle):
    THROTTLE_RATES = {"oauth_client": "2/m"}


class NinjaUnlimited(ninja_throttling.ClientRateThrottle):
    THROTTLE_RATES = {"oauth_client": None}


api = NinjaAPI(urls_namespace="throttled", auth=holder)


def operation(name: str, *throttles: Any) -> None:
    @api.get(name, throttle=list(throttles))
    def answer(request: HttpRequest) -> dict[str, Any]:
        return {}


operation("client", ninja_throttling.ClientRateThrottle("2/m"))
operation("user-client", ninja_throttling.UserClientRateThrottle("2/m"))
operation("authorization", ninja_throttling.AuthorizationRateThrottle("2/m"))
operation("scope", NinjaByScope())
operation("unlimited", NinjaUnlimited())
operation("both", ninja_throttling.ClientRateThrottle("1/s"), ninja_throttling.ClientRateThrottle("2/m"))


@api.get("async", auth=async_holder, throttle=ninja_throttling.ClientRateThrottle("2/m"))
async def async_operation(request: HttpRequest) -> dict[str, Any]:
    return {}


urlpatterns = [
    path("rest/client", rest(ByClient)),
    path("rest/user-client", rest(ByUserAndClient)),
    path("rest/authorization", rest(ByAuthorization)),
    path("rest/scope", rest(ByScope)),
    path("rest/unlimited", rest(Unlimited)),
    path("rest/both", rest(Burst, ByClient)),
    path("ninja/", api.urls),
]
