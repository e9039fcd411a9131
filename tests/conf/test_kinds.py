"""Every setting is of the kind that is documented: what is not would show only while somebody waits for an answer, or never."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

from django_oauth_server.conf import Resource, Scope
from django_oauth_server.conf.loader import load

API = "https://api.example/notes"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"any_port_of_localhost": "False"}, "any_port_of_localhost must be True or False."),
        ({"trusted_proxies": True}, "trusted_proxies must be a number, not negative."),
        ({"access_token_lifetime": 900}, "access_token_lifetime must be a timedelta, not negative, "),
        (
            {"refresh_token_lifetime": timedelta.max},
            "refresh_token_lifetime must be a timedelta, not negative, and a century at",
        ),
        ({"key_encryption_key": b"secret"}, "key_encryption_key must be a string."),
        ({"signing_algs": "ES256"}, "signing_algs must be a list or tuple."),
        ({"acr_values": [1]}, "acr_values must be a string."),
        ({"registration": "opened"}, "registration must be one of off, protected, open."),
        ({"throttles": ["redemption"]}, "throttles must be a dict."),
        ({"throttles": {"redemption": 60}}, "throttles must be a dict, in which 'redemption' is a string or None."),
        ({"scopes": {7: "see your notes"}}, "scopes must be a dict, in which each name is a string."),
        (
            {"software_statement_issuers": {"https://v.example": 7}},
            "in which 'https://v.example' is a dict or a string.",
        ),
        ({"scopes": {"notes:read": Scope("see", optional="yes")}}, "scopes: notes:read: optional must be True or"),  # type: ignore[arg-type]
        ({"resources": {API: Resource("Notes", scopes="notes:read")}}, "scopes must be a list or tuple or None."),  # type: ignore[arg-type]
        ({"resources": {API: Resource("Notes", access_token_lifetime=5)}}, "access_token_lifetime must be a timedelta"),  # type: ignore[arg-type]
    ],
)
def test_a_value_of_another_kind_stops_the_start_and_is_not_told(settings: Any, said: Any, words: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | said
    with pytest.raises(ImproperlyConfigured) as stopped:
        load()
    assert words in str(stopped.value) and "secret" not in str(stopped.value)


def test_what_is_usual_in_a_settings_file_is_taken(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {
        "name": gettext_lazy("Notes"),
        "outbound_ca_bundle": Path("ca.pem"),
        "default_scopes": ["notes:read"],
        "scopes": {"notes:read": gettext_lazy("see your notes")},
        "resources": {API: Resource("Notes", scopes=["notes:read"], access_token_lifetime=timedelta(minutes=1))},  # type: ignore[arg-type]
    }
    one = load()[0]
    assert one.default_scopes == ("notes:read",)
    assert one.outbound_ca_bundle == "ca.pem"
    assert one.resources[API].scopes == ("notes:read",)  # type: ignore[union-attr]
