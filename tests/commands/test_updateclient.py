"""`manage.py updateclient`."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_oauth_server.models import Authorization, Client
from tests.factories import AuthorizationFactory, ClientFactory

pytestmark = pytest.mark.django_db


def update(*flags: str) -> dict[str, Any]:
    out = StringIO()
    call_command("updateclient", *flags, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


@pytest.fixture
def notebook() -> Client:
    return ClientFactory(
        client_id="notebook",
        metadata__client_name="Notebook",
        metadata__redirect_uris=["https://notebook.example/callback"],
        metadata__logo_uri="https://notebook.example/logo.png",
        metadata__scope="notes:read",
    )


def test_only_what_is_given_changes(notebook: Client) -> None:
    before, secret = dict(notebook.metadata), notebook.secret_digest
    said = update("notebook", "--scope", "notes:read notes:write", "--client-name", "Notes")
    after = Client.objects.get()
    assert after.metadata == before | {"scope": "notes:read notes:write", "client_name": "Notes"}
    assert (said["client_name"], "client_secret" in said, after.secret_digest) == ("Notes", False, secret)


def test_a_list_replaces_the_registered_one(notebook: Client) -> None:
    update("notebook", "--redirect-uri", "https://a.example/", "--redirect-uri", "https://b.example/")
    assert Client.objects.get().redirect_uris == ["https://a.example/", "https://b.example/"]


def test_a_document_changes_what_it_names(notebook: Client) -> None:
    update("notebook", "--metadata", '{"contacts": ["mail@notebook.example"]}')
    assert Client.objects.get().metadata["contacts"] == ["mail@notebook.example"]
    assert Client.objects.get().name == "Notebook"


def test_a_member_can_be_removed(notebook: Client) -> None:
    update("notebook", "--remove", "logo_uri")
    assert "logo_uri" not in Client.objects.get().metadata
    with pytest.raises(CommandError, match="--remove logo_uri"):
        update("notebook", "--remove", "logo_uri")


def test_response_types_follow_the_grant_types(notebook: Client) -> None:
    update("notebook", "--grant-types", "client_credentials")
    assert (Client.objects.get().grant_types, Client.objects.get().metadata["response_types"]) == (
        ["client_credentials"],
        [],
    )


def test_what_is_no_metadata_changes_too(notebook: Client) -> None:
    update("notebook", "--skip-consent", "--access-token-format", "at+jwt", "--profile", "oauth2_1")
    columns = Client.objects.values("skip_consent", "access_token_format", "profile")
    assert columns.get() == {"skip_consent": True, "access_token_format": "at+jwt", "profile": "oauth2_1"}
    update("notebook", "--no-skip-consent", "--access-token-format", "", "--profile", "")
    assert columns.get() == {"skip_consent": False, "access_token_format": "", "profile": ""}


def test_a_client_that_needs_a_secret_from_now_on_is_given_one(notebook: Client) -> None:
    assert "client_secret" not in update("notebook", "--token-endpoint-auth-method", "none")
    assert not Client.objects.get().secret_digest
    assert update("notebook", "--token-endpoint-auth-method", "client_secret_basic")["client_secret"]


def test_a_disabled_client_can_be_enabled(notebook: Client) -> None:
    call_command("disableclient", "notebook", stdout=StringIO())
    update("notebook", "--client-name", "Notes")
    assert not Client.objects.get().is_active
    update("notebook", "--enable")
    assert Client.objects.get().is_active


def test_one_that_a_document_describes_can_be_enabled_and_no_more() -> None:
    client_id = "https://app.example/client.json"
    ClientFactory(client_id=client_id, registered_by="document", source="client_id_metadata_document")
    call_command("disableclient", client_id, stdout=StringIO())
    for more in (["--client-name", "Ours"], ["--remove", "client_name"], ["--skip-consent"], ["--owner", ""]):
        with pytest.raises(CommandError, match="cannot be changed here"):
            update(client_id, "--enable", *more)
    with pytest.raises(CommandError, match="cannot be changed here"):
        update(client_id)
    assert not Client.objects.get().is_active
    before = Client.objects.values("metadata", "secret_digest").get()
    update(client_id, "--enable")
    assert Client.objects.get().is_active
    assert Client.objects.values("metadata", "secret_digest").get() == before


def test_moving_to_another_sector_ends_what_was_allowed(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"pairwise_salt": "s" * 32}
    client = ClientFactory(
        client_id="notebook", metadata__subject_type="pairwise", metadata__redirect_uris=["https://a.example/"]
    )
    AuthorizationFactory(client=client)
    update("notebook", "--redirect-uri", "https://b.example/")
    assert Authorization.objects.get().is_live is None


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["notebook", "--redirect-uri", "http://client.example/"], "redirect_uris: http://client.example/"),
        (["notebook", "--scope", "other"], "scope: 'other'"),
        (["notebook", "--access-token-format", "paper"], "access_token_format: 'paper'"),
        (["notebook", "--profile", "paper"], "There is no profile paper"),
        (["notebook", "--metadata", "[]"], "must be a JSON object"),
        (["notebook", "--redirect-uri", "com.example:/", "--token-endpoint-auth-method", "none", "--skip-consent"], "7.3.1"),
        (["nobody", "--client-name", "x"], "There is no client nobody"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_member_and_changes_nothing(notebook: Client, flags: list[str], words: str) -> None:
    before = Client.objects.values().get()
    with pytest.raises(CommandError, match=words):
        update(*flags)
    assert Client.objects.values().get() == before
