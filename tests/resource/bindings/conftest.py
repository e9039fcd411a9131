"""A resource server that knows seals."""

from __future__ import annotations

import pytest

from tests.resource.bindings.seal import Seal

HERE = "tests.resource.bindings.seal"


@pytest.fixture(autouse=True)
def resource_server(settings):
    settings.OAUTH_RESOURCE_SERVER = {
        "verifier": f"{HERE}.Tokens",
        "bindings": [f"{HERE}.Seal"],
        "protected_prefixes": {"/prefix/": None},
    }
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_oauth_server.resource.middleware.ProtectedPrefixMiddleware"]
    settings.ROOT_URLCONF = HERE
    Seal.asked = 0
