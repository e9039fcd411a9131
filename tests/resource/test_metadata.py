"""The metadata of the protected resources: what a client reads that met a challenge."""

from __future__ import annotations

import pytest
from django.test import Client

from django_oauth_server.resource import locations
from django_oauth_server.resource.locations import metadata_url
from tests.resource.verifiers import MAIL, NOTES

pytestmark = [pytest.mark.urls("tests.resource.metadata_urls"), pytest.mark.spec("RFC 9728", "3")]

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@pytest.fixture(autouse=True)
def two_resources(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"resource": [NOTES, MAIL], "name": "Notes and mail"}


def get(suffix: str = "", **more: object):
    return Client().get(WELL_KNOWN + suffix, **more)


@pytest.mark.spec("MCP", "refresh-tokens")
@pytest.mark.spec("RFC 9728", "2")
def test_the_document_to_the_byte():
    assert get("/notes").content == (
        b'{"resource": "https://api.example/notes", "authorization_servers": ["https://as.example"], '
        b'"scopes_supported": ["admin", "notes:read", "notes:write", "profile"], '
        b'"bearer_methods_supported": ["header", "body"], "resource_name": "Notes and mail", '
        b'"tenants_supported": ["emca", "acme"]}'
    )


def test_its_headers_let_anybody_read_and_keep_it():
    response = get("/notes")
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"] == "public, max-age=3600"
    assert "Cookie" not in response.get("Vary", "")


@pytest.mark.spec("MCP", "authorization-server-location")
def test_each_resource_has_its_own():
    assert get("/mail").json() == {
        "resource": MAIL,
        "authorization_servers": ["https://as.example"],
        "scopes_supported": ["mail:read", "profile"],
        "bearer_methods_supported": ["header", "body"],
        "resource_name": "Notes and mail",
    }


@pytest.mark.parametrize("suffix", ["", "/", "/other", "/notes/more", "/note", "notes", "/NOTES", "/%00", "//notes"])
def test_of_what_is_no_resource_there_is_none(suffix):
    assert get(suffix).status_code == 404


def test_a_slash_at_the_end_is_no_difference():
    assert get("/notes/").json() == get("/notes").json()


@pytest.mark.spec("MCP", "protected-resource-metadata-discovery-requirements")
@pytest.mark.parametrize("identifier", ["https://api.example", "https://api.example/"])
def test_a_resource_without_a_path_is_at_the_root(settings, identifier):
    settings.OAUTH_RESOURCE_SERVER |= {"resource": identifier}
    assert get().json()["resource"] == identifier
    assert get("/notes").status_code == 404


@pytest.mark.spec("RFC 9728", "3.3")
def test_of_two_hosts_the_one_that_was_asked_answers(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"resource": ["https://a.example/x", "https://b.example/x"]}
    assert get("/x", headers={"Host": "b.example"}).json()["resource"] == "https://b.example/x"
    assert get("/x", headers={"Host": "a.example"}).json()["resource"] == "https://a.example/x"
    assert get("/x", headers={"Host": "inside.proxy"}).json()["resource"] == "https://a.example/x"


def test_a_query_may_name_the_resource(settings):
    settings.OAUTH_RESOURCE_SERVER |= {"resource": ["https://a.example/x", "https://a.example/x?tenant=1"]}
    assert get("/x?tenant=1").json()["resource"] == "https://a.example/x?tenant=1"
    assert get("/x?tenant=2").json()["resource"] == "https://a.example/x"


@pytest.mark.spec("RFC 9728", "3.2")
def test_a_member_without_a_value_is_left_out(settings):
    settings.ROOT_URLCONF = "tests.resource.bare_metadata_urls"
    settings.OAUTH_RESOURCE_SERVER |= {"name": ""}
    assert get("/notes").json() == {
        "resource": NOTES,
        "authorization_servers": ["https://as.example"],
        "bearer_methods_supported": ["header", "body"],
    }


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(method):
    response = getattr(Client(), method)(f"{WELL_KNOWN}/notes")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_head_and_options():
    assert Client().head(f"{WELL_KNOWN}/notes").content == b""
    preflight = Client().options(f"{WELL_KNOWN}/notes")
    assert (preflight.status_code, preflight["Access-Control-Allow-Origin"]) == (204, "*")


def test_it_opens_under_a_protected_prefix(settings):
    settings.MIDDLEWARE = ["django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"]
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/": None}}
    assert get("/notes").status_code == 200
    assert Client().get("/open").status_code == 401


@pytest.mark.spec("MCP", "protected-resource-metadata-discovery-requirements")
@pytest.mark.spec("MCP", "refresh-tokens")
@pytest.mark.parametrize("path, suffix", [("/notes", "/notes"), ("/mail", "/mail"), ("/profile", "/notes")])
@pytest.mark.spec("RFC 9728", "5.1")
def test_a_challenge_leads_to_it(path, suffix):
    challenge = Client().get(path)["WWW-Authenticate"]
    address = f"https://api.example{WELL_KNOWN}{suffix}"
    assert challenge.endswith(f'resource_metadata="{address}"')
    document = get(suffix).json()
    asked = challenge.partition('scope="')[2].partition('"')[0].split()
    assert asked
    assert set(asked) <= set(document["scopes_supported"])


def test_the_routes_are_read_once(monkeypatch):
    get("/notes")
    monkeypatch.setattr("django_oauth_server.resource.metadata.routes", None)
    assert get("/notes").status_code == 200


@pytest.mark.urls("tests.urls")
def test_beside_the_authorization_server_it_is_there_without_more(settings):
    settings.OAUTH_RESOURCE_SERVER = {}
    document = get().json()
    assert document["resource"] == "https://as.example"
    assert document["authorization_servers"] == ["https://as.example"]


def test_resources_that_callers_name_do_not_stay_in_memory():
    """A view may name a resource by what its caller asks for (`get_requirement`)."""
    for number in range(2000):
        metadata_url(f"https://api.example/{number}")
    assert locations._metadata_url.cache_info().currsize < 2000
