"""A project with django-guardian: run by itself, it asks for two objects with three tokens and prints the answers."""

from __future__ import annotations

import json

import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    ALLOWED_HOSTS=["*"],
    ANONYMOUS_USER_NAME=None,
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "guardian.backends.ObjectPermissionBackend",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "guardian",
        "django_oauth_server",
        "django_oauth_server.resource",
    ],
    OAUTH_SERVER={"issuer": "https://as.example", "scopes": {"groups:write": "change groups"}},
    ROOT_URLCONF=__name__,
    SECRET_KEY="x" * 50,
    USE_TZ=True,
)
django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import Group  # noqa: E402
from django.urls import include, path  # noqa: E402
from guardian.shortcuts import assign_perm  # noqa: E402
from rest_framework import serializers, viewsets  # noqa: E402
from rest_framework.permissions import DjangoModelPermissions, DjangoObjectPermissions  # noqa: E402
from rest_framework.test import APIClient  # noqa: E402

from django_oauth_server.resource.drf import BearerAuthentication, requires  # noqa: E402
from django_oauth_server.testing.factories import TokenFactory, UserFactory  # noqa: E402


class GroupSerializer(serializers.ModelSerializer):
    class Meta:
        model = Group
        fields = ["name"]


class Groups(viewsets.ModelViewSet):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires("groups:write"), DjangoObjectPermissions]
    queryset = Group.objects.all()
    serializer_class = GroupSerializer


class ByModel(Groups):
    permission_classes = [requires("groups:write") & DjangoModelPermissions]


CHANGE = {"put": "update"}
urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("objects/<int:pk>", Groups.as_view(CHANGE)),
    path("models/<int:pk>", ByModel.as_view(CHANGE)),
]


def put(route: str, group: Group, token: TokenFactory) -> list[object]:
    client = APIClient(headers={"Authorization": f"Bearer {token.value}"})
    response = client.put(f"/{route}/{group.pk}", {"name": group.name}, format="json")
    return [response.status_code, "insufficient_scope" in response.get("WWW-Authenticate", "")]


def main() -> None:
    mine, other = Group.objects.create(name="mine"), Group.objects.create(name="other")
    alice = UserFactory()
    assign_perm("auth.change_group", alice)
    assign_perm("change_group", alice, mine)
    allowed, narrow = (
        TokenFactory(authorization__user=alice, scope=scope) for scope in ("groups:write", "groups:read")
    )
    stranger = TokenFactory(scope="groups:write")
    answers = {
        f"{route} {name} {group.name}": put(route, group, token)
        for route in ("objects", "models")
        for name, token in (("allowed", allowed), ("narrow", narrow), ("stranger", stranger))
        for group in (mine, other)
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
