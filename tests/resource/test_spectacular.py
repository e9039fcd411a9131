"""What drf-spectacular's schema says of protected views."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import GenericViewSet

from django_oauth_server.resource import requirement, spectacular  # noqa: F401 - registers the security scheme
from django_oauth_server.resource.drf import BearerAuthentication, requires, requires_by_action, requires_by_method
from django_oauth_server.resource.verifiers.base import AuthorizationServer
from tests.resource.verifiers import KnownTokens
from tests.waiting import PATIENCE

pytestmark = pytest.mark.urls(__name__)
EXAMPLE = Path(__file__).parents[2] / "example_project/manage.py"


class NoteSerializer(serializers.Serializer):
    text = serializers.CharField()


class Notes(GenericViewSet):
    authentication_classes = [BearerAuthentication]
    permission_classes = [requires_by_action("notes:write", list="notes:read"), IsAuthenticated]
    serializer_class = NoteSerializer

    def list(self, request):
        return Response([])

    def create(self, request):
        return Response({})

    @action(
        detail=False,
        methods=["post"],
        permission_classes=[requires("admin", acr_values=["phr"], max_age=timedelta(minutes=5))],
    )
    def purge(self, request):
        return Response({})


class Either(Notes):
    permission_classes = [requirement.requires("mail:read") | requires("admin")]


class ByMethod(Notes):
    authentication_classes = [BearerAuthentication, SessionAuthentication]
    permission_classes = [requires_by_method(GET="notes:read", POST="notes:write")]


class AnyToken(Notes):
    permission_classes = [IsAuthenticated]


class DerivedAuthentication(BearerAuthentication):
    """As a project may have one."""


class Derived(Notes):
    authentication_classes = [DerivedAuthentication]


router = SimpleRouter()
router.register("notes", Notes, basename="notes")
urlpatterns = [
    path("", include("django_oauth_server.urls")),
    *router.urls,
    path("either/", Either.as_view({"get": "list"})),
    path("by-method/", ByMethod.as_view({"get": "list", "post": "create"})),
    path("any-token/", AnyToken.as_view({"get": "list"})),
    path("derived/", Derived.as_view({"get": "list"})),
]


class Verifier(KnownTokens):
    def authorization_servers(self):
        words = {"notes:read": "see your notes", "email": "see your email address"}
        return [
            AuthorizationServer("https://as.example", "https://as.example/authorize", "https://as.example/token", words)
        ]


@pytest.fixture
def schema(settings: Any) -> dict[str, Any]:
    return made(settings, {"verifier": f"{__name__}.Verifier", "scopes": {"admin": "do anything"}})


def made(settings: Any, resource_server: dict[str, object]) -> dict[str, Any]:
    settings.OAUTH_RESOURCE_SERVER = resource_server
    settings.REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "django_oauth_server.resource.spectacular.ProtectedSchema"}
    schema = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    return schema


def security(schema: dict[str, Any], path: str, method: str = "get") -> list[dict[str, list[str]]]:
    return schema["paths"][path][method]["security"]


def test_each_action_says_its_own_scopes(schema):
    assert security(schema, "/notes/") == [{"oauth2": ["notes:read"]}]
    assert security(schema, "/notes/", "post") == [{"oauth2": ["notes:write"]}]
    assert security(schema, "/notes/purge/", "post") == [{"oauth2": ["admin"]}]


def test_each_method_says_its_own_scopes_beside_another_authentication(schema):
    assert security(schema, "/by-method/") == [{"oauth2": ["notes:read"]}, {"cookieAuth": []}]
    assert security(schema, "/by-method/", "post") == [{"oauth2": ["notes:write"]}, {"cookieAuth": []}]


def test_alternatives_are_listed_the_preferred_first(schema):
    assert security(schema, "/either/") == [{"oauth2": ["mail:read"]}, {"oauth2": ["admin"]}]


def test_a_view_that_asks_for_no_scope_takes_any_token(schema):
    assert security(schema, "/any-token/") == [{"oauth2": []}]


def test_a_class_derived_from_the_authentication_is_described_too(schema):
    assert security(schema, "/derived/") == [{"oauth2": ["notes:read"]}]


def test_the_scheme_has_the_real_addresses_and_the_words_for_the_scopes_that_are_needed(schema):
    assert schema["components"]["securitySchemes"]["oauth2"] == {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "https://as.example/authorize",
                "tokenUrl": "https://as.example/token",
                "refreshUrl": "https://as.example/token",
                "scopes": {
                    "admin": "do anything",
                    "mail:read": "mail:read",
                    "notes:read": "see your notes",
                    "notes:write": "notes:write",
                },
            }
        },
    }


def test_what_a_condition_says_stands_on_its_operation_alone(schema):
    purge = schema["paths"]["/notes/purge/"]["post"]
    assert (purge["x-acr-values"], purge["x-max-age"]) == (["phr"], 300)
    assert "x-max-age" not in schema["paths"]["/notes/"]["post"]


def test_beside_the_authorization_server_the_scheme_has_its_addresses_and_words(settings):
    flow = made(settings, {})["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == "https://as.example/oauth/authorize"
    assert flow["tokenUrl"] == "https://as.example/oauth/token"
    assert flow["scopes"]["notes:read"] == "see your notes"


def test_the_schema_of_the_example_is_valid_and_without_a_warning(tmp_path):
    command = [sys.executable, str(EXAMPLE), "spectacular", "--validate", "--fail-on-warn"]
    done = subprocess.run(
        command, env={"EXAMPLE_VAR": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    assert "- notes:read" in done.stdout


NAMED_AMONG_THE_DEFAULTS = """
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["rest_framework", "drf_spectacular", "django_oauth_server.resource"],
    OAUTH_RESOURCE_SERVER={"verifier": "tests.resource.verifiers.KnownTokens", "bindings": []},
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["django_oauth_server.resource.drf.BearerAuthentication"],
        "DEFAULT_SCHEMA_CLASS": "django_oauth_server.resource.spectacular.ProtectedSchema",
        "UNAUTHENTICATED_USER": None,
    },
)
import django
django.setup()
from rest_framework.views import APIView
print(APIView.authentication_classes[0].__name__, type(APIView.schema).__name__)
"""


def test_both_classes_may_be_named_among_the_frameworks_defaults():
    command = [sys.executable, "-c", NAMED_AMONG_THE_DEFAULTS]
    done = subprocess.run(
        command, cwd=EXAMPLE.parents[1], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.stdout.split() == ["BearerAuthentication", "ProtectedSchema"], done.stderr
