"""django-ninja protects as plain Django views do, and its schema says what it requires."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import AsyncClient, Client, RequestFactory
from ninja import NinjaAPI as PlainAPI
from ninja.testing import TestAsyncClient, TestClient

from django_oauth_server.resource import requirement
from django_oauth_server.resource.ninja import NinjaAPI, Refused, TokenAuth, requires
from django_oauth_server.resource.verifiers.base import AuthorizationServer
from tests.resource import ninja_urls
from tests.resource.test_mechanisms import FORM, REFUSALS, answer, form
from tests.resource.verifiers import KnownTokens, make_token

pytestmark = pytest.mark.urls("tests.resource.ninja_urls")

APIS = ["/plain", "/own"]
OPERATIONS = [f"{api}/{name}" for api in APIS for name in ("sync", "async")]
ASYNC = [path for path in OPERATIONS if path.endswith("async")]


@pytest.fixture
def call():
    """Send a request: to async operations over ASGI, to the others over WSGI, with CSRF checked by both."""

    def send(path, method="GET", *, authorization=None, headers=None, **more):
        headers = {**(headers or {}), **({} if authorization is None else {"Authorization": authorization})}
        if "async" in path:
            client = AsyncClient(enforce_csrf_checks=True, raise_request_exception=False)
            return async_to_sync(getattr(client, method.lower()))(path, headers=headers, **more)
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        return getattr(client, method.lower())(path, headers=headers, **more)

    return send


@pytest.fixture
def fresh(monkeypatch):
    """Both APIs as they are before the first refusal."""
    for api in (ninja_urls.plain, ninja_urls.second):
        monkeypatch.setattr(api, "_exception_handlers", {})
        api.set_default_exception_handlers()


# Refusals


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("request_, expected", REFUSALS.values(), ids=REFUSALS)
def test_an_operation_refuses_as_a_plain_view_does(call, fresh, operation, request_, expected):
    response, plain = call(operation, **request_), call("/function", **request_)
    assert answer(response) == answer(plain) == expected
    assert (response.content, response["Content-Type"]) == (plain.content, plain["Content-Type"])
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", ["no credentials", "two methods", "an unknown token", "a missing scope"])
def test_an_operation_refuses_the_same_while_it_is_developed(call, settings, fresh, operation, name):
    settings.DEBUG = True
    request, expected = REFUSALS[name]
    assert answer(call(operation, **request)) == expected


@pytest.mark.spec("RFC 9470", "3")
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("token", ["reader", "bare"])
def test_a_condition_is_told_as_a_plain_view_tells_it(call, api, token):
    response = call(f"{api}/recent", authorization=f"Bearer {token}")
    assert answer(response) == answer(call("/recent-function", authorization=f"Bearer {token}"))


@pytest.mark.spec("RFC 9110", "15.6.4")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_outage_is_not_told_as_a_bad_token(call, operation):
    response = call(operation, authorization="Bearer outage")
    assert (response.status_code, response["Retry-After"]) == (503, "7")
    assert response.content == call("/function", authorization="Bearer outage").content
    assert "WWW-Authenticate" not in response


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_form_with_too_many_fields_is_a_bad_request(call, operation, method):
    response = call(operation, method, data="&".join(f"a{n}=b" for n in range(1001)), content_type=FORM)
    assert response.status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_session_opens_nothing(operation, method):
    client = Client()
    client.force_login(get_user_model().objects.create_user("bob"))
    assert answer(getattr(client, method.lower())(operation)) == REFUSALS["no credentials"][1]


def test_a_project_may_answer_in_its_own_words(call):
    response = call("/worded/notes", authorization="Bearer unknown")
    assert (response.status_code, response.json()) == (401, {"oops": "invalid_token"})


@pytest.mark.parametrize("token, expected", [("unknown", 401), ("bare", 403)])
def test_an_api_that_is_not_found_still_tells_the_status(token, expected):
    api = PlainAPI(urls_namespace="hidden")
    request = RequestFactory().get("/", headers={"Authorization": f"Bearer {token}"})
    with pytest.raises(Refused) as refused:
        requires("notes:read")(request)
    assert api.on_exception(request, refused.value).status_code == expected


# What a good token opens


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("token", ["reader", "writer"])
def test_a_good_token_opens_the_operation(call, operation, token):
    response = call(operation, authorization=f"Bearer {token}")
    assert response.status_code == 200
    assert (response.json()["client"], response.json()["user"]) == ("app", "alice")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_needs_no_csrf_token(call, operation):
    assert call(operation, authorization="Bearer reader", **form(a="b")).status_code == 200


@pytest.mark.spec("RFC 6750", "2.2")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_form_token_opens_the_operation_which_can_still_read_the_form(call, operation):
    response = call(operation, **form(access_token="reader", text="Milk"))
    assert response.json()["form"] == {"access_token": "reader", "text": "Milk"}


@pytest.mark.parametrize("operation", ASYNC)
def test_async_operations_verify_without_blocking_the_loop(call, operation, monkeypatch):
    monkeypatch.delattr(KnownTokens, "verify")
    assert call(operation, authorization="Bearer reader").status_code == 200


@pytest.mark.parametrize("operation", [path for path in OPERATIONS if path not in ASYNC])
def test_sync_operations_verify_in_their_own_thread(call, operation, monkeypatch):
    monkeypatch.delattr(KnownTokens, "averify")
    assert call(operation, authorization="Bearer reader").status_code == 200


@pytest.mark.parametrize("operation", ASYNC)
def test_async_operations_find_the_user_of_the_token_by_auser_too(call, operation):
    assert call(operation, authorization="Bearer lazy").json()["auser"] == "alice"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    "method, token, status", [("get", "reader", 200), ("post", "reader", 403), ("post", "writer", 200)]
)
def test_sync_and_async_operations_may_share_a_path(api, method, token, status):
    async def status_code():
        response = await getattr(AsyncClient(), method)(f"{api}/mixed", headers={"Authorization": f"Bearer {token}"})
        return response.status_code

    assert async_to_sync(status_code)() == status


@pytest.mark.parametrize("api", APIS)
def test_without_scopes_any_good_token_is_enough(call, api):
    assert call(f"{api}/any-token", authorization="Bearer bare").status_code == 200
    assert call(f"{api}/any-token", authorization="Bearer stranger").status_code == 401


# Composition


def test_auth_objects_compose_with_their_kind_and_with_requirements():
    read, write = requirement.requires("read"), requirement.requires("write")
    assert requires("read") & requires("write") == requires("read") & write == TokenAuth(read & write)
    assert requires("read") | requires("write") == requires("read") | write == TokenAuth(read | write)
    assert read & requires("write") == TokenAuth(read & write)
    assert read | requires("write") == TokenAuth(read | write)
    assert ~requires("read") == TokenAuth(~read)
    assert requires(read, "write", caller="client").requirement == requirement.requires(read, "write", caller="client")


@pytest.mark.parametrize("compose", [lambda one: one & ninja_urls.Key(), lambda one: ninja_urls.Key() | one])
def test_auth_objects_of_other_kinds_are_put_in_a_list(compose):
    with pytest.raises(TypeError):
        compose(requires("read"))


@pytest.mark.parametrize("path", [f"{api}/{name}" for api in APIS for name in ("either", "listed")])
def test_one_of_several_is_enough(call, path):
    assert call(path, authorization="Bearer reader").status_code == 200
    assert call(path, authorization="Bearer bare").status_code == 403


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("authorization", [None, "Bearer bare"])
def test_of_several_the_preferred_is_told(call, api, authorization):
    assert 'scope="notes:read"' in call(f"{api}/either", authorization=authorization)["WWW-Authenticate"]
    assert 'scope="admin"' in call(f"{api}/listed", authorization=authorization)["WWW-Authenticate"]


# Beside other auth objects


@pytest.mark.django_db
@pytest.mark.parametrize("api", APIS)
def test_without_a_token_the_next_is_asked(api):
    client = Client()
    client.force_login(get_user_model().objects.create_user("bob"))
    assert client.get(f"{api}/session-too").json()["user"] == "bob"


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", ["key-too", "async-key-too"])
def test_another_auth_object_opens_it_too(call, api, name):
    assert call(f"{api}/{name}", headers={"X-Key": "good"}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", ["session-too", "async-key-too"])
@pytest.mark.parametrize("token, status", [("unknown", 401), ("bare", 403)])
def test_a_bad_token_is_refused_whoever_else_would_be_asked(api, name, token, status):
    client = Client()
    client.force_login(get_user_model().objects.create_user("bob"))
    headers = {"Authorization": f"Bearer {token}", "X-Key": "good"}
    assert client.get(f"{api}/{name}", headers=headers).status_code == status


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("name", ["session-too", "key-too", "async-key-too"])
def test_whom_nobody_knows_is_told_of_the_token(call, fresh, api, name):
    assert answer(call(f"{api}/{name}")) == REFUSALS["no credentials"][1]


@pytest.mark.parametrize("api", APIS)
def test_operations_without_a_requirement_answer_as_before(call, api):
    assert call(f"{api}/sync").status_code == 401
    response = call(f"{api}/key-alone")
    assert (response.status_code, response.json()) == (401, {"detail": "Unauthorized"})
    response = call(f"{api}/changed-mind", headers={"X-Key": "good"})
    assert (response.status_code, response.json()) == (401, {"detail": "No."})
    assert call(f"{api}/open").status_code == 200


# Routers, and several APIs


@pytest.mark.parametrize("path", ["/plain/router", "/plain/router/inner", "/plain/mounted", "/v2/notes"])
def test_what_a_router_or_an_api_requires_holds_for_all_of_it(call, fresh, path):
    assert answer(call(path)) == REFUSALS["no credentials"][1]
    assert answer(call(path, authorization="Bearer bare")) == REFUSALS["a missing scope"][1]
    assert call(path, authorization="Bearer reader").status_code == 200


def test_versions_of_an_api_require_their_own(call):
    assert call("/v2/notes", authorization="Bearer reader").status_code == 200
    refusal = call("/v3/notes", authorization="Bearer reader")
    assert (refusal.status_code, 'scope="notes:write"' in refusal["WWW-Authenticate"]) == (403, True)
    assert call("/v3/notes", authorization="Bearer writer").status_code == 200
    assert call("/v2/open").status_code != 401


# django-ninja's test clients


@pytest.mark.parametrize("api", [ninja_urls.plain, ninja_urls.own])
def test_ninjas_test_client_works(api):
    client = TestClient(api)
    assert answer(client.get("/sync")) == REFUSALS["no credentials"][1]
    assert answer(client.get("/sync", headers={"AUTHORIZATION": "Bearer bare"})) == REFUSALS["a missing scope"][1]
    assert client.get("/sync", headers={"AUTHORIZATION": "Bearer reader"}).json()["user"] == "alice"


@pytest.mark.parametrize("api", [ninja_urls.plain, ninja_urls.own])
def test_ninjas_async_test_client_works(api):
    async def both():
        client = TestAsyncClient(api)
        return await client.get("/async"), await client.get("/async", headers={"AUTHORIZATION": "Bearer reader"})

    refused, allowed = async_to_sync(both)()
    assert answer(refused) == REFUSALS["no credentials"][1]
    assert allowed.json()["auser"] == "alice"


def test_a_router_can_be_tested_alone():
    router = ninja_urls.router(auth=requires("notes:read"))
    assert answer(TestClient(router).get("")) == REFUSALS["no credentials"][1]


# The schema


class Published(KnownTokens):
    """An authorization server that says where it is, and what its scopes are called."""

    def authorization_servers(self):
        (server,) = super().authorization_servers()
        return [
            replace(
                server,
                authorization_endpoint="https://as.example/authorize",
                token_endpoint="https://as.example/token",
                scopes={"notes:read": "See your notes", "profile": "See your name"},
            )
        ]


@pytest.fixture
def published(settings):
    settings.OAUTH_RESOURCE_SERVER = {"verifier": Published()}


def schema(call, api="/own"):
    return call(f"{api}/openapi.json").json()


def security(told, path, method="get", api="/own"):
    return told["paths"][f"{api}/{path}"][method].get("security")


def test_the_schema_says_where_to_get_a_token_for_every_scope(call, published):
    assert schema(call)["components"]["securitySchemes"]["oauth2"] == {
        "type": "oauth2",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "https://as.example/authorize",
                "tokenUrl": "https://as.example/token",
                "refreshUrl": "https://as.example/token",
                "scopes": {
                    "admin": "admin",
                    "notes:read": "See your notes",
                    "notes:write": "notes:write",
                },
            }
        },
    }


@pytest.mark.parametrize(
    "path, method, expected",
    [
        ("sync", "get", [{"oauth2": ["notes:read"]}]),
        ("async", "post", [{"oauth2": ["notes:read"]}]),
        ("mixed", "post", [{"oauth2": ["notes:write"]}]),
        ("any-token", "get", [{"oauth2": []}]),
        ("either", "get", [{"oauth2": ["notes:read"]}, {"oauth2": ["admin"]}]),
        ("listed", "get", [{"oauth2": ["admin"]}, {"oauth2": ["notes:read"]}]),
        ("session-too", "get", [{"oauth2": ["notes:read"]}, {"SessionAuth": []}]),
        ("key-too", "get", [{"oauth2": ["notes:read"]}, {"Key": []}]),
        ("key-alone", "get", [{"Key": []}]),
        ("open", "get", None),
    ],
)
def test_each_operation_says_its_own_scopes(call, published, path, method, expected):
    assert security(schema(call), path, method) == expected


def test_the_schema_says_what_a_condition_adds(call):
    operation = schema(call)["paths"]["/own/recent"]["get"]
    assert (operation["x-acr-values"], operation["x-max-age"]) == (["phr"], 300)
    assert operation["description"] == "Only for those who have just signed in."


def test_the_schema_of_a_version_is_its_own(call):
    told = schema(call, "/v3")
    assert security(told, "notes", api="/v3") == [{"oauth2": ["notes:write"]}]
    assert told["info"]["version"] == "3"


def test_the_schema_keeps_the_other_schemes(call):
    assert set(schema(call)["components"]["securitySchemes"]) == {"oauth2", "SessionAuth", "Key"}


def test_an_api_without_requirements_has_no_scheme(settings):
    settings.OAUTH_RESOURCE_SERVER = {}
    api = NinjaAPI(urls_namespace="nothing")
    api.get("/open")(ninja_urls.answer)
    assert "securitySchemes" not in api.get_openapi_schema(path_prefix="/")["components"]


def test_an_issuer_that_says_nothing_of_itself_is_a_bearer_scheme(call):
    assert KnownTokens().authorization_servers() == [AuthorizationServer("https://as.example")]
    assert schema(call)["components"]["securitySchemes"]["oauth2"] == {"type": "http", "scheme": "bearer"}


def test_ninjas_own_schema_shows_that_a_token_is_needed(call, published):
    told = schema(call, "/plain")
    assert security(told, "sync", api="/plain") == [{"TokenAuth": []}]
    assert told["components"]["securitySchemes"]["TokenAuth"]["type"] == "oauth2"


# Called by a project's own code


def test_an_auth_object_may_be_called_by_another():
    request = HttpRequest()
    request.META["HTTP_AUTHORIZATION"] = "Bearer reader"
    assert requires("notes:read")(request).scopes == make_token("notes:read").scopes
    assert request.user.get_username() == "alice"
    assert requires("notes:read")(HttpRequest()) is None
