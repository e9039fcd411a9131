"""Whether a secret that was presented is the client's."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password

from django_oauth_server.clients.methods.base import Attempt, Unproven
from django_oauth_server.clients.throttling import check_guesses
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.storage.clients import foreign_secret_still, keep_own_digest


def proves(attempt: Attempt) -> bool:
    """Whether the secret that was presented is the client's. One that was adopted with another server's hash is kept as our digest from then on.

    Raises `Conflict` when it was: whoever does all anew finds the digest. Raises `TooManyRequests` before a hasher is asked once too often: that is
    slow by design, whatever the secret looks like.
    """
    client, secret = attempt.client, attempt.credentials.proof
    if client.has_secret(secret, attempt.now):
        return True
    encoded = foreign_secret_still(client) if client.may_have_foreign_secret(attempt.now) else ""
    if encoded:
        check_guesses(client.client_id, attempt.http, attempt.issuer, attempt.now)
        if _is_made_of(secret, encoded):
            keep_own_digest(client, encoded, digest(secret))
    return False


def _is_made_of(secret: str, encoded: str) -> bool:
    """Whether *encoded* is a hash of *secret*. Raises `Unproven` where that cannot be said: it is damaged, or its hasher's library is missing."""
    try:
        return check_password(secret, encoded)
    except ValueError as exc:
        raise Unproven("the adopted hash of its secret cannot be checked") from exc
