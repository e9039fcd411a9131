"""Wrong methods are answered 405, with those that are right (RFC 9110 section 15.5.6), and change nothing."""

from __future__ import annotations

import re

import pytest

from django_oauth_server.component import WELL_KNOWN
from django_oauth_server.registry import default_issuer
from tests.flow import AUTHORIZE, END_SESSION, INTROSPECT, REVOKE, TOKEN, USERINFO, Flow

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "NONSENSE"}
NOT_CONNECTED = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
ALLOWED = {
    AUTHORIZE: {"GET", "POST"},
    f"{AUTHORIZE}/decision": {"POST"},
    "/oauth/device_authorization": {"POST", "OPTIONS"},
    "/device": {"GET", "POST"},
    TOKEN: {"POST", "OPTIONS"},
    REVOKE: {"POST", "OPTIONS"},
    "/oauth/par": {"POST", "OPTIONS"},
    INTROSPECT: {"POST"},
    "/oauth/register": {"POST", "OPTIONS"},
    "/oauth/register/nobody": {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"},
    USERINFO: {"GET", "HEAD", "POST", "OPTIONS"},
    "/oauth/jwks": {"GET", "HEAD", "OPTIONS"},
    "/.well-known/oauth-authorization-server": {"GET", "HEAD", "OPTIONS"},
    "/.well-known/openid-configuration": {"GET", "HEAD", "OPTIONS"},
    "/oauth/health": {"GET", "HEAD"},
    "/oauth/start/nobody": {"GET", "POST"},
    "/oauth/connected-apps/": {"GET", "HEAD"},
    f"/oauth/connected-apps/{NOT_CONNECTED}/remove": {"GET", "POST"},
    "/oauth/logo": {"GET", "HEAD"},
    END_SESSION: {"GET", "POST"},
    "/oauth/check-session": {"GET", "HEAD"},
    f"{END_SESSION}/decision": {"POST"},
}
CORS = {path for path, methods in ALLOWED.items() if "OPTIONS" in methods}


def test_each_endpoint_is_looked_at() -> None:
    routes = [
        (WELL_KNOWN if endpoint.well_known else "") + endpoint.route
        for component in default_issuer().components
        for endpoint in component.endpoints
    ]
    patterns = {route: re.sub(r"<[^>]+>", "[^/]+", route) for route in routes}
    looked_at = [path.removeprefix("/") for path in ALLOWED]
    assert [route for route in routes if not any(re.fullmatch(patterns[route], path) for path in looked_at)] == []


@pytest.mark.spec("RFC 9110", "15.5.6")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path in ALLOWED for method in sorted(METHODS - ALLOWED[path])]
)
def test_other_methods_are_refused(caller: Flow, path: str, method: str) -> None:
    response = caller.browser.generic(method, path, b"a=b", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 405
    assert set(response["Allow"].split(", ")) == ALLOWED[path]


@pytest.mark.spec("RFC 9110", "15.5.6")
@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("path", [TOKEN, REVOKE, INTROSPECT])
def test_a_machine_is_told_in_json(caller: Flow, path: str) -> None:
    assert caller.server.get(path).json()["error"] == "invalid_request"


@pytest.mark.spec("OAuth 2.1", "3.1")
@pytest.mark.parametrize("path", ALLOWED)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_other_origins_may_call_where_no_cookie_counts_and_nowhere_else(
    caller: Flow, path: str, method: str, signed_in: bool
) -> None:
    browser = caller.browser if signed_in else caller.server
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    response = browser.generic(method, path, b"a=b", content_type="application/x-www-form-urlencoded", headers=headers)
    named = {name for name in response.headers if name.startswith("Access-Control-")}
    if path in CORS and (method in ALLOWED[path]):
        assert response["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in named
    elif path not in CORS:
        assert not named


@pytest.mark.parametrize("path", sorted(CORS))
def test_a_preflight_says_what_a_browser_may_send(caller: Flow, path: str) -> None:
    response = caller.server.options(path, headers={"Origin": "https://app.example"})
    assert response.status_code == 204
    assert set(response["Access-Control-Allow-Methods"].split(", ")) <= ALLOWED[path]
    assert {"Authorization", "Content-Type"} <= set(response["Access-Control-Allow-Headers"].split(", "))
