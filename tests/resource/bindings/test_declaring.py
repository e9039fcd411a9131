"""What a binding says of itself, once: to settings, metadata, schemas, checks and the audit."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from django_oauth_server.resource.conf import bindings
from django_oauth_server.resource.metadata import document
from django_oauth_server.resource.ninja import NinjaAPI
from django_oauth_server.resource.ninja import requires as ninja_requires
from django_oauth_server.resource.requirement import requires
from tests.resource.bindings import seal
from tests.resource.bindings.seal import Seal, SealSettings
from tests.resource.verifiers import NOTES, make_token


def declare(settings, **more):
    settings.OAUTH_RESOURCE_SERVER = settings.OAUTH_RESOURCE_SERVER | more


@pytest.mark.parametrize("said", [{"colours": ["blue"]}, SealSettings(colours=("blue",))])
def test_its_settings_stand_under_its_own_name(settings, said):
    declare(settings, seal=said)
    assert bindings()["seal"].settings == SealSettings(colours=("blue",))
    assert bindings()["seal"].challenge() == {"colours": "blue"}


@pytest.mark.parametrize(
    "said, words",
    [
        ({"seals": {}}, "has no 'seals'. Did you mean 'seal'?"),
        ({"seal": {"colour": ["red"]}}, "seal has no 'colour'. Did you mean 'colours'?"),
        ({"seal": {"colours": "red"}}, "seal: colours must be a list or tuple"),
        ({"seal": {"strict": "yes"}}, "seal: strict must be True or False"),
        ({"seal": {"colours": []}}, "seal: colours names no colour."),
        ({"seal": 7}, "seal must be a dict or a SealSettings"),
        ({"bindings": []}, None),
        ({"bindings": [], "seal": {}}, "has no 'seal'"),
        ({"bindings": "tests.resource.bindings.seal.Seal"}, "bindings is a list or tuple of dotted paths"),
        ({"bindings": ["tests.resource.bindings.seal.SealSettings"]}, "which is no TokenBinding"),
        ({"bindings": ["tests.resource.bindings.seal.Nothing"]}, "cannot be imported"),
        ({"bindings": [f"{seal.__name__}.Seal", f"{seal.__name__}.Other"]}, "more than one for seal"),
    ],
    ids=str,
)
def test_what_is_wrong_in_it_is_told_at_start_up(settings, said, words):
    declare(settings, **said)
    if words is None:
        assert bindings() == {}
        return
    with pytest.raises(ImproperlyConfigured) as refusal:
        bindings()
    assert words in str(refusal.value)


@pytest.mark.spec("RFC 9728", "2")
def test_the_metadata_has_what_it_adds():
    assert document(NOTES, seal.__name__)["seal_colours"] == ["red"]


@pytest.mark.spec("RFC 9728", "2")
def test_that_it_is_needed_is_told_where_every_operation_needs_it():
    """`dpop_bound_access_tokens_required` and its like mean always."""
    assert "seals_required" not in document(NOTES, seal.__name__)
    assert document(NOTES, "tests.resource.bindings.bound_urls")["seals_required"] is True


def test_a_schema_asks_for_the_proof_where_bound_tokens_alone_will_do():
    api = NinjaAPI(urls_namespace="schema", docs_url=None)
    api.get("/notes", auth=ninja_requires("notes:read"))(lambda request: None)
    api.get("/bound", auth=ninja_requires("notes:read", bound=True))(lambda request: None)
    schema = api.get_openapi_schema(path_prefix="")
    assert schema["paths"]["/notes"]["get"]["security"] == [{"oauth2": ["notes:read"]}]
    assert schema["paths"]["/bound"]["get"]["security"] == [{"oauth2": ["notes:read"], "seal": []}]
    assert schema["components"]["securitySchemes"]["seal"] == {"type": "apiKey", "in": "header", "name": "Seal"}


def test_rest_frameworks_schema_asks_for_it_too():
    schema = SchemaGenerator(urlconf=seal.__name__).get_schema(request=None, public=True)
    assert schema["paths"]["/rest"]["get"]["security"] == [{"oauth2": ["notes:read"]}]
    assert schema["paths"]["/rest-bound"]["get"]["security"] == [{"oauth2": ["notes:read"], "seal": []}]
    assert schema["components"]["securitySchemes"]["seal"] == {"type": "apiKey", "in": "header", "name": "Seal"}


def test_without_an_operation_that_needs_it_the_schema_is_as_before():
    api = NinjaAPI(urls_namespace="schema without", docs_url=None)
    api.get("/notes", auth=ninja_requires("notes:read"))(lambda request: None)
    assert "seal" not in api.get_openapi_schema(path_prefix="")["components"]["securitySchemes"]


def test_the_audit_says_it():
    out = StringIO()
    call_command("protection", "--json", stdout=out)
    told = {one["path"]: one["requires"] for one in json.loads(out.getvalue())}
    assert told["/bound"] == "bound to a key & notes:read"
    assert told["/function"] == "notes:read"


def test_its_system_checks_are_asked():
    assert [f"Seals of {NOTES} melt."] == [one.msg for one in run_checks(tags=["security"]) if one.id == "tests.W001"]


def test_a_requirement_that_nobody_can_meet_is_an_error(settings):
    declare(settings, bindings=[])
    found = [one for one in run_checks(tags=["urls"]) if one.id == "oauth_resource.E010"]
    assert len(found) == 3
    assert "/bound" in found[0].msg


@pytest.mark.parametrize("value", [False, None, 1, "yes"])
def test_bound_is_true_or_left_out(value):
    with pytest.raises(TypeError, match="bound is True, or left out"):
        requires(bound=value)


@pytest.mark.parametrize(
    "requirement_, expected",
    [
        (requires("a", bound=True), True),
        (requires("a") & requires(bound=True), True),
        (requires(bound=True) | requires("admin", bound=True), True),
        (requires(bound=True) | requires("admin"), False),
        (requires("admin") | requires(bound=True), False),
        (~requires(bound=True), False),
        (requires("a"), False),
    ],
    ids=str,
)
def test_it_is_known_whether_nothing_else_will_do(requirement_, expected):
    assert requirement_.bound is expected


def test_either_takes_a_bound_token_or_what_the_other_asks():
    either = requires("a", bound=True) | requires("admin")
    assert either.judge(make_token("a")).error == "invalid_token"
    assert either.judge(make_token("admin")) is None


def test_the_binding_is_made_with_its_settings():
    made = bindings()["seal"]
    assert isinstance(made, Seal)
    assert made.settings == SealSettings()
