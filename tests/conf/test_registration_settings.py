"""What the settings may say of registration."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.conf.loader import load


@pytest.mark.parametrize(
    ("said", "words"),
    [
        *(
            ({"private_use_schemes": [scheme]}, "private_use_schemes")
            for scheme in ("javascript", "https", "data", "Cursor", "a b", "", "x:", 7)
        ),
        ({"private_use_schemes": "cursor"}, "list or tuple"),
        ({"registration_scopes": "everything"}, "offered, default"),
    ],
)
def test_what_means_nothing_or_is_dangerous_stops_the_start(settings: Any, said: dict[str, Any], words: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | said
    with pytest.raises(ImproperlyConfigured, match=words):
        load()
