"""By which identifier a client knows a person (OpenID Connect Core section 8)."""

from __future__ import annotations

import base64
import hmac

from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


def subject(user_id: object, client: Client, issuer: Issuer) -> str:
    """The person's `sub` for *client*: the same for all, or one that only the client's own sector sees.

    Raises `TemporarilyUnavailable` where it was derived with a salt that the settings have no more: any other would be another person's.
    """
    if not client.is_pairwise:
        return str(user_id)
    if not issuer.settings.pairwise_salt:
        raise TemporarilyUnavailable("The server cannot name the person.", detail="pairwise_salt is gone")
    # Nobody who does not know the salt can find the person, nor compare two sectors (section 8.1).
    message = f"{client.sector}\0{user_id}".encode()
    derived = hmac.digest(issuer.settings.pairwise_salt.encode(), message, "sha256")
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()
