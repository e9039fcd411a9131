"""The server at the root, sign-in, and a protected view of each kind, sync and async."""

import os

from django.contrib import admin
from django.db import transaction
from django.http import JsonResponse
from django.urls import include, path
from django.views import View
from ninja import NinjaAPI
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauth_server.resource import ninja
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource
from django_oauth_server.resource.drf import BearerAuthentication, requires


@protected_resource("notes:read")
def function(request):
    return JsonResponse({"sub": request.auth.subject})


@transaction.non_atomic_requests  # Django asks for it of every async view, where requests are atomic
@protected_resource("notes:read")
async def async_function(request):
    return JsonResponse({"sub": request.auth.subject})


class Class(ProtectedResourceMixin, View):
    required_scopes = ["notes:read"]

    def get(self, request):
        return JsonResponse({"sub": request.auth.subject})


class Rest(APIView):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("notes:read")]

    def get(self, request):
        return Response({"sub": request.auth.subject})


api = NinjaAPI(urls_namespace="deployments")


@api.get("sync", auth=ninja.requires("notes:read"))
def operation(request):
    return {"sub": request.auth.subject}


@api.get("async", auth=ninja.requires("notes:read"))
async def async_operation(request):
    return {"sub": request.auth.subject}


_NINJA = {
    "login_required": (),  # which knows no exemption for its views
    "atomic_requests": ("api/ninja/sync",),  # with which its async views do not go together
}.get(os.environ["DEPLOYMENT"], ("api/ninja/sync", "api/ninja/async"))
PROTECTED = ("api/function", "api/async-function", "api/class", "api/rest", *_NINJA)
machines = [
    path("", include("django_oauth_server.urls")),
    path("api/function", function),
    path("api/async-function", async_function),
    path("api/class", Class.as_view()),
    path("api/rest", Rest.as_view()),
    path("api/ninja/", api.urls),
]
people = [path("admin/", admin.site.urls), path("accounts/", include("django.contrib.auth.urls"))]
urlpatterns = [*machines, *people]
