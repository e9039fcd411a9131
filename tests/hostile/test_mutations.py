"""A good request of each grant, with one thing changed: it buys no more than the good one, and a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.http import HttpResponse
from hypothesis import given
from hypothesis import strategies as st

from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.protocol.opaque import REFRESH_TOKEN, generate
from tests.factories import TokenFactory
from tests.flow import TOKEN, VERIFIER, Flow
from tests.hostile.conftest import everything
from tests.hostile.junk import BOUNDED, FORM

Form = list[tuple[str, str]]


def with_code(caller: Flow) -> Form:
    return [
        ("grant_type", "authorization_code"),
        ("code", caller.code(scope="notes:read email")),
        ("redirect_uri", caller.redirect_uri),
        ("code_verifier", VERIFIER),
    ]


def with_refresh_token(caller: Flow) -> Form:
    token = TokenFactory(
        kind="refresh",
        value=generate(REFRESH_TOKEN),
        authorization__client=caller.client,
        scope="notes:read email",
        audience=["https://api.example/notes"],
    )
    return [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.value),
        ("scope", "email"),
        ("resource", "https://api.example/notes"),
    ]


def with_client_credentials(caller: Flow) -> Form:
    caller.client.metadata |= {"scope": "notes:read email"}  # which it gets as well where it names no scope
    caller.client.save()
    return [
        ("grant_type", "client_credentials"),
        ("scope", "notes:read email"),
        ("resource", "https://api.example/notes"),
    ]


GRANTS = [with_code, with_refresh_token, with_client_credentials]
ALLOWED = {"notes:read", "email"}

Mutation = Callable[[Form, Any], Form]


def left_out(form: Form, draw: Any) -> Form:
    index = draw(st.integers(0, len(form) - 1))
    return form[:index] + form[index + 1 :]


def emptied(form: Form, draw: Any) -> Form:
    return _changed(form, draw, lambda value: "")


def repeated(form: Form, draw: Any) -> Form:
    return [*form, draw(st.sampled_from(form))]


def exchanged(form: Form, draw: Any) -> Form:
    other = draw(st.sampled_from(form))[1]
    return _changed(form, draw, lambda value: other)


def cut(form: Form, draw: Any) -> Form:
    return _changed(form, draw, lambda value: value[: draw(st.integers(0, len(value) - 1))])


def with_more(form: Form, draw: Any) -> Form:
    more = draw(st.text(min_size=1, max_size=5) | st.sampled_from([" ", "\n", "=", ".", "/", "\0"]))
    return _changed(form, draw, lambda value: draw(st.sampled_from([value + more, more + value])))


def with_another_character(form: Form, draw: Any) -> Form:
    def change(value: str) -> str:
        at = draw(st.integers(0, len(value) - 1))
        return value[:at] + draw(st.characters(exclude_categories=["Cs"])) + value[at + 1 :]

    return _changed(form, draw, change)


def in_another_case(form: Form, draw: Any) -> Form:
    return _changed(form, draw, str.swapcase)


def _changed(form: Form, draw: Any, change: Callable[[str], str]) -> Form:
    index = draw(st.integers(0, len(form) - 1))
    name, value = form[index]
    return [*form[:index], (name, change(value)), *form[index + 1 :]]


MUTATIONS: list[Mutation] = [
    left_out,
    emptied,
    repeated,
    exchanged,
    cut,
    with_more,
    with_another_character,
    in_another_case,
]


def send(caller: Flow, form: Form, header: str | None = None) -> HttpResponse:
    body = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in form).encode()
    header = format_basic(caller.client.client_id, caller.client.secret) if header is None else header
    return caller.server.generic("POST", TOKEN, body, content_type=FORM, headers={"Authorization": header})


@pytest.mark.spec("RFC 6749", "5.2")
@pytest.mark.parametrize("grant", GRANTS)
@BOUNDED
@given(data=st.data())
def test_a_changed_request_buys_no_more_and_spends_nothing(
    caller: Flow, grant: Callable[[Flow], Form], data: Any
) -> None:
    form = grant(caller)
    mutated = data.draw(st.sampled_from(MUTATIONS), label="mutation")(form, data.draw)
    before = everything()
    response = send(caller, mutated)
    if response.status_code == 200:
        assert set(response.json()["scope"].split()) <= ALLOWED
        return
    assert response.status_code == 400
    assert response.json()["error"] in {
        "invalid_request",
        "invalid_grant",
        "invalid_scope",
        "invalid_target",
        "unsupported_grant_type",
    }
    assert everything() == before
    assert send(caller, form).status_code == 200


@pytest.mark.spec("RFC 6749", "2.3.1")
@pytest.mark.parametrize("grant", GRANTS)
@BOUNDED
@given(data=st.data())
def test_a_changed_proof_buys_nothing_and_spends_nothing(
    caller: Flow, grant: Callable[[Flow], Form], data: Any
) -> None:
    form, header = grant(caller), format_basic(caller.client.client_id, caller.client.secret)
    at = data.draw(st.integers(len("Basic "), len(header) - 4))
    other = data.draw(st.sampled_from([one for one in "Az9+/=, \u00e9" if one not in {header[at], " "}]))
    before = everything()
    response = send(caller, form, header[:at] + other + header[at + 1 :])
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert everything() == before
    assert send(caller, form).status_code == 200
