"""What several attacks need."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

SECOND_ISSUER = "https://as.example/second"


@pytest.fixture
def second(settings: Any) -> str:
    """A second issuer in the same project, under a path of its own."""
    import_module(settings.ROOT_URLCONF)  # other tests' URLs are made once, and have one issuer
    settings.OAUTH_SERVER = [settings.OAUTH_SERVER, settings.OAUTH_SERVER | {"issuer": SECOND_ISSUER}]
    settings.ROOT_URLCONF = "tests.audit.two_issuers"
    return SECOND_ISSUER
