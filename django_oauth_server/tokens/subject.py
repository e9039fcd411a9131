"""By which identifier a client knows a person (OpenID Connect Core section 8)."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import urlsplit

from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.uris import is_loopback


def subject(user_id: object, client: Client, issuer: Issuer) -> str:
    """The person's `sub` for *client*: the same for all, or one that only the client's own sector sees.

    Raises `TemporarilyUnavailable` where it was derived with a salt that the settings have no more: any other would be another person's.
    """
    if not is_pairwise(client):
        return str(user_id)
    if not issuer.settings.pairwise_salt:
        raise TemporarilyUnavailable("The server cannot name the person.", detail="pairwise_salt is gone")
    # Nobody who does not know the salt can find the person, nor compare two sectors (section 8.1).
    message = f"{sector(client)}\0{user_id}".encode()
    derived = hmac.digest(issuer.settings.pairwise_salt.encode(), message, "sha256")
    return base64.urlsafe_b64encode(derived).rstrip(b"=").decode()


def is_pairwise(client: Client) -> bool:
    """Whether *client* registered `subject_type` pairwise."""
    return bool(client.metadata.get("subject_type") == "pairwise")


def sector(client: Client) -> str:
    """The host of `sector_identifier_uri`, or the one of all redirect URIs (section 8.1).

    A client on people's own devices is a sector by itself: loopback and private-use schemes have no host that would be its own.
    """
    named = str(client.metadata.get("sector_identifier_uri", ""))
    return urlsplit(named or next(filter(_is_on_a_host, client.redirect_uris), "")).hostname or client.client_id


def _is_on_a_host(redirect_uri: str) -> bool:
    return urlsplit(redirect_uri).scheme in {"http", "https"} and not is_loopback(redirect_uri)
