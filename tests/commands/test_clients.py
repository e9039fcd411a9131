"""`manage.py listclients` and `disableclient`, and `createclient --if-missing`."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from django_oauth_server.models import Client
from tests.factories import ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db


def run(command: str, *flags: str) -> str:
    out = StringIO()
    call_command(command, *flags, stdout=out, stderr=StringIO())
    return out.getvalue()


def listed(*flags: str) -> list[str]:
    return [one["client_id"] for one in json.loads(run("listclients", "--json", *flags))]


def test_clients_are_listed_the_oldest_first() -> None:
    ClientFactory(client_id="one", metadata__client_name="Notebook")
    ClientFactory(client_id="two", metadata__client_name="Calendar", is_active=False)
    assert [line.split() for line in run("listclients").splitlines()] == [
        ["one", "enabled", "Notebook"],
        ["two", "disabled", "Calendar"],
    ]
    assert listed() == ["one", "two"]


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["--search", "note"], ["one"]),
        (["--search", "TWO"], ["two"]),
        (["--disabled"], ["two"]),
        (["--issuer", "https://as.example"], ["one", "two"]),
        (["--search", "nothing"], []),
    ],
)
def test_some_can_be_chosen(flags: list[str], found: list[str]) -> None:
    ClientFactory(client_id="one", metadata__client_name="Notebook")
    ClientFactory(client_id="two", metadata__client_name="Calendar", is_active=False)
    assert listed(*flags) == found


def test_json_has_what_is_registered_and_no_secret() -> None:
    client = ClientFactory(client_id="one", metadata__scope="notes:read")
    (one,) = json.loads(run("listclients", "--json"))
    assert (one["scope"], one["is_active"], one["issuer"]) == ("notes:read", True, "https://as.example")
    assert client.secret not in json.dumps(one) and client.secret_digest not in json.dumps(one)


def test_however_many_there_are_few_are_in_memory(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr("django_oauth_server.storage.batches.AT_ONCE", 2)
    names = [ClientFactory().client_id for _ in range(5)]
    with django_assert_num_queries(4):
        assert listed() == names


def test_a_disabled_client_gets_no_tokens() -> None:
    flow = Flow(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    said = json.loads(run("disableclient", flow.client.client_id, "--json"))
    assert said == [{"client_id": flow.client.client_id, "changed": True}]
    assert flow.token(grant_type="client_credentials").status_code == 401


def test_it_is_said_which_were_disabled_already() -> None:
    ClientFactory(client_id="one")
    ClientFactory(client_id="two", is_active=False)
    said = run("disableclient", "one", "two").splitlines()
    assert said == ["one was disabled.", "two was already disabled."]


def test_an_unknown_client_disables_none() -> None:
    ClientFactory(client_id="one")
    with pytest.raises(CommandError, match="no client nobody"):
        run("disableclient", "one", "nobody")
    assert Client.objects.get().is_active


def test_a_client_that_is_missing_is_made_once() -> None:
    asked = ("--client-id", "one", "--redirect-uri", "https://a.example/", "--if-missing", "--json")
    first = json.loads(run("createclient", *asked))
    before = Client.objects.values().get()
    again = json.loads(run("createclient", *asked, "--client-name", "Another"))
    assert "client_secret" in first and "client_secret" not in again
    assert Client.objects.values().get() == before


def test_a_client_that_is_made_meanwhile_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    ClientFactory(client_id="one")
    answers = iter([None, Client.objects.get()])
    module = "django_oauth_server.management.commands.createclient"
    monkeypatch.setattr(f"{module}.known_client", lambda *_: next(answers))
    run("createclient", "--client-id", "one", "--redirect-uri", "https://a.example/", "--if-missing")
    assert Client.objects.count() == 1


def test_what_is_missing_has_to_be_named() -> None:
    with pytest.raises(CommandError, match="--client-id"):
        run("createclient", "--redirect-uri", "https://a.example/", "--if-missing")
