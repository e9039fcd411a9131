"""What `manage.py check` finds in REST framework views."""

from __future__ import annotations

import pytest
from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import (
    AllowAny,
    BasePermission,
    IsAdminUser,
    IsAuthenticated,
    IsAuthenticatedOrReadOnly,
)
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_oauth_server.resource.drf import (
    BearerAuthentication,
    SignedIn,
    requires,
    requires_by_action,
    requires_by_method,
)
from tests.resource.test_checks import found

pytestmark = pytest.mark.django_db

READ = requires("notes:read")


class Mine(BearerAuthentication):
    pass


class OfTheRequest(BasePermission):
    def has_permission(self, request, view):
        return request.resolver_match.kwargs["pk"] == request.user.pk


class Notes(APIView):
    authentication_classes = [SessionAuthentication, Mine]

    def get(self, request):
        return Response()

    post = get


class NoteSet(ViewSet):
    authentication_classes = [BearerAuthentication]

    def list(self, request):
        return Response()

    create = retrieve = list

    @action(detail=False, methods=["post"])
    def publish(self, request):
        return Response()

    @publish.mapping.delete
    def withdraw(self, request):
        return Response()

    def get_queryset(self):
        return []


def routed(settings, *patterns):
    settings.ROOT_URLCONF = patterns


def view(settings, *permissions, **initkwargs):
    routed(settings, path("notes", Notes.as_view(permission_classes=list(permissions), **initkwargs)))


def viewset(settings, permission, kind=NoteSet):
    router = SimpleRouter()
    router.register("notes", type("Set", (kind,), {"permission_classes": [permission]}), basename="notes")
    routed(settings, path("", include(router.urls)), path("again/", include(router.urls)))


@pytest.mark.parametrize(
    "permissions",
    [
        [IsAuthenticated],
        [IsAdminUser],
        [IsAuthenticated | READ],
        [READ | IsAuthenticated],
        [IsAdminUser | READ],
        [(READ & IsAuthenticated) | IsAdminUser],
        [SignedIn | IsAdminUser],
        [IsAuthenticatedOrReadOnly],
        [OfTheRequest],
        [IsAuthenticated, OfTheRequest],
        [IsAdminUser | requires_by_method(GET="notes:read")],
    ],
)
def test_a_view_that_reads_tokens_and_requires_nothing_of_them_is_told(settings, permissions):
    view(settings, *permissions)
    (line,) = found()["W010"]
    assert line.startswith("tests.resource.test_rest_checks.Notes accepts tokens")
    assert "SignedIn | requires" in line


@pytest.mark.parametrize(
    "permissions",
    [
        [READ],
        [requires()],
        [~READ],
        [IsAuthenticated, READ],
        [IsAuthenticated & READ],
        [SignedIn],
        [SignedIn | READ],
        [(SignedIn & IsAdminUser) | READ],
        [(READ & IsAuthenticated) | SignedIn],
        [(IsAdminUser | READ) & requires("admin")],
        [requires_by_method(GET="notes:read")],
        [AllowAny],
        [],
    ],
)
def test_a_view_that_judges_every_token_or_is_open_anyway_hears_nothing(settings, permissions):
    view(settings, *permissions)
    assert found() == {}


def test_a_view_that_reads_no_tokens_hears_nothing(settings):
    view(settings, IsAuthenticated, authentication_classes=[SessionAuthentication])
    assert found() == {}


def test_an_action_that_the_viewset_lacks_is_told_once(settings):
    viewset(settings, requires_by_action("notes:read", creat="notes:write") & IsAuthenticated)
    (line,) = found()["W008"]
    assert "has no action 'creat'" in line
    assert "Did you mean 'create'?" in line


@pytest.mark.parametrize("name", ["get", "post", "get_queryset", "otherwise", "destroy"])
def test_what_is_no_action_of_the_viewset_is_told(settings, name):
    viewset(settings, requires_by_action("notes:read", **{name: "notes:write"}))
    assert f"has no action {name!r}" in found()["W008"][0]


@pytest.mark.parametrize("name", ["list", "retrieve", "create", "publish", "withdraw", "metadata"])
def test_each_action_of_the_viewset_may_be_named(settings, name):
    viewset(settings, requires_by_action("notes:read", **{name: "notes:write"}))
    assert found() == {}


def test_a_table_of_actions_on_a_view_that_has_none_is_told(settings):
    view(settings, requires_by_action("notes:read", list="notes:read"))
    (line,) = found()["E009"]
    assert "requires_by_method" in line


def test_a_view_that_cannot_say_without_a_request_stops_no_check(settings):
    class Late(NoteSet):
        def get_permissions(self):
            return [self.request.session["permission"]]

    viewset(settings, IsAuthenticated, Late)
    assert found() == {}
