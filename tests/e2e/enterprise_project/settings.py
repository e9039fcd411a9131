"""The example, which trusts the identity provider of a company, and has a second MCP endpoint, for services."""

import json

from example.settings import *  # noqa: F403
from example.settings import ISSUER, OAUTH_RESOURCE_SERVER, OAUTH_SERVER, env

from django_oauth_server.conf import People, Resource, TrustedIssuer

IDENTITY_PROVIDER = "https://idp.example"
SERVICES = f"{ISSUER}/services"
ROOT_URLCONF = "tests.e2e.enterprise_project.urls"
OAUTH_SERVER = OAUTH_SERVER | {
    "resources": OAUTH_SERVER["resources"] | {SERVICES: Resource("Notes for services", scopes=("notes:read",))},
    "trusted_issuers": {
        "issuers": (
            TrustedIssuer(
                IDENTITY_PROVIDER,
                keys=json.loads(env.str("IDENTITY_PROVIDER_KEYS")),
                people=People(scopes=("notes:read", "notes:write")),
            ),
        )
    },
}
OAUTH_RESOURCE_SERVER = OAUTH_RESOURCE_SERVER | {"resource": [*OAUTH_RESOURCE_SERVER["resource"], SERVICES]}
