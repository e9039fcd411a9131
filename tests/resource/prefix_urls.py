"""The same, with views that ask for tokens, for sessions, or for both."""

from __future__ import annotations

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import include, path
from ninja import NinjaAPI
from ninja.security import django_auth
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource.django import protected_resource
from tests.resource import middleware_urls
from tests.resource.middleware_urls import who
from tests.resource.urls import seen


@protected_resource()
def asking(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request))


@protected_resource()
async def asking_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request) | {"auser": (await request.auser()).get_username()})


class SessionView(APIView):
    authentication_classes = [SessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})

    post = get


ninja_api = NinjaAPI(urls_namespace="below-a-prefix", auth=django_auth)
ninja_api.get("who")(who)


def failing(request: HttpRequest) -> JsonResponse:
    raise Http404


asked = [
    path("asking", asking),
    path("asking-async", asking_async),
    path("login", login_required(who)),
    path("staff", staff_member_required(who, login_url="/login")),
    path("session", SessionView.as_view()),
    path("ninja/", ninja_api.urls),
    path("missing", failing),
]
urlpatterns = [path("api/", include(asked)), *middleware_urls.urlpatterns]
