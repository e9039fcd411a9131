"""The Basic scheme with a form-encoded client id and secret (RFC 6749 section 2.3.1)."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_oauth_server.protocol.basic import format_basic, parse_basic

PROPERTY = settings(max_examples=300, deadline=None, derandomize=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


def encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@PROPERTY
@given(client_id=TEXT, secret=TEXT)
def test_any_id_and_secret_survive(client_id: str, secret: str) -> None:
    assert parse_basic(format_basic(client_id, secret).removeprefix("Basic ")) == (client_id, secret)


@pytest.mark.spec("RFC 6749", "2.3.1")
@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b"id:secret", ("id", "secret")),
        (b"id:", ("id", "")),
        (b"id:a:b", ("id", "a:b")),
        (b"i%3Ad:a%3Ab", ("i:d", "a:b")),
        (b"i+d:a%2Bb", ("i d", "a+b")),
        ("ïd:sëcret".encode(), ("ïd", "sëcret")),
        (b"%C3%AFd:s%C3%ABcret", ("ïd", "sëcret")),
    ],
)
def test_what_clients_send(raw: bytes, read: tuple[str, str]) -> None:
    assert parse_basic(encoded(raw)) == read


@pytest.mark.spec("RFC 7617", "2")
@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "!",
        "é",
        "aWQ6c2VjcmV",
        "aWQ6c2Vjc mV0",
        "aWQ6c2VjcmV0, Basic aWQ6c2VjcmV0",
        encoded(b"no colon"),
        encoded(b"\xff:\xff"),
        encoded(b"%ff:secret"),
        encoded(b"id:%00"),
        encoded(b"i\0d:secret"),
    ],
)
def test_what_is_malformed_is_refused(credentials: str) -> None:
    with pytest.raises(ValueError):
        parse_basic(credentials)


@PROPERTY
@given(st.text(max_size=60) | st.binary(max_size=60).map(encoded))
def test_any_credentials_are_read_or_refused(credentials: str) -> None:
    try:
        client_id, secret = parse_basic(credentials)
    except ValueError:
        return
    assert "\0" not in client_id + secret
