"""The same protected resource by each mechanism, and requirements beside other permissions."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import requirement
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource
from django_oauth_server.resource.drf import BearerAuthentication, requires
from tests.resource.verifiers import MAIL


def seen(request: HttpRequest | Request) -> dict[str, object]:
    user = request.user
    return {
        "client": request.auth.client_id,
        "user": user.get_username() if user and user.is_authenticated else None,
        "body": request.body.decode() if isinstance(request, HttpRequest) else request.data,
        "form": request.POST.dict() if isinstance(request, HttpRequest) else None,
    }


class RestView(APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("notes:read")]

    def get(self, request: Request) -> Response:
        return Response(seen(request))

    post = put = patch = get


@api_view(["GET", "POST", "PUT", "PATCH"])
@authentication_classes([BearerAuthentication])
@permission_classes([requires("notes:read")])
def rest_function(request: Request) -> Response:
    return Response(seen(request))


@protected_resource("notes:read")
def function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request))


class ClassView(ProtectedResourceMixin):
    required_scopes = ["notes:read"]

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(seen(request))

    post = put = patch = get


@protected_resource("notes:read")
async def async_function(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"auser": await username(request)} | seen(request))


class AsyncClassView(ProtectedResourceMixin):
    requirement = requirement.requires("notes:read")

    async def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"auser": await username(request)} | seen(request))

    async def post(self, request: HttpRequest) -> JsonResponse:
        return await self.get(request)

    async def put(self, request: HttpRequest) -> JsonResponse:
        return await self.get(request)

    async def patch(self, request: HttpRequest) -> JsonResponse:
        return await self.get(request)


async def username(request: HttpRequest) -> str:
    return (await request.auser()).get_username()


@protected_resource(requirement.requires("notes:read") | requirement.requires("admin"), audience=MAIL)
def mail(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request))


@protected_resource()
def any_token(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request))


@protected_resource()
def untouched(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


urlpatterns = [
    path("untouched", untouched),
    path("rest-view", RestView.as_view()),
    path("rest-function", rest_function),
    path("function", function),
    path("class", ClassView.as_view()),
    path("async-function", async_function),
    path("async-class", AsyncClassView.as_view()),
    path("mail", mail),
    path("any-token", any_token),
]
