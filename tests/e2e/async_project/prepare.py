"""Make the tables, and print good tokens: half of them opaque, half JWTs."""

from __future__ import annotations

import json

import django
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()
    from django_oauth_server.testing.tokens import issue_token
    from tests.factories import UserFactory

    call_command("migrate", verbosity=0)
    person = UserFactory()
    print(json.dumps([issue_token(scopes="notes:read", user=person, format=form) for form in ("opaque", "at+jwt") * 4]))
