"""One protected resource by every mechanism, beside the authorization server."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource
from django_oauth_server.resource.requirement import requires

REQUIREMENT = requires("notes:write", caller="person", acr_values=["phr"], max_age=timedelta(minutes=5))
TOLD = {"text": "milk"}


class RestView(APIView):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires(REQUIREMENT)]

    def post(self, request: Request) -> Response:
        return Response(TOLD)


class RestViewSet(ViewSet):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires_by_action(create=REQUIREMENT)]

    def create(self, request: Request) -> Response:
        return Response(TOLD)


@api_view(["POST"])
@authentication_classes([drf.BearerAuthentication])
@permission_classes([drf.requires_by_method(POST=REQUIREMENT)])
def rest_function(request: Request) -> Response:
    return Response(TOLD)


@protected_resource(REQUIREMENT)
def function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(TOLD)


@protected_resource(REQUIREMENT)
async def async_function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(TOLD)


class ClassView(ProtectedResourceMixin):
    requirement = REQUIREMENT

    def post(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(TOLD)


class AsyncClassView(ProtectedResourceMixin):
    requirement = REQUIREMENT

    async def post(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(TOLD)


api = NinjaAPI(urls_namespace="refusals")


@api.post("sync", auth=ninja.requires(REQUIREMENT))
def ninja_operation(request: HttpRequest) -> dict[str, str]:
    return TOLD


@api.post("async", auth=ninja.requires(REQUIREMENT))
async def ninja_async_operation(request: HttpRequest) -> dict[str, str]:
    return TOLD


@csrf_exempt
def plain(request: HttpRequest) -> JsonResponse:
    return JsonResponse(TOLD)


@csrf_exempt
async def plain_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse(TOLD)


urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("rest-view", RestView.as_view()),
    path("rest-viewset", RestViewSet.as_view({"post": "create"})),
    path("rest-function", rest_function),
    path("function", function),
    path("async-function", async_function),
    path("class", ClassView.as_view()),
    path("async-class", AsyncClassView.as_view()),
    path("ninja/", api.urls),
    path("prefix/sync", plain),
    path("prefix/async", plain_async),
]
