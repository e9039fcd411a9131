"""Scripts of other origins (CORS): what they may call, with whatever headers their protocols need."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

pytestmark = pytest.mark.django_db

SHARED = {
    "/.well-known/oauth-authorization-server": "GET",
    "/.well-known/openid-configuration": "GET",
    "/.well-known/oauth-protected-resource": "GET",
    "/oauth/jwks": "GET",
    "/oauth/token": "POST",
    "/oauth/revoke": "POST",
    "/oauth/register": "POST",
    "/oauth/register/some-client": "PUT",
    "/oauth/userinfo": "GET",
}


def preflight(path: str, method: str, headers: str) -> HttpResponse:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return Browser().options(path, headers={"Origin": "https://app.example"} | asked)


@pytest.mark.parametrize(("path", "method"), SHARED.items())
def test_a_script_may_send_the_headers_that_its_protocol_has(path: str, method: str) -> None:
    response = preflight(
        path, method, "authorization,mcp-protocol-version,traceparent, tracestate,sentry-trace,baggage"
    )
    allowed = set(response["Access-Control-Allow-Headers"].lower().split(", "))
    assert response.status_code == 204
    assert {"authorization", "content-type", "mcp-protocol-version", "traceparent", "tracestate", "baggage"} <= allowed
    assert method in response["Access-Control-Allow-Methods"]
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Request-Headers" in response["Vary"]
    assert int(response["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("asked", ["", "x y", "*, é", "a" * 1000, "a\tb", ";", ","])
def test_what_is_no_name_of_a_header_is_not_told_back(asked: str) -> None:
    allowed = preflight("/oauth/token", "POST", asked)["Access-Control-Allow-Headers"]
    assert allowed.replace(", *", "") == preflight("/oauth/token", "POST", "")["Access-Control-Allow-Headers"]


def test_the_names_that_are_told_back_are_few() -> None:
    asked = ",".join(f"x-{number}" for number in range(1000))
    assert len(preflight("/oauth/token", "POST", asked)["Access-Control-Allow-Headers"].split(", ")) < 40


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("DELETE", path, 405) for path in SHARED if "some-client" not in path),
        ("POST", "/oauth/jwks", 405),
        ("GET", "/.well-known/oauth-protected-resource/nowhere", 404),
        ("POST", "/oauth/token", 400),
        ("GET", "/oauth/userinfo", 401),
        ("GET", "/oauth/register/some-client", 401),
    ],
)
def test_a_script_can_read_that_it_was_refused(method: str, path: str, status: int) -> None:
    response = Browser().generic(method, path, headers={"Origin": "https://app.example"})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (status, "*")
    assert "WWW-Authenticate" in response["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/authorize"])
def test_elsewhere_no_other_origin_is_let_in(path: str) -> None:
    response = preflight(path, "POST", "traceparent")
    assert not [name for name in response.headers if name.startswith("Access-Control-")]
