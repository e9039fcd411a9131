"""What a client may register, and what it is told otherwise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_oauth_server.clients.metadata import choices_of, members_of, terms_of
from django_oauth_server.clients.registration import (
    client_information,
    create_client,
    new_secret,
    review,
    revise_client,
    validate,
)
from django_oauth_server.clients.secrets import clear_secrets
from django_oauth_server.errors import InvalidClientMetadata, InvalidRedirectUri
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer

REDIRECT = {"redirect_uris": ["https://client.example/callback"]}
LEGACY = {"issuer": "https://as.example", "profile": "legacy", "scopes": {"notes:read": "see your notes"}}


@pytest.fixture
def issuer():
    return default_issuer()


@pytest.fixture
def terms(issuer):
    return terms_of(issuer)


@pytest.fixture
def legacy(settings):
    settings.OAUTH_SERVER = LEGACY


@pytest.mark.spec("RFC 7591", "2")
def test_defaults_are_written_out(terms):
    assert validate(REDIRECT, terms) == {
        **REDIRECT,
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "",
    }


def test_the_default_scope_is_the_issuers(settings):
    settings.OAUTH_SERVER = {**settings.OAUTH_SERVER, "default_scopes": ["notes:read", "email"]}
    assert validate(REDIRECT, terms_of(default_issuer()))["scope"] == "email notes:read"


@pytest.mark.spec("RFC 7591", "2")
def test_unknown_members_are_ignored_but_an_operator_is_told(terms):
    document = {**REDIRECT, "redirect_uri": "https://client.example/"}
    assert "redirect_uri" not in validate(document, terms)
    with pytest.raises(InvalidClientMetadata, match="Did you mean redirect_uris"):
        validate(document, terms, operator=True)


def test_no_client_gives_itself_a_privilege(terms):
    document = {**REDIRECT, "resource_identifiers": ["https://api.example/notes"]}
    assert "resource_identifiers" not in validate(document, terms)
    assert "resource_identifiers" in validate(document, terms, operator=True)


@pytest.mark.spec("MCP", "communication-security")
@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    "uri",
    [
        "http://client.example/callback",
        "https://client.example/callback#fragment",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/callback",
        "/callback",
        "https:///callback",
        "https://user@client.example/",
        "https://client.example/\u202egnp",
        "",
        7,
        None,
        {"uri": "https://client.example/"},
    ],
)
def test_an_unsafe_redirect_uri_is_refused(terms, uri):
    with pytest.raises(InvalidRedirectUri) as refusal:
        validate({"redirect_uris": [uri]}, terms)
    assert refusal.value.error == "invalid_redirect_uri"


@pytest.mark.spec("MCP", "communication-security")
@pytest.mark.spec("RFC 8252", "7")
@pytest.mark.parametrize(
    "uri", ["https://client.example/cb?x=1", "http://127.0.0.1/cb", "http://[::1]:8080/", "com.example.app:/cb"]
)
def test_a_safe_redirect_uri_passes(terms, uri):
    assert validate({"redirect_uris": [uri]}, terms)["redirect_uris"] == [uri]


@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("redirect_uris", "https://client.example/"),
        ("redirect_uris", ["https://client.example/"] * 2),
        ("redirect_uris", [f"https://client.example/{number}" for number in range(101)]),
        ("redirect_uris", None),
        ("client_name", ["Notebook"]),
        ("client_name", "Note\u202ebook"),
        ("client_name", "Note\0book"),
        ("client_name", "N" * 201),
        ("client_uri", "http://client.example/"),
        ("logo_uri", "javascript:alert(1)"),
        ("tos_uri", "https://"),
        ("policy_uri", "https://client.example/ page"),
        ("contacts", "mail@client.example"),
        ("contacts", [{}]),
        ("scope", "notes:read unknown"),
        ("scope", 'notes:read "'),
        ("scope", ["notes:read"]),
        ("token_endpoint_auth_method", "tls_client_auth"),
        ("token_endpoint_auth_method", ["none"]),
        ("grant_types", ["password"]),
        ("grant_types", ["authorization_code", "implicit"]),
        ("grant_types", ["refresh_token"]),
        ("grant_types", []),
        ("response_types", ["token"]),
        ("jwks", {"keys": "none"}),
        ("jwks", {"keys": [{"kty": "EC", "d": "secret"}]}),
        ("jwks", {"keys": [{"kty": "oct", "k": "secret"}]}),
        ("jwks", [{}]),
        ("jwks", "{}"),
        ("software_id", 7),
    ],
)
def test_a_wrong_member_is_named_with_its_rule(terms, member, value):
    with pytest.raises(InvalidClientMetadata) as refusal:
        validate({**REDIRECT, member: value}, terms, operator=True)
    assert refusal.value.member == member
    assert refusal.value.rule


@pytest.mark.parametrize(
    ("document", "member"),
    [
        ({"grant_types": ["client_credentials"], "response_types": ["code"], **REDIRECT}, "response_types"),
        ({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}, "grant_types"),
        ({"jwks": {"keys": []}, "jwks_uri": "https://client.example/jwks", **REDIRECT}, "jwks"),
        (
            {
                "grant_types": [],
                "resource_identifiers": ["https://api.example/notes"],
                "token_endpoint_auth_method": "none",
            },
            "resource_identifiers",
        ),
    ],
)
def test_members_must_fit_each_other(terms, document, member):
    assert review(document, terms, operator=True)[1].keys() == {member}


def test_everything_that_is_wrong_is_told_at_once(terms):
    refusals = review({"client_name": 7, "scope": "unknown", "colour": "red"}, terms, operator=True)[1]
    assert refusals.keys() == {"client_name", "scope", "colour"}


def test_a_client_that_acts_for_itself_needs_no_redirect_uri(terms):
    metadata = validate({"grant_types": ["client_credentials"]}, terms)
    assert metadata["response_types"] == []
    assert "redirect_uris" not in metadata


def test_a_resource_server_needs_no_grant_type(terms):
    metadata = validate(
        {"grant_types": [], "resource_identifiers": ["https://api.example/notes"]}, terms, operator=True
    )
    assert metadata["grant_types"] == metadata["response_types"] == []


def test_what_the_policy_allows_is_offered(terms, issuer):
    offered = choices_of(members_of(terms)["grant_types"], terms)
    assert {"authorization_code", "client_credentials", "refresh_token"} <= offered.keys()
    assert "password" not in offered
    assert list(choices_of(members_of(terms)["response_types"], terms)) == ["code", "none"]


@pytest.mark.usefixtures("legacy")
def test_the_legacy_profile_offers_more_except_to_a_client_that_is_bound_tighter():
    terms = terms_of(default_issuer())
    assert {"password", "implicit"} <= choices_of(members_of(terms)["grant_types"], terms).keys()
    document = {"grant_types": ["implicit", "authorization_code"], "redirect_uris": ["http://client.example/"]}
    assert validate(document, terms)["response_types"] == ["code", "token"]
    assert review(document, terms_of(default_issuer(), "oauth2_1"), operator=True)[1].keys() == {
        "grant_types",
        "redirect_uris",
    }


@pytest.mark.django_db
@pytest.mark.spec("RFC 7591", "3.2.1")
def test_the_response_holds_all_that_is_registered_and_the_secret_once(issuer):
    client, secret = create_client({**REDIRECT, "client_name": "Notebook"}, issuer)
    information = client_information(client, secret)
    assert information["client_secret"] == secret
    assert information["client_secret_expires_at"] == 0
    assert information["client_id_issued_at"] == int(client.created_at.timestamp())
    assert information["client_name"] == "Notebook"
    assert secret not in str(Client.objects.values().get())
    assert "client_secret" not in client_information(client)


@pytest.mark.django_db
@pytest.mark.parametrize("secret", ["a%b+c&d:e", "schlüssel–鍵", " ", "'; --"])
def test_any_secret_may_be_chosen(issuer, secret):
    client, kept = create_client(REDIRECT, issuer, client_id="notebook", client_secret=secret)
    assert kept == secret
    assert client.has_secret(secret, timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("options", "member"),
    [
        ({"client_id": "taken"}, "client_id"),
        ({"client_id": "123"}, "client_id"),
        ({"client_id": "a\0b"}, "client_id"),
        ({"client_id": "bücher"}, "client_id"),
        ({"client_id": "x" * 256}, "client_id"),
        ({"client_secret": "a\0b"}, "client_secret"),
    ],
)
def test_an_unfit_id_or_secret_is_refused(issuer, options, member):
    create_client(REDIRECT, issuer, client_id="taken")
    with pytest.raises(InvalidClientMetadata) as refusal:
        create_client(REDIRECT, issuer, **options)
    assert refusal.value.member == member


@pytest.mark.django_db
def test_a_public_client_has_no_secret(issuer):
    document = {**REDIRECT, "token_endpoint_auth_method": "none"}
    client, secret = create_client(document, issuer)
    assert (client.secret_digest, secret) == ("", "")
    with pytest.raises(InvalidClientMetadata):
        create_client(document, issuer, client_secret="x" * 40)


@pytest.mark.django_db
@pytest.mark.spec("OAuth 2.1", "7.3.1")
def test_people_are_asked_where_nothing_proves_which_app_it_is(issuer):
    native = {"redirect_uris": ["com.example.app:/callback"], "token_endpoint_auth_method": "none"}
    with pytest.raises(InvalidClientMetadata, match="7.3.1"):
        create_client(native, issuer, skip_consent=True)
    assert create_client({**native, **REDIRECT}, issuer, skip_consent=True)[0].skip_consent


@pytest.mark.django_db
def test_the_old_secret_works_until_the_overlap_is_over(issuer):
    client, old = create_client(REDIRECT, issuer)
    now = timezone.now()
    new = new_secret(client, issuer, now)
    client.refresh_from_db()
    later = now + issuer.settings.client_secret_overlap
    assert [client.has_secret(old, now), client.has_secret(old, later - timedelta(seconds=1))] == [True, True]
    assert not client.has_secret(old, later)
    assert client.has_secret(new, later)


@pytest.mark.django_db
def test_a_client_that_turns_public_loses_its_secret_and_gets_one_when_it_turns_back(issuer, terms):
    client, secret = create_client(REDIRECT, issuer)
    assert revise_client(client, validate({**REDIRECT, "token_endpoint_auth_method": "none"}, terms), issuer) == ""
    assert not client.has_secret(secret, timezone.now())
    again = revise_client(client, validate(REDIRECT, terms), issuer)
    assert client.has_secret(again, timezone.now())


KEYS = {"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}
ASSERTING = {**REDIRECT, "token_endpoint_auth_method": "private_key_jwt"}


@pytest.mark.spec("RFC 7591", "2")
def test_who_signs_with_a_private_key_registers_the_public_one(terms):
    for keys in ({"jwks": KEYS}, {"jwks_uri": "https://client.example/jwks"}):
        assert validate({**ASSERTING, **keys}, terms)["token_endpoint_auth_method"] == "private_key_jwt"
    with pytest.raises(InvalidClientMetadata) as refusal:
        validate(ASSERTING, terms)
    assert refusal.value.member == "jwks"


@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "2")
@pytest.mark.parametrize(
    ("method", "alg", "fits"),
    [
        ("private_key_jwt", "ES256", True),
        ("private_key_jwt", "HS256", False),
        ("client_secret_jwt", "HS256", True),
        ("client_secret_jwt", "RS256", False),
        ("client_secret_basic", "RS256", True),
        ("private_key_jwt", "none", False),
        ("private_key_jwt", "ES512", False),
    ],
)
def test_the_algorithm_of_assertions_is_one_that_the_method_has(terms, method, alg, fits):
    document = {**REDIRECT, "jwks": KEYS, "token_endpoint_auth_method": method, "token_endpoint_auth_signing_alg": alg}
    if fits:
        assert validate(document, terms)["token_endpoint_auth_signing_alg"] == alg
        return
    with pytest.raises(InvalidClientMetadata) as refusal:
        validate(document, terms)
    assert refusal.value.member == "token_endpoint_auth_signing_alg"


def test_a_public_client_has_no_secret_to_sign_with(terms):
    document = {**REDIRECT, "token_endpoint_auth_method": "none", "token_endpoint_auth_signing_alg": "HS256"}
    with pytest.raises(InvalidClientMetadata, match="does not have"):
        validate(document, terms)


@pytest.mark.django_db
class TestSecretsInClear:
    """A secret that is the key of an algorithm is kept encrypted; of all others there is a digest."""

    SIGNING = {**REDIRECT, "token_endpoint_auth_method": "client_secret_jwt"}

    def secrets(self, client, issuer):
        return list(clear_secrets(Client.objects.get(pk=client.pk), issuer.settings, timezone.now()))

    def test_only_where_it_is_needed(self, issuer):
        assert self.secrets(create_client(REDIRECT, issuer)[0], issuer) == []
        client, secret = create_client(self.SIGNING, issuer)
        assert self.secrets(client, issuer) == [secret]
        assert secret not in str(Client.objects.values().get(pk=client.pk))
        digested = {**REDIRECT, "token_endpoint_auth_signing_alg": "HS256"}
        client, secret = create_client(digested, issuer)
        assert self.secrets(client, issuer) == [secret]

    def test_the_old_one_beside_the_new_one_while_both_work(self, issuer):
        client, old = create_client(self.SIGNING, issuer)
        new = new_secret(client, issuer, timezone.now())
        assert self.secrets(client, issuer) == [new, old]
        Client.objects.update(previous_secret_expires_at=timezone.now())
        assert self.secrets(client, issuer) == [new]

    def test_a_client_that_needs_it_from_now_on_gets_a_new_secret(self, issuer):
        client, old = create_client(REDIRECT, issuer)
        new = revise_client(client, validate(self.SIGNING, terms_of(issuer)), issuer)
        client.save()
        assert new and self.secrets(client, issuer) == [new]
        assert not client.has_secret(old, timezone.now())

    def test_a_client_that_needs_it_no_longer_keeps_its_secret_as_a_digest(self, issuer):
        client, secret = create_client(self.SIGNING, issuer)
        new_secret(client, issuer, timezone.now())
        assert revise_client(client, validate(REDIRECT, terms_of(issuer)), issuer) == ""
        client.save()
        assert self.secrets(client, issuer) == []
        assert client.has_secret(secret, timezone.now())

    def test_a_client_without_a_secret_keeps_none(self, issuer):
        client, _ = create_client(self.SIGNING, issuer)
        revise_client(client, validate({**ASSERTING, "jwks": KEYS}, terms_of(issuer)), issuer)
        client.save()
        assert self.secrets(client, issuer) == []
        assert not client.secret_digest

    def test_nothing_is_made_anew_by_saving_what_has_not_changed(self, issuer):
        client, secret = create_client(self.SIGNING, issuer)
        assert revise_client(client, client.metadata, issuer) == ""
        client.save()
        assert self.secrets(client, issuer) == [secret]

    @pytest.mark.spec("RFC 7518", "3.2")
    def test_one_that_is_chosen_is_long_enough_for_a_key(self, issuer):
        with pytest.raises(InvalidClientMetadata, match="32 bytes"):
            create_client(self.SIGNING, issuer, client_secret="short")
        client, secret = create_client(self.SIGNING, issuer, client_secret="ü" * 16)
        assert self.secrets(client, issuer) == [secret]
