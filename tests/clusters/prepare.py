"""Makes the tables, clients, and people who are signed in, and prints what the test has to know of them."""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(people: int) -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.clusters.settings")
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client as Browser

    from django_oauth_server.registry import default_issuer
    from tests.factories import ClientFactory, UserFactory

    def client(**more: Any) -> dict[str, Any]:
        made = ClientFactory(**more)
        return {
            "client_id": made.client_id,
            "secret": made.secret,
            "is_public": made.is_public,
            "redirect_uris": made.redirect_uris,
        }

    def session() -> str:
        browser = Browser()
        browser.force_login(UserFactory())
        return browser.cookies[settings.SESSION_COOKIE_NAME].value

    call_command("migrate", verbosity=0)
    told = {
        "clients": {
            "confidential": client(),
            "public": client(public=True),
            "jwt": client(access_token_format="at+jwt"),
            "public jwt": client(public=True, access_token_format="at+jwt"),
            "device": client(
                public=True, metadata__grant_types=["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]
            ),
            "service": client(metadata__grant_types=["client_credentials"]),
            "api": client(metadata__resource_identifiers=[settings.OAUTH_SERVER["issuer"]]),
        },
        "sessions": [session() for _ in range(people)],
        "limits": list(default_issuer().settings.throttles),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]))
