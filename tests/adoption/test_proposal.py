"""The OAUTH_SERVER that follows from OAUTH2_PROVIDER."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from django_oauth_server.adoption.oauth_toolkit_settings import PLACES, place_of, settings_for
from django_oauth_server.adoption.proposal import code
from django_oauth_server.conf import Policy
from django_oauth_server.registry import default_issuer

ISSUER = "https://as.example/o"
PROVIDER = {
    "SCOPES": {"openid": "sign you in", "notes": 'see "your" notes'},
    "DEFAULT_SCOPES": ["notes"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": 7200,
    "REFRESH_TOKEN_EXPIRE_SECONDS": timedelta(days=14),
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 120,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 3600,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "cursor", "com.example.app"],
    "REQUEST_APPROVAL_PROMPT": "auto",
    "OIDC_ENABLED": True,
    "OAUTH2_VALIDATOR_CLASS": "myproject.Validator",
    "MISTAKE": 1,
}


def written(text: str) -> Any:
    """What a settings file that has *text* says."""
    names: dict[str, Any] = {}
    exec(text, names)
    return names["OAUTH_SERVER"]


def proposed(provider: dict[str, Any] | None = None, *clients: dict[str, Any]) -> Any:
    return written(str(settings_for(PROVIDER if provider is None else provider, ISSUER, clients)))


def test_each_value_comes_to_its_new_place():
    server = proposed()
    assert server["issuer"] == ISSUER
    assert server["scopes"] == PROVIDER["SCOPES"]
    assert server["default_scopes"] == ("notes",)
    assert server["access_token_lifetime"] == timedelta(hours=2)
    assert server["refresh_token_lifetime"] == timedelta(days=14)
    assert server["refresh_token_replay_window"] == timedelta(minutes=2)
    assert server["code_lifetime"] == timedelta(minutes=10)
    assert server["private_use_schemes"] == ("cursor",)
    assert server["adoption"] == {"source": "oauth_toolkit"}


@pytest.mark.parametrize("provider", [{}, PROVIDER])
def test_it_is_accepted_as_it_is_printed(provider, settings):
    settings.OAUTH_SERVER = proposed(provider)
    assert str(default_issuer()) == ISSUER


def test_what_was_not_set_is_as_it_was_there():
    server = proposed({})
    assert server["access_token_lifetime"] == timedelta(hours=10)
    assert server["refresh_token_lifetime"] == timedelta(days=3650)
    assert server["default_scopes"] == ("read", "write")


def test_the_issuer_is_the_one_that_was_set():
    assert proposed({"OIDC_ISS_ENDPOINT": "https://id.example"})["issuer"] == "https://id.example"


@pytest.mark.parametrize(
    ("provider", "client", "loosened"),
    [
        ({}, {}, {}),
        ({"PKCE_REQUIRED": False}, {}, {"require_pkce": False}),
        ({"ROTATE_REFRESH_TOKEN": False}, {}, {"require_refresh_token_rotation": False}),
        ({"PKCE_REQUIRED": len}, {}, {"require_pkce": False}),
        ({"REQUEST_APPROVAL_PROMPT": "auto"}, {}, {"require_consent_of_unproven_clients": False}),
        ({"COMPLIANT_BCP_RFC9700_PKCE_METHOD": True}, {}, {"allow_plain_pkce": False}),
        ({}, {"response_types": ["token"]}, {"allow_implicit": True}),
        ({}, {"response_types": ["code", "code id_token"]}, {"allow_hybrid": True}),
        ({}, {"grant_types": ["password"]}, {"allow_password": True}),
        ({}, {"redirect_uris": ["http://app.example/cb"]}, {"allow_http_redirect_uris": True}),
        ({}, {"redirect_uris": ["http://127.0.0.1/cb", "https://app.example/cb"]}, {}),
    ],
)
def test_rules_are_as_loose_as_clients_need_and_no_looser(provider, client, loosened):
    (policy,) = proposed(provider, client)["policies"]
    assert policy == Policy(
        **({"name": "as_before", "require_refresh_token_rotation": True, "allow_plain_pkce": True} | loosened)
    )


def test_each_setting_that_the_project_has_is_explained():
    text = str(settings_for(PROVIDER, ISSUER))
    for name in PROVIDER:
        assert f"# {name}: {place_of(name)}" in text
    assert "# OAUTH2_VALIDATOR_CLASS: `claims` for `get_additional_claims`" in text
    assert "# MISTAKE: django-oauth-toolkit has no such setting." in text


def test_every_setting_of_the_toolkit_has_a_place_or_a_reason():
    toolkit = pytest.importorskip("oauth2_provider.settings")
    known = {name for name in toolkit.DEFAULTS if not name.startswith("_")}
    assert {name for name in known if place_of(name) == place_of("no such setting")} == set()
    assert {name for name in PLACES if name not in known} == set()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((), "()"),
        (("a",), '("a",)'),
        (timedelta(0), "timedelta(days=0)"),
        (timedelta(seconds=90), "timedelta(seconds=90)"),
        ({"a": {"b": True}}, '{\n    "a": {\n        "b": True,\n    },\n}'),
        ('"\\\n', '"\\"\\\\\\n"'),
    ],
)
def test_values_are_written_as_python_has_them(value, expected):
    assert code(value) == expected
    assert eval(expected, {"timedelta": timedelta}) == value


def test_the_command_prints_it_before_there_is_an_authorization_server(toolkit, settings):
    settings.OAUTH_SERVER = {}
    with pytest.raises(ImproperlyConfigured):
        default_issuer()
    out = StringIO()
    call_command("adopt", "oauth_toolkit", "--settings-only", stdout=out)
    assert written(out.getvalue())["issuer"].endswith("/o")


def test_hosts_of_wildcards_are_named(settings):
    uris = ["https://*.preview.example.com/cb", "https://*.preview.example.com/other", "https://*.com/"]
    client = {"redirect_uris": ["https://app.example/callback", *uris]}
    assert "previews" not in proposed({}, client)
    settings.OAUTH_SERVER = proposed({"ALLOW_URI_WILDCARDS": True}, client)
    assert settings.OAUTH_SERVER["previews"] == {"hosts": ("*.preview.example.com",)}
    assert default_issuer()


def test_the_page_has_them_all():
    page = (Path(__file__).parents[2] / "docs/from-oauth-toolkit.md").read_text(encoding="utf-8")
    for name, words in PLACES.items():
        assert f"| {words} |" in page, name
