"""What a request at a protected MCP endpoint costs the database beside its authorization server: what its token does, whatever it asks for."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client as Browser
from django.urls import include, path

from django_oauth_server.resource.mcp import protected_mcp
from django_oauth_server.testing.tokens import issue_token
from tests.budgets.test_statements import signing, statements  # noqa: F401
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.usefixtures("signing")]
NEEDS = protected_mcp("notes:read", tools={"list": "notes:read", "write": "notes:write"})


def notes(http: HttpRequest) -> HttpResponse:
    """Begins a session, and makes no statement of its own."""
    return HttpResponse(http.auth.subject, headers={"Mcp-Session-Id": "abc"})


async def anotes(http: HttpRequest) -> HttpResponse:
    return notes(http)


urlpatterns = [
    path("", include("tests.urls")),
    path("mcp", NEEDS(notes)),
    path("async/mcp", NEEDS(anotes)),
]


def called(name: str, number: int = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name}}


@pytest.mark.parametrize("at", ["/mcp", "/async/mcp"])
@pytest.mark.parametrize("format, cost", [("opaque", ["SELECT token"]), ("at+jwt", [])], ids=["opaque", "at+jwt"])
def test_a_request_at_an_mcp_endpoint(at: str, format: str, cost: list[str]) -> None:
    """Each process reads revocations once in a while. A refusal costs no more, nor does a batch or a session."""
    token = issue_token(user=UserFactory(), scopes="notes:read", format=format)

    def post(body: object, **headers: str) -> HttpResponse:
        headers = {"Authorization": f"Bearer {token}"} | headers
        return Browser().post(at, body, "application/json", headers=headers)

    session = post(called("list"))["Mcp-Session-Id"]
    for body, headers, status in (
        (called("list"), {}, 200),
        (called("list"), {"Mcp-Session-Id": session}, 200),
        ([called("list", number) for number in range(20)], {}, 200),
        (called("write"), {}, 403),
    ):
        with statements() as made:
            assert post(body, **headers).status_code == status
        assert made == cost
