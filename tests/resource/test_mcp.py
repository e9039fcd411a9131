"""MCP endpoints: what is asked of the endpoint, and of single operations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command

from django_oauth_server.resource import mcp
from django_oauth_server.resource.mcp import protected_mcp
from django_oauth_server.resource.requirement import requires
from tests.resource.verifiers import MAIL, NOTES

pytestmark = pytest.mark.urls("tests.resource.mcp_urls")


@pytest.fixture(params=["/mcp", "/async/mcp"])
def post(request, call):
    """Send a message, or whatever is to pass for one, to the sync and to the async endpoint."""

    def send(body: object, token: str = "reader") -> Any:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return call(request.param, "POST", authorization=f"Bearer {token}", data=data, content_type="application/json")

    return send


def message(method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}


def tool(name: object) -> dict[str, object]:
    return message("tools/call", name=name)


def uri(at: str) -> dict[str, object]:
    return message("resources/read", uri=at)


@pytest.mark.spec("MCP", "token-handling")
@pytest.mark.parametrize(
    "body",
    [
        tool("list"),
        uri("notes://1"),
        uri("notes://1%20a"),
        uri("notes://find?at=https://a.example//b"),
        uri("file:///docs/a//b"),
        message("resources/subscribe", uri="notes://1"),
        message("completion/complete", ref={"type": "ref/resource", "uri": "notes://{id}"}),
        message("subscriptions/listen", notifications={"toolsListChanged": True}),
        message("subscriptions/listen", notifications={"resourceSubscriptions": ["notes://1"]}),
        *map(message, ["initialize", "ping", "tools/list", "server/discover", "notifications/initialized"]),
        message("notifications/cancelled", requestId=1),
        message("notifications/progress", progressToken=1, progress=1),
        message("notifications/roots/list_changed"),
        [message("ping")] * 1000,
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}},
        [tool("list"), message("ping")],
    ],
    ids=lambda body: str(body)[:100],
)
def test_what_the_token_allows_is_served(post, body):
    assert post(body).status_code in {200, 201}


@pytest.mark.spec("MCP", "scope-challenge-handling")
@pytest.mark.parametrize(
    "body, scope",
    [
        (tool("write"), "notes:read notes:write"),
        (tool("admin.delete"), "admin notes:read"),
        (tool("admin.*"), "admin notes:read"),
        (message("prompts/get", name="tidy"), "notes:read notes:write"),
        (message("completion/complete", ref={"type": "ref/prompt", "name": "tidy"}), "notes:read notes:write"),
        (uri("notes://secret/1"), "admin notes:read"),
        (message("resources/unsubscribe", uri="notes://secret/1"), "admin notes:read"),
        (
            message("subscriptions/listen", notifications={"resourceSubscriptions": ["notes://secret/"]}),
            "admin notes:read",
        ),
        (message("acme/export"), "export notes:read"),
        (message("logging/setLevel", level="debug"), "admin notes:read"),
        ([tool("list"), tool("write"), tool("admin.x")], "admin notes:read notes:write"),
    ],
    ids=str,
)
def test_an_operation_that_needs_more_names_everything_it_needs(post, body, scope):
    response = post(body)
    assert response.status_code == 403
    challenge = response["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert f'scope="{scope}"' in challenge
    assert 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/notes"' in challenge


def test_a_token_that_lacks_what_the_endpoint_needs_is_told_of_the_operation_at_once(post):
    assert 'scope="notes:read notes:write"' in post(tool("write"), "bare")["WWW-Authenticate"]


def test_with_the_scope_the_operation_is_served(post):
    assert post(tool("write"), "writer").status_code in {200, 201}


@pytest.mark.spec("MCP", "scope-challenge-handling")
def test_a_scope_that_covers_another_is_enough(post, settings):
    settings.OAUTH_RESOURCE_SERVER |= {"scope_covers": "tests.resource.test_mcp.covers"}
    assert post(tool("admin.delete"), "writer").status_code in {200, 201}


def covers(held: str, needed: str) -> bool:
    return (held, needed) == ("notes:write", "admin")


def test_the_longest_beginning_counts_and_a_name_before_it(post):
    assert post(tool("admin.see"), "reader").status_code in {200, 201}
    assert post(tool("admin.see"), "client").status_code == 403, "it is for persons"


@pytest.fixture
def anew():
    """As a process that has warned of nothing yet."""
    mcp._may_warn.begin_anew()


@pytest.mark.usefixtures("anew")
def test_the_log_is_told_once_a_minute_of_each_operation_that_is_not_served(post, caplog):
    for _ in range(3):
        post(tool("other"))
    levels = [one.levelname for one in caplog.records if "no requirement is declared" in one.message]
    assert levels[0] == "WARNING"
    assert "WARNING" not in levels[1:]


@pytest.mark.parametrize(
    "body, code",
    [
        (tool("other"), -32602),
        (tool("List"), -32602),
        (tool("list "), -32602),
        (tool(""), -32602),
        (message("prompts/get", name="other"), -32602),
        (uri("file:///etc/passwd"), -32602),
        (uri("NOTES://1"), -32602),
        (uri("notes://1/../secret/1"), -32602),
        (uri("notes://1/%2e%2e/secret/1"), -32602),
        (uri("notes://1\\..\\secret"), -32602),
        (uri("notes://%73ecret/1"), -32602),
        (uri("notes://sec\tret/1"), -32602),
        (uri("file:///docs/a//secret/1"), -32602),
        (uri("file:///docs/a/%2Fsecret/1"), -32602),
        (uri("file:///docs/a\\secret/1"), -32602),
        (uri("file:///docs//a/secret/1"), -32602),
        (message("tools/call2", name="list"), -32601),
        (message("acme/import"), -32601),
        (message("tasks/result", taskId="1"), -32601),
        (message("notifications/acme/forget"), -32601),
        ([tool("list"), tool("other")], -32602),
    ],
    ids=str,
)
@pytest.mark.usefixtures("anew")
def test_what_no_table_names_is_not_served(post, body, code, caplog):
    response = post(body, "writer")
    assert response.status_code == 403
    assert response.json() == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": code, "message": "This server does not offer it."},
    }
    assert "no requirement is declared for it" in caplog.text


@pytest.mark.parametrize(
    "body, status, code",
    [
        (b"", 400, -32700),
        (b"{", 400, -32700),
        (b'\xff\xfe{"method"', 400, -32700),
        ('{"method":"ping"}'.encode("utf-16"), 400, -32700),
        (b'\xef\xbb\xbf{"method":"ping"}', 400, -32700),
        (b'{"method":"tools/list","method":"tools/call"}', 400, -32700),
        (b'{"method":"tools/call","params":{"name":"write","name":"list"}}', 400, -32700),
        (b'{"method":"ping","params":{"a":NaN}}', 400, -32700),
        (b"[" * 100_000, 400, -32700),
        (b'{"id":' + b"1" * 5000 + b"}", 400, -32700),
        (b"[]", 400, -32600),
        (b"7", 400, -32600),
        (b"[[]]", 400, -32600),
        ({}, 400, -32600),
        ({"method": None}, 400, -32600),
        ({"method": ["tools/list"]}, 400, -32600),
        (message("tools/call"), 400, -32602),
        (tool(None), 400, -32602),
        (tool(["list"]), 400, -32602),
        ({"method": "tools/call"}, 400, -32602),
        ({"method": "tools/call", "params": ["list"]}, 400, -32602),
        (message("resources/read"), 400, -32602),
        (message("completion/complete", ref={}), 400, -32602),
        (message("completion/complete", ref="x"), 400, -32602),
        (message("subscriptions/listen"), 400, -32602),
        (message("subscriptions/listen", notifications={"resourceSubscriptions": 7}), 400, -32602),
        (message("subscriptions/listen", notifications={"resourceSubscriptions": [7]}), 400, -32602),
        (b'"' + b"x" * 3_000_000 + b'"', 413, -32600),
        ([message("ping")] * 1001, 413, -32600),
        (message("subscriptions/listen", notifications={"resourceSubscriptions": ["notes://1"] * 1001}), 413, -32600),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_judged_is_not_served(post, body, status, code):
    response = post(body, "writer")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("token, status", [("expired", 401), ("stranger", 401), ("outage", 503)])
def test_nothing_of_a_stranger_is_read(post, token, status):
    response = post(b"{", token)
    assert response.status_code == status


@pytest.mark.parametrize("body", [b"{", tool("unknown"), message("acme/unknown"), {}], ids=str)
@pytest.mark.parametrize("token, status", [("bare", 403), ("mail", 401)])
def test_whom_the_endpoint_is_not_for_learns_nothing_of_what_it_offers(post, settings, token, status, body):
    settings.OAUTH_RESOURCE_SERVER = {**settings.OAUTH_RESOURCE_SERVER, "resource": [NOTES, MAIL]}
    response = post(body, token)
    assert (response.status_code, response.json().keys()) == (status, {"error", "error_description"})
    assert 'scope="notes:read"' in response["WWW-Authenticate"] or status == 401


@pytest.mark.parametrize("member", ["resource_subscriptions", "ResourceSubscriptions", "resourcesubscriptions"])
def test_subscriptions_are_judged_however_a_parser_may_spell_them(post, member):
    listen = message("subscriptions/listen", notifications={member: ["notes://secret/1"]})
    assert post(listen).status_code == 403


@pytest.mark.spec("MCP", "protected-resource-metadata-discovery-requirements")
@pytest.mark.parametrize("path", ["/mcp", "/async/mcp"])
def test_without_a_token_the_challenge_says_where_to_look_and_what_to_ask_for(call, path):
    response = call(path, "POST", data="{}", content_type="application/json")
    assert response.status_code == 401
    metadata = "https://api.example/.well-known/oauth-protected-resource/notes"
    assert response["WWW-Authenticate"] == f'Bearer realm="api", scope="notes:read", resource_metadata="{metadata}"'


@pytest.mark.spec("MCP", "token-requirements")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("path", ["/mcp", "/async/mcp"])
def test_streams_and_the_end_of_sessions_need_what_the_endpoint_needs(call, path, method):
    assert call(path, method).status_code == 401
    assert call(path, method, authorization="Bearer bare").status_code == 403
    assert call(path, method, authorization="Bearer reader").status_code in {200, 201}


class TestSessions:
    """MCP security best practices: session hijacking."""

    PATHS = pytest.mark.parametrize("path", ["/session", "/async/session"])

    @staticmethod
    def opened(call, path, token="reader"):
        response = call(path, "POST", authorization=f"Bearer {token}")
        assert response.json() == {"session": None}
        return response["Mcp-Session-Id"]

    @PATHS
    @pytest.mark.parametrize("token", ["reader", "writer"])
    def test_whoever_opened_it_goes_on_with_whichever_token(self, call, path, token):
        headers = {"Mcp-Session-Id": self.opened(call, path)}
        response = call(path, "GET", authorization=f"Bearer {token}", headers=headers)
        assert response.json() == {"session": "abc"}, "the server sees its own ID"

    @PATHS
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_somebody_else_finds_none(self, call, path, method):
        headers = {"Mcp-Session-Id": self.opened(call, path)}
        response = call(path, method, authorization="Bearer client", headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (404, -32600)

    @PATHS
    @pytest.mark.parametrize("session", ["", "abc", "abc:", "abc:x", ":", "\xff"])
    def test_one_that_was_never_given_out_is_none(self, call, path, session):
        response = call(path, "GET", authorization="Bearer reader", headers={"Mcp-Session-Id": session})
        assert response.status_code == 404

    @PATHS
    def test_a_session_opens_nothing_without_a_token(self, call, path):
        headers = {"Mcp-Session-Id": self.opened(call, path)}
        assert call(path, "GET", headers=headers).status_code == 401
        assert call(path, "GET", authorization="Bearer expired", headers=headers).status_code == 401


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_no_other_method_goes_round_the_tables(call, method):
    response = call("/async/mcp", method, authorization="Bearer reader", data=json.dumps(tool("write")))
    assert response.status_code == 403


@pytest.mark.spec("MCP", "token-requirements")
@pytest.mark.parametrize("path", ["/mcp", "/async/mcp", "/async/plain-mcp"])
def test_a_token_in_the_query_is_none(call, path):
    response = call(
        f"{path}?access_token=reader", "POST", data=json.dumps(tool("list")), content_type="application/json"
    )
    assert response.status_code == 401


def test_without_tables_the_endpoints_requirement_is_that_of_every_operation(call):
    body = json.dumps(tool("whatever"))
    asked = {"data": body, "content_type": "application/json"}
    assert call("/async/plain-mcp", "POST", authorization="Bearer bare", **asked).status_code == 403
    response = call("/async/plain-mcp", "POST", authorization="Bearer reader", **asked)
    assert response.json()["body"] == body


def test_the_view_reads_what_was_judged(call):
    body = json.dumps(tool("list"))
    for path, name in (("/mcp", "said"), ("/async/mcp", "body")):
        response = call(path, "POST", authorization="Bearer reader", data=body, content_type="application/json")
        assert response.json()[name] == body


@pytest.mark.parametrize(
    "tables, said",
    [
        ({"tools": ["delete"]}, "tools is a dict"),
        ({"tools": {"delete": ["notes:write"]}}, "argument of its own"),
        ({"tools": {"delete": "notes:read notes:write"}}, "not a scope token"),
        ({"tool": {}}, "tool is no argument. "),
    ],
)
def test_a_mistake_shows_where_it_is_made(tables, said):
    with pytest.raises((TypeError, ValueError), match=said):
        protected_mcp("notes:read", **tables)


@pytest.mark.parametrize("view", [7, type("View", (), {})])
def test_it_decorates_functions(view):
    with pytest.raises(TypeError, match="decorates a view function"):
        protected_mcp("notes:read")(view)


def test_the_audit_lists_each_operation(capsys):
    call_command("protection", "--json", "--prefix", "/mcp")
    found = {one["operation"]: one for one in json.loads(capsys.readouterr().out)}
    assert found[""]["scopes"] == ["notes:read"]
    assert found["tools/call write"]["scopes"] == ["notes:read notes:write"]
    assert found["tools/call write"]["methods"] == ["POST"]
    assert found["tools/call list"]["requires"] == found[""]["requires"]
    assert found["resources/read notes://secret/*"]["scopes"] == ["admin notes:read"]
    assert {"prompts/get tidy", "acme/export"} <= found.keys()
    assert not any(one["open"] or one["unknown"] for one in found.values())


def test_the_audit_shows_it_to_people(capsys):
    call_command("protection", "--prefix", "/async/mcp")
    out = capsys.readouterr().out
    assert "/async/mcp tools/call write" in out
    assert "OPEN " not in out


def test_the_metadata_lists_the_scopes_of_every_operation(client):
    found = client.get("/.well-known/oauth-protected-resource/notes").json()
    assert found["scopes_supported"] == ["admin", "export", "notes:read", "notes:write"]


def test_an_endpoint_that_names_no_resource_is_warned_of_where_there_are_several(settings):
    from django.core.checks import run_checks

    settings.ROOT_URLCONF = "tests.resource.mcp_urls"
    settings.OAUTH_RESOURCE_SERVER |= {"resource": [NOTES, MAIL]}
    (found,) = [one for one in run_checks(tags=["urls"]) if one.id == "oauth_resource.W014"]
    assert "tests.resource.mcp_urls.named" in found.msg
    settings.OAUTH_RESOURCE_SERVER |= {"resource": NOTES}
    assert not [one for one in run_checks(tags=["urls"]) if one.id == "oauth_resource.W014"]


def test_requirements_compose_as_elsewhere():
    protect = protected_mcp(requires("a") | requires("b"), tools={"x": requires("c", bound=True)})
    assert str(protect(lambda request: None).requirement) == "a | b"
