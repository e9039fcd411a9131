"""What is told of proofs: settings, checks, metadata, schemas."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from django_oauth_server.protocol.jose import ALGORITHMS
from django_oauth_server.resource.bindings.dpop import DPoPSettings
from django_oauth_server.resource.bindings.replay import CacheMemory
from django_oauth_server.resource.conf import bindings, load
from django_oauth_server.resource.metadata import document
from django_oauth_server.resource.ninja import NinjaAPI, requires
from django_oauth_server.storage.proofs import DatabaseMemory
from tests.resource.bindings import seal
from tests.resource.dpop.conftest import API

Declare = Callable[..., None]


@pytest.mark.parametrize(
    "said, words",
    [
        ({"nonce": "required"}, "dpop has no 'nonce'. Did you mean 'nonces'?"),
        ({"nonces": "always"}, "dpop: nonces must be one of off, offered, required"),
        ({"algs": ["HS256"]}, "dpop: algs must be some of ES256"),
        ({"algs": []}, "dpop: algs must be some of ES256"),
        ({"algs": "ES256"}, "dpop: algs must be a list or tuple"),
        ({"window": 60}, "dpop: window must be a timedelta"),
        ({"addresses": ["api.example"]}, "dpop: addresses has 'api.example'"),
        ({"addresses": ["https://api.example?x=1"]}, "which is no URL such as https://api.example."),
        ({"addresses": ["https://[api"]}, "which is no URL"),
        ({"addresses": ["https://api.example:port"]}, "which is no URL"),
        ({"addresses": ["https://user@api.example"]}, "which is no URL"),
    ],
)
def test_what_is_wrong_in_the_setting_is_told(declare: Declare, said: dict[str, Any], words: str) -> None:
    declare(**said)
    with pytest.raises(ImproperlyConfigured) as refusal:
        bindings()
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", ["window", "nonce_lifetime"])
def test_no_time_is_no_time(declare: Declare, name: str) -> None:
    declare(**{name: DPoPSettings().window * 0})
    with pytest.raises(ImproperlyConfigured, match="longer than nothing"):
        bindings()


def test_it_comes_with_the_package(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {}
    assert load().bindings == ("django_oauth_server.resource.bindings.dpop.DPoP",)
    assert bindings()["jkt"].settings == DPoPSettings()


# -- who remembers -----------------------------------------------------------------------------------------------------


def found(prefix: str = "oauth_resource") -> list[str]:
    return [str(one.id) for one in run_checks(tags=["security"]) if str(one.id).startswith(prefix)]


def test_beside_the_authorization_server_the_database_remembers(declare: Declare) -> None:
    declare(cache="")
    assert isinstance(bindings()["jkt"].memory, DatabaseMemory)  # type: ignore[attr-defined]
    assert found() == []


def test_alone_a_cache_does(declare: Declare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.apps.apps.is_installed", lambda name: name != "django_oauth_server")
    declare(cache="")
    assert isinstance(bindings()["jkt"].memory, CacheMemory)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "backend, expected",
    [
        ("locmem.LocMemCache", ["oauth_resource.W013"]),
        ("dummy.DummyCache", ["oauth_resource.W013"]),
        ("filebased.FileBasedCache", ["oauth_resource.W013"]),
        ("redis.RedisCache", []),
        ("db.DatabaseCache", ["oauth_resource.W013"]),
    ],
)
def test_a_cache_of_one_process_is_a_risk(settings: Any, backend: str, expected: list[str]) -> None:
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "redis://x"}}
    assert found() == expected


@pytest.mark.parametrize("entries, expected", [(300, ["oauth_resource.W013"]), (50_000, [])])
def test_a_cache_that_drops_entries_early_is_a_risk(settings: Any, entries: int, expected: list[str]) -> None:
    backend = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "x", "OPTIONS": {"MAX_ENTRIES": entries}}}
    assert found() == expected


def test_on_a_developers_machine_nobody_is_warned(settings: Any) -> None:
    settings.DEBUG = True
    assert found() == []


def test_a_cache_that_is_not_there_is_an_error(declare: Declare) -> None:
    declare(cache="shared")
    assert found() == ["oauth_resource.E011"]


@pytest.mark.parametrize("resource", ["urn:notes", ["urn:notes", "app:mail"]])
def test_without_an_address_no_proof_can_be_good(settings: Any, declare: Declare, resource: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}}
    settings.OAUTH_RESOURCE_SERVER |= {"resource": resource}
    assert found() == ["oauth_resource.W012"]
    declare(addresses=[API])
    assert found() == []


# -- what clients and people are told ----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 9728", "2")
def test_the_metadata_names_the_algorithms() -> None:
    told = document(API, seal.__name__)
    assert told["dpop_signing_alg_values_supported"] == list(ALGORITHMS)
    assert "dpop_bound_access_tokens_required" not in told
    assert document(API, "tests.resource.bindings.bound_urls")["dpop_bound_access_tokens_required"] is True


def test_a_schema_has_the_header() -> None:
    api = NinjaAPI(urls_namespace="dpop schema", docs_url=None)
    api.get("/bound", auth=requires("notes:read", bound=True))(lambda request: None)
    schema = api.get_openapi_schema(path_prefix="")
    assert schema["paths"]["/bound"]["get"]["security"] == [{"oauth2": ["notes:read"], "dpop": []}]
    assert schema["components"]["securitySchemes"]["dpop"]["name"] == "DPoP"


def test_the_audit_says_what_is_bound() -> None:
    out = StringIO()
    call_command("protection", "--json", stdout=out)
    told = {one["path"]: one["requires"] for one in json.loads(out.getvalue())}
    assert told["/bound"] == "bound to a key & notes:read"
