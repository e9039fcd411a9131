"""Clients register themselves (RFC 7591; OpenID Connect Dynamic Client Registration)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.utils import timezone

from django_oauth_server.conf import OPENID_SCOPES, IssuerSettings
from django_oauth_server.conf.loader import load
from django_oauth_server.grants.base import GrantType
from django_oauth_server.models import Client
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.protocol.uris import destination
from django_oauth_server.registry import default_issuer
from tests.factories import UserFactory
from tests.flow import Flow
from tests.registration.conftest import REGISTER, Registrant, initial_access_token, refused

pytestmark = pytest.mark.django_db
COSTLY = {"keys": [{"kty": "RSA", "n": "_" * 512, "e": "_" * 511 + "8"}]}
WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


@pytest.mark.requirement(38)
@pytest.mark.spec("OpenID Connect Discovery", "3")
@pytest.mark.parametrize("path", WELL_KNOWN)
def test_the_metadata_names_the_endpoint(path: str) -> None:
    assert Browser().get(path).json()["registration_endpoint"] == f"https://as.example{REGISTER}"


@pytest.mark.requirement(38)
@pytest.mark.spec("RFC 7591", "3.2.1")
def test_what_was_registered_comes_back_with_its_defaults(registrant: Registrant) -> None:
    response = registrant.register()
    assert response.status_code == 201
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    information, client = registrant.information, registrant.row
    assert client.has_secret(information.pop("client_secret"), timezone.now())
    assert client.has_registration_token(information.pop("registration_access_token"))
    assert information == {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_secret_expires_at": 0,
        "registration_client_uri": f"https://as.example{REGISTER}/{client.client_id}",
        "client_name": "Notebook",
        "redirect_uris": ["https://client.example/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": " ".join(["notes:read", "notes:write", *OPENID_SCOPES]),
    }


@pytest.mark.requirement(38)
def test_a_client_that_registered_itself_signs_people_in(registrant: Registrant, browser: Browser) -> None:
    information = registrant.registered(grant_types=["authorization_code", "refresh_token"])
    client = registrant.row
    client.secret = information["client_secret"]
    tokens = Flow(client, browser).tokens(scope="openid profile offline_access", nonce="n")
    assert {"access_token", "id_token", "refresh_token"} <= tokens.keys()


def test_a_public_client_gets_no_secret(registrant: Registrant) -> None:
    information = registrant.registered(token_endpoint_auth_method="none")
    assert not {"client_secret", "client_secret_expires_at"} & information.keys()
    assert registrant.row.secret_digest == ""


COMBINATIONS = [
    (["authorization_code"], ["code"]),
    (["authorization_code", "refresh_token"], ["code"]),
    (["implicit"], ["id_token"]),
    (["implicit"], ["id_token", "id_token token"]),
    (["authorization_code", "implicit"], ["code id_token"]),
    (["authorization_code", "implicit"], ["code token", "code id_token token"]),
    (["authorization_code", "implicit", "refresh_token"], ["code", "id_token", "code id_token token"]),
]


@pytest.mark.requirement(5)
@pytest.mark.requirement(38)
@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "2")
@pytest.mark.parametrize(("grant_types", "response_types"), COMBINATIONS)
def test_any_set_of_types_that_fit_each_other(
    registrant: Registrant, settings: Any, grant_types: list[str], response_types: list[str]
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
    information = registrant.registered(grant_types=grant_types, response_types=response_types)
    assert (information["grant_types"], information["response_types"]) == (grant_types, response_types)


@pytest.mark.requirement(38)
@pytest.mark.spec("RFC 6749", "3.1.1")
def test_the_order_of_the_words_of_a_response_type_means_nothing(registrant: Registrant, settings: Any) -> None:
    """OpenID Connect Discovery section 3 has it as `token id_token`."""
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
    information = registrant.registered(grant_types=["implicit"], response_types=["token id_token"])
    assert information["response_types"] == ["id_token token"]


@pytest.mark.spec("RFC 7591", "2.1")
def test_grant_types_follow_from_response_types(registrant: Registrant, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
    assert registrant.registered(response_types=["code id_token"])["grant_types"] == ["authorization_code", "implicit"]


MEMBERS = {
    "application_type": "web",
    "contacts": ["mail@client.example"],
    "client_uri": "https://client.example/",
    "logo_uri": "https://client.example/logo.png",
    "policy_uri": "https://client.example/privacy",
    "tos_uri": "https://elsewhere.example/terms",
    "initiate_login_uri": "https://client.example/login",
    "default_max_age": 3600,
    "require_auth_time": True,
    "default_acr_values": ["urn:example:gold"],
    "subject_type": "public",
    "software_id": "4NRB1-0XZABZI9E6-5SM3R",
    "software_version": "2.1",
    "post_logout_redirect_uris": ["https://client.example/signed-out"],
    "id_token_signed_response_alg": "ES256",
    "userinfo_signed_response_alg": "RS256",
    "jwks_uri": "https://client.example/jwks",
    "client_name#de": "Notizbuch",
    "tos_uri#fr-CA": "https://client.example/fr",
}


@pytest.mark.requirement(38)
@pytest.mark.requirement(41)
@pytest.mark.parametrize(("member", "value"), MEMBERS.items())
def test_each_member_is_stored_and_returned_as_registered(registrant: Registrant, member: str, value: object) -> None:
    assert registrant.registered(**{member: value})[member] == value
    assert registrant.row.metadata[member] == value
    assert registrant.manage("GET").json()[member] == value


@pytest.mark.requirement(7)
@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("client_secret_basic", {}),
        ("client_secret_post", {}),
        ("client_secret_jwt", {}),
        ("none", {}),
        ("private_key_jwt", {"jwks_uri": "https://client.example/jwks"}),
    ],
)
def test_every_authentication_method_that_is_advertised(registrant: Registrant, method: str, more: Any) -> None:
    advertised = Browser().get(WELL_KNOWN[0]).json()["token_endpoint_auth_methods_supported"]
    assert method in advertised
    information = registrant.registered(token_endpoint_auth_method=method, **more)
    assert information["token_endpoint_auth_method"] == method
    assert ("client_secret" in information) is method.startswith("client_secret")


@pytest.mark.spec("RFC 7591", "2")
def test_members_that_nobody_knows_are_ignored(registrant: Registrant) -> None:
    unknown = {"colour": "red", "client_id": "mine", "client_secret": "mine", "is_active": False, "registered_by": "me"}
    information = registrant.registered(**unknown, **{"client_name#": "x", "scope#de": "x", "client_name#a b": "x"})
    assert "colour" not in information
    assert information["client_id"] != "mine"
    assert information["client_secret"] != "mine"
    assert not [name for name in information if "#" in name]


@pytest.mark.spec("RFC 7591", "5")
def test_no_client_gives_itself_a_privilege(registrant: Registrant) -> None:
    privileges = {"skip_consent": True, "profile": "legacy", "resource_identifiers": ["https://api.example/notes"]}
    information = registrant.registered(**privileges, access_token_format="at+jwt")
    client = registrant.row
    assert not privileges.keys() & information.keys()
    assert (client.skip_consent, client.profile, client.resource_identifiers) == (False, "", [])
    assert client.access_token_format == ""


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
def test_no_client_registers_itself_for_tokens_that_nobody_was_asked_for(
    registrant: Registrant, settings: Any, grant_type: str
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    assert registrant.registered(grant_types=["authorization_code", grant_type])["grant_types"] == [
        "authorization_code"
    ]
    refused(registrant.register(grant_types=[grant_type]), 400, "invalid_client_metadata", "grant_types", "not offered")


class TestScope:
    """What a client may ask for that does not say what it wants to."""

    def test_the_default_and_the_standard_scopes_that_are_offered(self, registrant: Registrant, settings: Any) -> None:
        scopes = {"notes:read": "see your notes", "admin": "do everything", "openid": OPENID_SCOPES["openid"]}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": scopes, "default_scopes": ["notes:read"]}
        assert registrant.registered()["scope"] == "notes:read admin openid"
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration_scopes": "default"}
        assert registrant.registered()["scope"] == "notes:read openid"

    @pytest.mark.parametrize("said", ["offered", "default"])
    def test_all_where_there_would_be_none(self, registrant: Registrant, settings: Any, said: str) -> None:
        offered = {"scopes": {"notes:read": "see your notes"}, "registration_scopes": said}
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | offered
        assert registrant.registered()["scope"] == "notes:read"

    def test_the_default_alone_where_nobody_is_asked(self, registrant: Registrant, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"default_scopes": ["notes:read"]}
        _, token = initial_access_token(allow_client_credentials=True)
        both = ["authorization_code", "client_credentials"]
        assert registrant.registered(token, grant_types=both)["scope"] == "notes:read"
        assert "notes:write" in registrant.registered(grant_types=both)["scope"]

    def test_what_it_says_is_kept(self, registrant: Registrant) -> None:
        assert registrant.registered(scope="openid notes:read")["scope"] == "openid notes:read"


FRAGMENT = "https://client.example/callback#fragment"
REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"redirect_uris": [FRAGMENT]}, "invalid_redirect_uri", "fragment"),
    ({"redirect_uris": ["http://client.example/"]}, "invalid_redirect_uri", "use https"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri", "dot"),
    ({"redirect_uris": ["https://user@client.example/"]}, "invalid_redirect_uri", "user name"),
    ({"redirect_uris": "https://client.example/"}, "invalid_redirect_uri", "list"),
    ({"redirect_uris": []}, "invalid_redirect_uri", "At least one"),
    ({"redirect_uris": None}, "invalid_redirect_uri", "At least one"),
    ({"redirect_uris": [["https://client.example/"]]}, "invalid_redirect_uri", "string"),
    (
        {"redirect_uris": ["https://localhost/"], "grant_types": ["implicit"], "response_types": ["id_token"]},
        "invalid_redirect_uri",
        "localhost",
    ),
    (
        {
            "redirect_uris": ["http://127.0.0.1/"],
            "application_type": "web",
            "grant_types": ["implicit"],
            "response_types": ["id_token"],
        },
        "invalid_redirect_uri",
        "requires an https URI",
    ),
    ({"initiate_login_uri": "http://client.example/login"}, "invalid_client_metadata", "https"),
    ({"initiate_login_uri": "http://localhost/login"}, "invalid_client_metadata", "https"),
    ({"post_logout_redirect_uris": ["https://client.example/#x"]}, "invalid_client_metadata", "fragment"),
    ({"logo_uri": "data:image/png;base64,x"}, "invalid_client_metadata", "logo_uri"),
    ({"client_uri": "javascript:alert(1)"}, "invalid_client_metadata", "client_uri"),
    ({"client_uri#de": "javascript:alert(1)"}, "invalid_client_metadata", "client_uri#de"),
    *(
        ({"redirect_uris": [f"https://client.example/callback?x=1&{query}"]}, "invalid_redirect_uri", "parameter")
        for query in (
            "code=mine",
            "state",
            "iss=a",
            "error=b",
            "%63ode=c",
            "session_state=d",
            "id_token=e",
            "response=f",
            "y;code=g",
            "code%5B%5D=h",
            "id.token=h",
            "access%2Etoken=h",
            "session+state=h",
            "id%5Btoken=h",
            "code%00=h",
            "State=i",
        )
    ),
    ({"redirect_uris": ["https://b%61nk.example/callback"]}, "invalid_redirect_uri", "percent escapes"),
    ({"client_uri": "https://bank%2Eexample/"}, "invalid_client_metadata", "percent escapes"),
    ({"redirect_uris": ["com.example.app:/callback?code=mine"]}, "invalid_redirect_uri", "parameter"),
    ({"post_logout_redirect_uris": ["https://client.example/bye?state=mine"]}, "invalid_client_metadata", "state"),
    ({"frontchannel_logout_uri": "https://client.example/out?sid=mine"}, "invalid_client_metadata", "sid"),
    ({"client_name": 7}, "invalid_client_metadata", "string"),
    ({"client_name": "N" * 201}, "invalid_client_metadata", "200"),
    ({"client_name": "Note\u202ebook"}, "invalid_client_metadata", "U+202E"),
    ({"client_name": "Note\u2028book"}, "invalid_client_metadata", "U+2028"),
    ({"client_name": " \u00a0"}, "invalid_client_metadata", "visible character"),
    ({"client_name#en": "Note\u200bbook"}, "invalid_client_metadata", "client_name#en"),
    ({"contacts": ["support\u00ad@client.example"]}, "invalid_client_metadata", "contacts"),
    ({"jwks": COSTLY}, "invalid_client_metadata", "too large"),
    ({"client_name#de": "Notiz\u202ebuch"}, "invalid_client_metadata", "client_name#de"),
    (
        {f"logo_uri#de-{number}": "https://client.example/logo" for number in range(51)},
        "invalid_client_metadata",
        "logo_uri",
    ),
    ({"application_type": "desktop"}, "invalid_client_metadata", "Offered: web, native"),
    ({"subject_type": "pairwise"}, "invalid_client_metadata", "subject_type"),
    ({"default_max_age": -1}, "invalid_client_metadata", "default_max_age"),
    ({"default_max_age": "3600"}, "invalid_client_metadata", "default_max_age"),
    ({"default_max_age": 10**20}, "invalid_client_metadata", "at most"),
    ({"require_auth_time": "yes"}, "invalid_client_metadata", "true or false"),
    ({"scope": "unknown admin"}, "invalid_client_metadata", "scope"),
    ({"scope": ["openid"]}, "invalid_client_metadata", "scope"),
    ({"token_endpoint_auth_method": "tls_client_auth"}, "invalid_client_metadata", "token_endpoint_auth_method"),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata", "public keys"),
    ({"grant_types": ["magic"]}, "invalid_client_metadata", "grant_types"),
    ({"grant_types": "authorization_code"}, "invalid_client_metadata", "list"),
    ({"grant_types": ["refresh_token"]}, "invalid_client_metadata", "refresh_token"),
    ({"grant_types": []}, "invalid_client_metadata", "At least one"),
    (
        {"grant_types": ["authorization_code"], "response_types": ["id_token"]},
        "invalid_client_metadata",
        "requires the grant type implicit",
    ),
    ({"grant_types": ["implicit"], "response_types": ["code"]}, "invalid_client_metadata", "authorization_code"),
    ({"response_types": ["magic"]}, "invalid_client_metadata", "response_types"),
    ({"jwks": {"keys": [{"kty": "RSA", "d": "x"}]}}, "invalid_client_metadata", "private"),
    ({"jwks": {"keys": []}, "jwks_uri": "https://client.example/jwks"}, "invalid_client_metadata", "not both"),
    ({"jwks_uri": "http://client.example/jwks"}, "invalid_client_metadata", "jwks_uri"),
    ({"contacts": ["mail@client.example", 7]}, "invalid_client_metadata", "contacts"),
]


@pytest.mark.requirement(40)
@pytest.mark.spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(("document", "error", "words"), REFUSALS)
def test_what_is_refused(registrant: Registrant, settings: Any, document: Any, error: str, words: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
    refused(registrant.register(**document), 400, error, words)
    assert not Client.objects.exists()


@pytest.mark.requirement(40)
@pytest.mark.spec("OpenID Connect Dynamic Client Registration", "2")
@pytest.mark.parametrize(
    "uri", ["com.example.app:/callback", "http://127.0.0.1/", "http://localhost:4000/", "http://[::1]/"]
)
def test_a_native_application_is_answered_on_the_device(registrant: Registrant, uri: str) -> None:
    information = registrant.registered(
        redirect_uris=[uri], application_type="native", token_endpoint_auth_method="none"
    )
    assert information["redirect_uris"] == [uri]


def test_refusals_are_in_english_whatever_the_browser_reads(registrant: Registrant) -> None:
    registrant.server = Browser(headers={"Accept-Language": "de"})
    refused(registrant.register(client_name=7), 400, "invalid_client_metadata", "It must be a string")


BODIES = {
    "nothing": b"",
    "not JSON": b"redirect_uris=https://client.example/",
    "not UTF-8": b'{"client_name": "\xff"}',
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "broken off": b'{"redirect_uris": ["https://client.example/"',
    "something behind": b"{} {}",
    "a name twice": b'{"redirect_uris": ["https://a.example/"], "redirect_uris": ["https://b.example/"]}',
    "a name twice, within": b'{"jwks": {"keys": [], "keys": []}}',
    "NUL": b'{"client_name": "a\\u0000b"}',
    "NUL in a name": b'{"jwks": {"keys": [{"kty": "RSA", "x\\u0000": 1}]}}',
    "half a character": b'{"jwks": {"keys": [{"kty": "RSA", "n": "\\ud800"}]}}',
    "no number": b'{"jwks": {"keys": [{"kty": "RSA", "n": NaN}]}}',
    "infinity": b'{"jwks": {"keys": [{"kty": "RSA", "n": 1e999}]}}',
    "a huge number": b'{"default_max_age": ' + b"9" * 10_000 + b"}",
    "deep": b'{"jwks": ' + b"[" * 30 + b"]" * 30 + b"}",
    "very deep": b"[" * 30_000 + b"]" * 30_000,
}


@pytest.mark.spec("RFC 7591", "3.1")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_json_object(registrant: Registrant, body: bytes) -> None:
    refused(registrant.call("POST", REGISTER, body), 400, "invalid_request")
    assert not Client.objects.exists()


@pytest.mark.spec("RFC 9110", "15.5.14")
@pytest.mark.parametrize("length", [70_000, 3_000_000], ids=["here", "more than Django reads"])
def test_a_body_that_is_too_long(registrant: Registrant, length: int) -> None:
    body = b'{"client_name": "' + b"x" * length + b'"}'
    refused(registrant.call("POST", REGISTER, body), 413, "invalid_request")


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "", "application/jwt"])
def test_another_content_type(registrant: Registrant, content_type: str) -> None:
    response = registrant.server.generic("POST", REGISTER, b"{}", content_type=content_type)
    refused(response, 400, "invalid_request", "application/json")


@pytest.mark.spec("RFC 9110", "15.5.6")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_another_method(registrant: Registrant, method: str) -> None:
    response = registrant.call(method, REGISTER)
    assert response.status_code == 405
    assert response["Allow"] == "POST, OPTIONS"


class TestProtected:
    """With initial access tokens (RFC 7591 section 3)."""

    pytestmark = pytest.mark.usefixtures("protected")

    def test_nobody_registers_without_one(self, registrant: Registrant) -> None:
        response = registrant.register()
        refused(response, 401, "invalid_token")
        assert response["WWW-Authenticate"] == 'Bearer realm="oauth"'
        assert not Client.objects.exists()

    def test_who_has_one_registers(self, registrant: Registrant) -> None:
        token, value = initial_access_token()
        registrant.registered(value)
        assert registrant.row.registered_by == Client.RegisteredBy.INITIAL_ACCESS_TOKEN
        assert registrant.row.initial_access_token == token
        token.refresh_from_db()
        assert token.used == 1

    @pytest.mark.parametrize(
        "columns",
        [
            {"is_active": False},
            {"expires_at": timezone.now() - timedelta(seconds=1)},
            {"uses": 1, "used": 1},
            {"uses": 0},
            {"issuer": "https://other.example"},
        ],
    )
    def test_one_that_is_good_no_more(self, registrant: Registrant, columns: Any) -> None:
        response = registrant.register(initial_access_token(**columns)[1])
        refused(response, 401, "invalid_token")
        assert response["WWW-Authenticate"] == 'Bearer realm="oauth", error="invalid_token"'
        assert not Client.objects.exists()

    @pytest.mark.parametrize("value", ["oas_ia_x", "x", "oas_ra_x"])
    def test_one_that_somebody_made_up(self, registrant: Registrant, value: str) -> None:
        refused(registrant.register(value), 401, "invalid_token")

    def test_a_refusal_uses_nothing_up(self, registrant: Registrant) -> None:
        token, value = initial_access_token(uses=1)
        refused(registrant.register(value, client_name=7), 400, "invalid_client_metadata")
        assert registrant.register(value).status_code == 201
        refused(registrant.register(value), 401, "invalid_token")
        token.refresh_from_db()
        assert token.used == 1

    def test_its_profile_binds_the_client(self, registrant: Registrant, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "openid_connect"}
        value = initial_access_token(profile="oauth2_1")[1]
        response = registrant.register(value, grant_types=["implicit"], response_types=["id_token"])
        refused(response, 400, "invalid_client_metadata", "implicit")
        registrant.registered(value)
        assert registrant.row.profile == "oauth2_1"

    @pytest.mark.parametrize("allowed", [True, False])
    def test_a_client_acts_for_itself_where_it_says_so(self, registrant: Registrant, allowed: bool) -> None:
        value = initial_access_token(allow_client_credentials=allowed)[1]
        response = registrant.register(value, grant_types=["client_credentials"], redirect_uris=None)
        assert response.status_code == (201 if allowed else 400)

    def test_none_of_them_opens_anything_else(self, registrant: Registrant) -> None:
        value = initial_access_token()[1]
        registrant.registered(value)
        refused(registrant.manage("GET", token=value), 401, "invalid_token")

    def test_the_value_is_not_stored(self, registrant: Registrant) -> None:
        value = initial_access_token()[1]
        assert value not in str(InitialAccessToken.objects.values())


class TestOpen:
    """Anybody, and who brings a token all the same."""

    def test_it_is_told_that_it_registered_itself(self, registrant: Registrant) -> None:
        registrant.registered()
        assert registrant.row.registered_by == Client.RegisteredBy.ITSELF

    def test_a_token_counts_where_it_is_brought(self, registrant: Registrant) -> None:
        registrant.registered(initial_access_token()[1])
        assert registrant.row.registered_by == Client.RegisteredBy.INITIAL_ACCESS_TOKEN

    def test_a_bad_token_is_not_overlooked(self, registrant: Registrant) -> None:
        refused(registrant.register("oas_ia_x"), 401, "invalid_token")

    @pytest.mark.spec("RFC 6585", "4")
    def test_so_many_from_one_address(self, registrant: Registrant, settings: Any) -> None:
        settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"throttles": {"registration": "2/h"}}
        assert [registrant.register().status_code for _ in range(3)] == [201, 201, 429]
        response = registrant.register()
        refused(response, 429, "temporarily_unavailable")
        assert int(response["Retry-After"]) <= 3600
        assert Client.objects.count() == 2
        assert registrant.register(initial_access_token()[1]).status_code == 201
        registrant.server = Browser(REMOTE_ADDR="203.0.113.9")
        assert registrant.register().status_code == 201

    def test_the_check_warns(self) -> None:
        assert "oauth_server.W007" in {message.id for message in run_checks()}


def test_protected_registration_needs_no_warning(protected: None) -> None:
    assert "oauth_server.W007" not in {message.id for message in run_checks()}


def test_switched_off_there_is_nothing(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "off"}
    assert "registration_endpoint" not in Browser().get(WELL_KNOWN[0]).json()
    names = {endpoint.name for component in default_issuer().components for endpoint in component.endpoints}
    assert not {"register", "client_configuration"} & names


def test_off_is_the_default() -> None:
    assert IssuerSettings(issuer="https://as.example").registration == "off"


def test_the_setting_is_one_of_three(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"registration": "opened"}
    with pytest.raises(ImproperlyConfigured, match="off, protected, open"):
        load()


class TestConsent:
    """What a person is told of an app that registered itself."""

    NOTICE = "This app has not been verified"

    def page(self, registrant: Registrant, browser: Browser, **headers: str) -> str:
        browser.defaults |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        return Flow(registrant.row, browser).authorize(scope="openid").content.decode()

    def test_that_nobody_vouches_for_it(self, registrant: Registrant, browser: Browser) -> None:
        registrant.registered()
        assert self.NOTICE in self.page(registrant, browser)

    def test_whoever_gave_an_initial_access_token_has_vouched(self, registrant: Registrant, browser: Browser) -> None:
        registrant.registered(initial_access_token()[1])
        assert self.NOTICE not in self.page(registrant, browser)

    @pytest.mark.requirement(41)
    def test_links_of_its_own_wherever_they_lead(self, registrant: Registrant, browser: Browser) -> None:
        information = registrant.registered(**MEMBERS)
        page = self.page(registrant, browser)
        assert information["tos_uri"] in page
        assert information["policy_uri"] in page
        assert destination(information["redirect_uris"][0]) in page

    @pytest.mark.spec("RFC 7591", "2.2")
    @pytest.mark.parametrize(("language", "name"), [("de", "Notizbuch"), ("de-AT", "Notizbuch"), ("en", "Notebook")])
    def test_its_name_in_the_persons_language(
        self, registrant: Registrant, browser: Browser, language: str, name: str
    ) -> None:
        registrant.registered(**{"client_name#de": "Notizbuch"})
        assert f">{name}</bdi>" in self.page(registrant, browser, accept_language=language)


@pytest.mark.spec("RFC 6454", "6.2")
def test_capital_letters_and_the_default_port_make_no_other_origin(registrant: Registrant) -> None:
    addresses = ["https://RP.example:443/callback", "https://rp.example/callback"]
    registrant.registered(redirect_uris=addresses, frontchannel_logout_uri="https://rp.EXAMPLE/out")


@pytest.mark.spec("RFC 6454", "6.2")
def test_another_port_is_another_origin(registrant: Registrant) -> None:
    response = registrant.register(
        redirect_uris=["https://rp.example:8443/callback"], frontchannel_logout_uri="https://rp.example/out"
    )
    refused(response, 400, "invalid_client_metadata", "frontchannel_logout_uri")


@pytest.mark.parametrize("name", ["نامه\u200cها", "क्\u200dष", "Team 👩\u200d💻", "I ❤\ufe0f notes", "Học tiếng Việt"])
def test_names_are_written_as_their_language_is(registrant: Registrant, name: str) -> None:
    assert registrant.registered(client_name=name)["client_name"] == name


def by_command(uri: str) -> str:
    try:
        call_command("createclient", "--redirect-uri", uri)
    except CommandError as exc:
        return str(exc)
    return ""


def by_admin(uri: str) -> str:
    operator = Browser()
    operator.force_login(UserFactory(is_staff=True, is_superuser=True))
    chosen = {"token_endpoint_auth_method": "client_secret_basic", "grant_types": ["authorization_code"]}
    response = operator.post("/admin/django_oauth_server/client/add/", {"redirect_uris": uri, **chosen})
    return response.content.decode()


@pytest.mark.spec("RFC 6749", "3.1.2")
@pytest.mark.parametrize("register", [by_command, by_admin])
def test_an_operator_is_told_of_parameters_that_answers_carry(register: Callable[[str], str]) -> None:
    assert "must not have the parameter iss" in register("https://client.example/callback?iss=mine")
    assert not Client.objects.exists()


class Handshake(GrantType):
    """A grant type of a deployment's own, which says nothing of who is asked."""

    name = "urn:example:handshake"


def test_who_asks_nobody_and_names_no_scope_gets_the_default(registrant: Registrant, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "components": [f"{__name__}.Handshake"],
        "default_scopes": ["notes:read"],
    }
    assert registrant.registered(grant_types=[Handshake.name])["scope"] == "notes:read"
    assert "notes:write" in registrant.registered()["scope"].split()
