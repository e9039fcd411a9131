"""Values that mean nothing to who holds them."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_oauth_server.protocol import opaque

PREFIXES = [
    opaque.ACCESS_TOKEN,
    opaque.REFRESH_TOKEN,
    opaque.CLIENT_SECRET,
    opaque.AUTHORIZATION_CODE,
    opaque.INTERACTION,
]
KEY = b"k" * 32


def random_part(value: str, prefix: str) -> bytes:
    text = value.removeprefix(prefix)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_each_kind_is_known_by_its_prefix() -> None:
    assert len(set(PREFIXES)) == len(PREFIXES)
    assert not [one for one in PREFIXES for other in PREFIXES if one != other and one.startswith(other)]


@pytest.mark.spec("OAuth 2.1", "7.7")
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_value_holds_256_bits_and_is_never_made_twice(prefix: str) -> None:
    made = {opaque.generate(prefix) for _ in range(100)}
    assert len(made) == 100
    assert {len(random_part(value, prefix)) for value in made} == {32}


@pytest.mark.spec("RFC 6750", "2.1")
def test_a_value_travels_in_a_header_and_in_a_url() -> None:
    value = opaque.generate(opaque.ACCESS_TOKEN) + opaque.derive(opaque.ACCESS_TOKEN, KEY, "x")
    assert value.replace("-", "").replace("_", "").isalnum()
    assert value.isascii()


def test_what_is_stored_does_not_give_the_value_away() -> None:
    value = opaque.generate(opaque.ACCESS_TOKEN)
    assert len(opaque.digest(value)) == 64
    assert value.removeprefix(opaque.ACCESS_TOKEN) not in opaque.digest(value)


def test_a_successor_is_the_same_each_time_and_another_for_another_key() -> None:
    one = opaque.derive(opaque.REFRESH_TOKEN, KEY, "presented", "salt")
    assert one == opaque.derive(opaque.REFRESH_TOKEN, KEY, "presented", "salt")
    assert one != opaque.derive(opaque.REFRESH_TOKEN, b"other", "presented", "salt")
    assert len(random_part(one, opaque.REFRESH_TOKEN)) == 32


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_no_two_lists_of_parts_make_the_same(one: list[str], other: list[str]) -> None:
    derived = [opaque.derive(opaque.ACCESS_TOKEN, KEY, *parts) for parts in (one, other)]
    assert (derived[0] == derived[1]) == (one == other)


ORIGIN = opaque.Origin(2**40, UUID(int=7), 1_800_000_000)


def test_a_sealed_value_tells_its_origin_to_the_key_alone_and_for_one_issuer() -> None:
    sealed = opaque.seal(opaque.generate(opaque.REFRESH_TOKEN), ORIGIN, KEY, "https://as.example")
    assert opaque.unseal(sealed, KEY, "https://as.example") == ORIGIN
    assert opaque.unseal(sealed, b"K" * 32, "https://as.example") is None
    assert opaque.unseal(sealed, KEY, "https://other.example") is None


@given(st.integers(0, 113), st.characters())
def test_a_sealed_value_with_another_character_anywhere_is_not_ours(at: int, character: str) -> None:
    sealed = opaque.seal(opaque.REFRESH_TOKEN + "s" * 43, ORIGIN, KEY, "https://as.example")
    changed = sealed[:at] + character + sealed[at + 1 :]
    assert (opaque.unseal(changed, KEY, "https://as.example") is None) is (changed != sealed)


@given(st.text())
def test_whatever_is_presented_is_no_error(text: str) -> None:
    assert opaque.unseal(text, KEY, "https://as.example") is None


def test_the_same_origin_reads_otherwise_in_another_value() -> None:
    one, other = (opaque.seal(opaque.generate(opaque.REFRESH_TOKEN), ORIGIN, KEY, "https://as.example") for _ in "12")
    assert one[50:] != other[50:]
