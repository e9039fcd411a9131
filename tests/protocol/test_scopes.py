"""Scope, as it is written (RFC 6749 section 3.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_oauth_server.protocol.errors import InvalidScope
from django_oauth_server.protocol.scopes import format_scope, parse_scope

PROPERTY = settings(max_examples=200, deadline=None, derandomize=True)
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1)


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ("", ()),
        ("  ", ()),
        ("read", ("read",)),
        ("write read", ("write", "read")),
        ("read  write ", ("read", "write")),
        ("read read", ("read",)),
        ("Read read", ("Read", "read")),
        ("https://api.example/notes.read!#$%&'()*+,-./:;<=>?@[]^_`{|}~", None),
    ],
)
def test_scope_tokens_in_order_each_once(value: str, scopes: tuple[str, ...] | None) -> None:
    assert parse_scope(value) == (scopes if scopes is not None else (value,))


@pytest.mark.spec("RFC 6749", "3.3")
@pytest.mark.parametrize("value", ['a"b', "a\\b", "nötes", "a\tb", "a\nb", "a\rb", "a\x7f", "a\x00", "a\u00a0b", "\n"])
def test_no_other_character_is_let_in(value: str) -> None:
    with pytest.raises(InvalidScope):
        parse_scope(value)


@PROPERTY
@given(st.text(max_size=50))
def test_any_text_is_read_or_refused(value: str) -> None:
    try:
        scopes = parse_scope(value)
    except InvalidScope:
        return
    assert all(scope.isascii() and scope.isprintable() for scope in scopes)


@PROPERTY
@given(st.frozensets(TOKENS))
def test_equal_sets_read_equal(scopes: frozenset[str]) -> None:
    written = format_scope(scopes)
    assert frozenset(parse_scope(written)) == scopes
    assert written == format_scope(sorted(scopes, reverse=True))
