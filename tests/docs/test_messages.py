"""Every message of the package has a line that says what to do about it."""

from __future__ import annotations

import django_oauth_server
from tests.docs.pages import DOCS, generate

SAID = generate.read_messages(django_oauth_server)
ADVICE = generate.advice_on_messages()
RULES = "invalid_client_metadata"
"""Whose descriptions are rules: they say themselves what to do."""
IN_TABLES = {
    "errors": {one.of for one in SAID if one.kind == "told"},
    "told": {one.text for one in SAID if one.kind == "told" and one.of != RULES},
    "log": {one.text for one in SAID if one.kind == "log"},
}


def test_no_message_is_without_advice() -> None:
    missing = {
        table: sorted(there - {one for one, advice in ADVICE[table].items() if advice})
        for table, there in IN_TABLES.items()
    }
    assert not any(missing.values()), f"add a line to docs/advice.toml, and run docs/generate.py: {missing}"


def test_every_system_check_says_what_to_do() -> None:
    silent = {one.of for one in SAID if one.kind == "check" and not one.hint}
    silent -= {one for one, advice in ADVICE["check"].items() if advice}
    assert not silent, f"give it a hint, or a line in docs/advice.toml: {silent}"


def test_no_advice_is_left_over() -> None:
    left = {table: sorted(ADVICE[table].keys() - there) for table, there in IN_TABLES.items()}
    assert not any(left.values()), f"no message of the package reads so: change docs/advice.toml: {left}"


def test_messages_are_found_where_they_are_made() -> None:
    """One of each way in which the source says one."""
    texts = {one.text for one in SAID}
    assert texts >= {
        "The code was redeemed before.",  # an error as it is raised
        "The parameter … is repeated.",  # with a value
        "Too many requests. Try again later.",  # of its class
        "The access token does not allow this request.",  # a challenge
        "another client's code",  # what a function returns
        "iss and sub are not the client",  # what a generator yields
        "meant for another audience",  # an exception of the resource server
        "refused at …: …… […]",  # a line of the log
        "It must be an https URL.",  # a rule of client metadata
    }
    assert {"oauth_server.E001", "oauth_resource.W013"} <= {one.of for one in SAID}
    assert (DOCS / "reference" / "messages.md").exists()
