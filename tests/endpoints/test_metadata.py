"""What is advertised is what is accepted (RFC 8414)."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import clear_url_caches, resolve, set_urlconf

from django_oauth_server.authorization.response_modes.base import ResponseMode
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.clients.methods.base import ClientAuthMethod
from django_oauth_server.grants.base import GrantType
from django_oauth_server.registry import default_issuer
from django_oauth_server.tokens.claims import UserClaims

pytestmark = pytest.mark.django_db
METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "client_secret_jwt"]
ALGS = ["ES256", "RS256", "PS256", "EdDSA", "Ed25519", "HS256"]
WELL_KNOWN = "/.well-known/oauth-authorization-server"
SESSION_CLAIMS = ("iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid")


def metadata(path: str = WELL_KNOWN) -> dict[str, Any]:
    response = Browser().get(path)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Access-Control-Allow-Origin"] == "*"
    return response.json()


@pytest.mark.spec("RFC 8414", "2")
def test_the_document_of_an_oauth_server_says_nothing_of_openid_connect(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"scopes": {"notes:read": "see your notes"}, "registration": "off"}
    assert metadata() == {
        "issuer": "https://as.example",
        "authorization_endpoint": "https://as.example/oauth/authorize",
        "device_authorization_endpoint": "https://as.example/oauth/device_authorization",
        "pushed_authorization_request_endpoint": "https://as.example/oauth/par",
        "require_pushed_authorization_requests": False,
        "token_endpoint": "https://as.example/oauth/token",
        "revocation_endpoint": "https://as.example/oauth/revoke",
        "introspection_endpoint": "https://as.example/oauth/introspect",
        "jwks_uri": "https://as.example/oauth/jwks",
        "scopes_supported": ["notes:read"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            "authorization_code",
            "client_credentials",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "token_endpoint_auth_methods_supported": [*METHODS, "none"],
        "revocation_endpoint_auth_methods_supported": [*METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ALGS,
        "revocation_endpoint_auth_signing_alg_values_supported": ALGS,
        "introspection_endpoint_auth_signing_alg_values_supported": ALGS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "select_account", "login", "consent"],
        "dpop_signing_alg_values_supported": ALGS[:-1],
    }


@pytest.mark.spec("OpenID Connect Discovery", "3")
def test_the_document_of_an_openid_provider() -> None:
    assert (
        metadata().items()
        >= {
            "issuer": "https://as.example",
            "registration_endpoint": "https://as.example/oauth/register",
            "userinfo_endpoint": "https://as.example/oauth/userinfo",
            "response_types_supported": ["code", "none"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256"],
            "claims_parameter_supported": True,
            "claims_supported": [*SESSION_CLAIMS, *UserClaims.supported()],
        }.items()
    )


@pytest.mark.parametrize("profile", ["oauth2_1", "openid_connect", "legacy"])
def test_every_component_is_advertised_and_nothing_else(settings: Any, profile: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": profile}
    document, components = metadata(), default_issuer().components
    assert set(document["response_types_supported"]) == set(components.of(ResponseType))
    assert set(document["response_modes_supported"]) == set(components.of(ResponseMode))
    methods = components.of(ClientAuthMethod)
    own = {name for name, one in methods.items() if one.takes}  # names of this server's own, for others that are told
    assert set(document["token_endpoint_auth_methods_supported"]) == set(methods) - own
    flows = {name for one in components.of(ResponseType).values() for name in one.grant_types}
    assert set(document["grant_types_supported"]) == set(components.of(GrantType)) | flows


def test_the_legacy_profile_advertises_what_it_accepts(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    document = metadata()
    assert {"password", "implicit"} <= set(document["grant_types_supported"])
    assert set(document["code_challenge_methods_supported"]) == {"S256", "plain"}


def test_the_host_header_changes_nothing(settings: Any) -> None:
    assert Browser(headers={"Host": "evil.example"}).get(WELL_KNOWN).json() == metadata()


@pytest.mark.spec("RFC 8414", "3.1")
def test_several_issuers_each_have_their_place(settings: Any) -> None:
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, settings.OAUTH_SERVER | {"issuer": "https://as.example/tenants/a"}]
    sys.modules.pop("django_oauth_server.urls", None)
    sys.modules.pop("tests.urls", None)
    clear_url_caches()
    set_urlconf(None)
    try:
        assert metadata()["issuer"] == "https://as.example"
        other = metadata(f"{WELL_KNOWN}/tenants/a")
        assert other["issuer"] == "https://as.example/tenants/a"
        assert other["token_endpoint"] == "https://as.example/tenants/a/oauth/token"
        assert resolve("/tenants/a/oauth/token").namespace == "oauth_server_1"
    finally:
        sys.modules.pop("django_oauth_server.urls", None)
        sys.modules.pop("tests.urls", None)
        clear_url_caches()
