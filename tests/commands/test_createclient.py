"""`manage.py createclient`."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_oauth_server.clients.kinds import kind_of
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer
from tests.factories import UserFactory
from tests.flow import Flow

REDIRECT = ("--redirect-uri", "https://client.example/callback")

pytestmark = pytest.mark.django_db


def create(*flags: str, stderr: StringIO | None = None) -> str:
    out = StringIO()
    call_command("createclient", *flags, stdout=out, stderr=stderr or StringIO())
    return out.getvalue()


def create_json(*flags: str) -> dict[str, object]:
    return json.loads(create("--json", *flags))


@pytest.mark.spec("RFC 7591", "3.2.1")
def test_json_is_the_client_information_response():
    information = create_json(*REDIRECT, "--client-name", "Notebook", "--scope", "notes:read")
    client = Client.objects.get(client_id=information["client_id"])
    assert client.has_secret(str(information.pop("client_secret")), timezone.now())
    assert information == {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_secret_expires_at": 0,
        "client_name": "Notebook",
        "redirect_uris": ["https://client.example/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "notes:read",
    }


def test_what_it_prints_is_what_a_client_needs(browser):
    chosen = ("--client-id", "notebook", "--client-secret", "a%b+c&d:ü" * 5)
    information = create_json(*REDIRECT, *chosen, "--scope", "notes:read notes:write")
    client = Client.objects.get(client_id="notebook")
    client.secret = information["client_secret"]
    assert Flow(client, browser).tokens()["access_token"]


def test_without_a_scope_it_may_ask_for_the_default_alone_and_the_command_says_so(settings):
    said = StringIO()
    information = json.loads(create(*REDIRECT, "--json", stderr=said))
    assert information["scope"] == ""
    assert "can't request any scope" in said.getvalue()
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ["notes:read"]}
    said = StringIO()
    assert json.loads(create(*REDIRECT, "--json", stderr=said))["scope"] == "notes:read"
    assert not said.getvalue()


def test_a_resource_server_needs_no_scope():
    said = StringIO()
    create("--resource-identifiers", "https://api.example/notes", stderr=said)
    assert not said.getvalue()


def test_in_words_it_says_that_the_secret_cannot_be_shown_again():
    assert "It cannot be shown again" in create(*REDIRECT, "--client-name", "Notebook")


def test_a_public_client_has_no_secret():
    information = create_json(*REDIRECT, "--public")
    assert information["token_endpoint_auth_method"] == "none"
    assert "client_secret" not in information


def test_flags_may_be_repeated_or_take_several_values():
    information = create_json(
        "--redirect-uri", "https://a.example/", "--redirect-uris", "https://b.example/", "com.example.app:/"
    )
    assert information["redirect_uris"] == ["https://a.example/", "https://b.example/", "com.example.app:/"]


def test_metadata_may_be_a_document_and_flags_come_first():
    document = {"client_name": "Old", "redirect_uris": ["https://a.example/"], "contacts": ["mail@a.example"]}
    information = create_json("--metadata", json.dumps(document), "--client-name", "New")
    assert information["client_name"] == "New"
    assert information["contacts"] == ["mail@a.example"]


def test_a_resource_server_needs_only_its_resource():
    information = create_json("--resource-identifiers", "https://api.example/notes")
    assert information["grant_types"] == []


def test_columns_of_our_own_are_flags():
    create(
        *REDIRECT,
        "--client-id",
        "notebook",
        "--skip-consent",
        "--access-token-format",
        "at+jwt",
        "--profile",
        "oauth2_1",
    )
    assert Client.objects.values("skip_consent", "access_token_format", "profile").get() == {
        "skip_consent": True,
        "access_token_format": "at+jwt",
        "profile": "oauth2_1",
    }


def test_a_short_secret_is_warned_of_and_works():
    stderr = StringIO()
    create(*REDIRECT, "--client-id", "notebook", "--client-secret", "short", stderr=stderr)
    assert "short" in stderr.getvalue()
    assert Client.objects.get().has_secret("short", timezone.now())


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "redirect_uris: At least one"),
        (["--redirect-uri", "http://client.example/"], "redirect_uris: http://client.example/: http is for loopback"),
        ([*REDIRECT, "--grant-types", "password"], "grant_types: 'password' is not offered here"),
        ([*REDIRECT, "--scope", "other"], "scope: 'other' is not offered here"),
        ([*REDIRECT, "--metadata", '{"redirect_url": 1}'], "redirect_url: .*Did you mean redirect_uris"),
        ([*REDIRECT, "--metadata", "[]"], "must be a JSON object"),
        ([*REDIRECT, "--metadata", "{"], "not JSON"),
        ([*REDIRECT, "--jwks", "{"], "not JSON"),
        (
            [*REDIRECT, "--issuer", "https://other.example"],
            "no issuer https://other.example. Choose one of: https://as.example",
        ),
        ([*REDIRECT, "--issuer", ""], 'no issuer "". Choose one of: https://as.example'),
        ([*REDIRECT, "--access-token-format", "paper"], "access_token_format: 'paper'"),
        (["--redirect-uri", "com.example:/", "--public", "--skip-consent"], "skip_consent: .*7.3.1"),
        ([*REDIRECT, "--client-id", "12"], "client_id: "),
    ],
)
def test_a_refusal_names_the_member_and_the_rule(flags, words):
    with pytest.raises(CommandError, match=words):
        create(*flags)
    assert not Client.objects.exists()


def test_a_client_with_a_key_of_its_own_has_no_secret():
    flags = ("--token-endpoint-auth-method", "private_key_jwt")
    with pytest.raises(CommandError, match="jwks"):
        create(*REDIRECT, *flags)
    information = create_json(*REDIRECT, *flags, "--jwks-uri", "https://client.example/jwks.json")
    assert "client_secret" not in information
    assert information["jwks_uri"] == "https://client.example/jwks.json"


def test_several_blanks_between_scopes_count_as_one():
    create(*REDIRECT, "--scope", " notes:read   openid  notes:read ")
    assert Client.objects.get().metadata["scope"] == "notes:read openid"


KIND_ENTERED = {
    "web": REDIRECT,
    "spa": REDIRECT,
    "native": REDIRECT,
    "device": (),
    "service": (),
    "api": ("--resource-identifiers", "https://as.example"),
}


@pytest.mark.parametrize("kind", KIND_ENTERED)
def test_a_client_is_registered_by_its_kind(kind: str):
    information = create_json("--kind", kind, "--client-name", "Board", "--scope", "notes:read", *KIND_ENTERED[kind])
    client = Client.objects.get(client_id=information["client_id"])
    assert kind_of(client, default_issuer()).name == kind


def test_a_flag_says_more_than_the_kind():
    information = create_json("--kind", "spa", *REDIRECT, "--grant-types", "authorization_code")
    assert information["grant_types"] == ["authorization_code"]
    assert information["token_endpoint_auth_method"] == "none"


def test_a_kind_that_is_not_offered_is_refused(settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "device": {"enabled": False}}
    with pytest.raises(CommandError, match="--kind device: .* Choose one of: web, spa, native, service, api"):
        create("--kind", "device")


def test_a_client_belongs_to_its_owner():
    person = UserFactory(username="ada")
    information = create_json(*REDIRECT, "--owner", "ada")
    assert Client.objects.get(client_id=information["client_id"]).owner == person
    with pytest.raises(CommandError, match="There is no user eve"):
        create(*REDIRECT, "--owner", "eve")
    with pytest.raises(CommandError, match="There is no user"):
        create(*REDIRECT, "--owner", "")


def test_an_owner_is_changed_and_taken_away():
    person = UserFactory(username="ada")
    client_id = create_json(*REDIRECT)["client_id"]
    call_command("updateclient", client_id, "--owner", "ada", stdout=StringIO())
    assert Client.objects.get(client_id=client_id).owner == person
    call_command("updateclient", client_id, "--client-name", "Board", stdout=StringIO())
    assert Client.objects.get(client_id=client_id).owner == person
    call_command("updateclient", client_id, "--owner", "", stdout=StringIO())
    assert Client.objects.get(client_id=client_id).owner is None


def test_an_id_that_is_an_address_is_refused() -> None:
    with pytest.raises(CommandError, match="must not begin with https://"):
        call_command("createclient", client_id="https://apps.example/client.json", redirect_uri=["https://a.example/"])
