"""Wrong methods are answered 405, with those that are right (RFC 9110 section 15.5.6), and change nothing."""

from __future__ import annotations

import pytest

from tests.flow import AUTHORIZE, END_SESSION, INTROSPECT, REVOKE, TOKEN, Flow

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "NONSENSE"}
ALLOWED = {
    AUTHORIZE: {"GET", "POST"},
    f"{AUTHORIZE}/decision": {"POST"},
    TOKEN: {"POST", "OPTIONS"},
    REVOKE: {"POST", "OPTIONS"},
    INTROSPECT: {"POST"},
    "/oauth/register": {"POST", "OPTIONS"},
    "/oauth/register/nobody": {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"},
    "/oauth/jwks": {"GET", "HEAD", "OPTIONS"},
    "/.well-known/oauth-authorization-server": {"GET", "HEAD", "OPTIONS"},
    "/oauth/connected-apps/": {"GET", "HEAD"},
    "/oauth/logo": {"GET", "HEAD"},
    END_SESSION: {"GET", "POST"},
    "/oauth/check-session": {"GET", "HEAD"},
    f"{END_SESSION}/decision": {"POST"},
}
NOT_CONNECTED = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
CORS = {
    TOKEN,
    REVOKE,
    "/oauth/register",
    "/oauth/register/nobody",
    "/oauth/jwks",
    "/.well-known/oauth-authorization-server",
}


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
@pytest.mark.parametrize("path", [*ALLOWED, f"/oauth/connected-apps/{NOT_CONNECTED}/remove"])
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
