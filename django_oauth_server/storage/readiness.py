"""Whether the database can serve the next request."""

from __future__ import annotations

from django_oauth_server.models import SigningKey
from django_oauth_server.storage.transaction import database


def ask_to_write() -> None:
    """Ask for a write that changes nothing: a replica, which can only be read, refuses that as well. Raises what the database says."""
    SigningKey.objects.using(database()).filter(kid="").update(kid="")
