"""What an MCP endpoint serves is what it judged, however the body is written and whichever parser reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic_core import from_json

pytestmark = pytest.mark.urls("tests.resource.mcp_urls")
FORBIDDEN = {"write", "admin.delete", "notes://secret/1", "tidy"}
"""Names for which a reader's token is not enough."""

_names = st.sampled_from(
    [
        "write",
        "list",
        "admin.delete",
        "notes://1",
        "notes://secret/1",
        "notes://x/../secret/1",
        "tidy",
        "wri\\u0074e",
        "x",
    ]
)
_methods = st.sampled_from(
    ["tools/call", "tools/list", "tools\\/call", "to\\u006fls/call", "resources/read", "prompts/get"]
)
_keys = st.sampled_from(["name", "uri", "na\\u006de", "Name", "name ", "method", "params", "METHOD", "\\u006dethod"])
_numbers = st.sampled_from(["1", "-0", "1e400", "01", "1.", "NaN", "Infinity", "9" * 30])


@st.composite
def _object(draw: Any, depth: int = 2) -> str:
    values = [_names.map(lambda name: f'"{name}"'), _methods.map(lambda name: f'"{name}"'), _numbers, st.just("null")]
    if depth:
        values.append(_object(depth - 1))
    members = draw(st.lists(st.tuples(_keys, st.one_of(values)), max_size=4))
    return "{" + ",".join(f'"{key}":{value}' for key, value in members) + "}"


@st.composite
def bodies(draw: Any) -> bytes:
    """Nearly a call, with members that are named twice, in another case or by escapes, and around it what parsers skip or stumble over."""
    name, method, key = draw(_names), draw(_methods), draw(_keys)
    extra = draw(st.lists(st.tuples(_keys, st.one_of(_object(), _methods.map(lambda one: f'"{one}"'))), max_size=2))
    members = [
        ("jsonrpc", '"2.0"'),
        ("id", draw(_numbers)),
        ("method", f'"{method}"'),
        ("params", f'{{"{key}":"{name}"}}'),
        *extra,
    ]
    text = "{" + ",".join(f'"{one}":{value}' for one, value in draw(st.permutations(members))) + "}"
    text = draw(
        st.sampled_from(
            [text, f"[{text}]", f"[{text},{text}]", f"\ufeff{text}", f"{text} x", f"/**/{text}", f"{text}\x00"]
        )
    )
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-16", "utf-32-le"])))


@pytest.fixture(autouse=True)
def _resource_server(settings: Any) -> None:
    settings.OAUTH_RESOURCE_SERVER = {"verifier": "tests.resource.verifiers.KnownTokens", "bindings": []}


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies())
def test_nothing_is_served_that_some_parser_reads_as_a_call_that_is_not_allowed(body: bytes) -> None:
    client = Client(headers={"Authorization": "Bearer reader"})
    response = client.post("/mcp", body, content_type="application/json")
    assert response.status_code in {200, 400, 403, 413}
    if response.status_code != 200:
        return
    readings = [from_json(body), json.loads(body)]
    assert readings[0] == readings[1]
    for message in readings[0] if isinstance(readings[0], list) else [readings[0]]:
        assert not FORBIDDEN & _named(message), message


def _named(message: Any) -> set[str]:
    """What *message* calls by name."""
    params = message.get("params")
    if message.get("method") not in {"tools/call", "resources/read", "prompts/get"} or not isinstance(params, dict):
        return set()
    return {params[key] for key in ("name", "uri") if isinstance(params.get(key), str)} & {
        params.get("uri" if message["method"] == "resources/read" else "name")
    }
