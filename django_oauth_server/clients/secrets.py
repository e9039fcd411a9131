"""Secrets of clients: a digest of each, and what some algorithms need in clear, encrypted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django_oauth_server.component import Document
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.keys.encryption import CLIENT_SECRETS, decrypt, encrypt
from django_oauth_server.models import Client
from django_oauth_server.protocol.opaque import digest


def signs_with_secret(metadata: Document) -> bool:
    """Whether an algorithm that the client registered (`id_token_signed_response_alg`, for one) takes its secret for a key (RFC 7518 section 3.2)."""
    return any(name.endswith("_alg") and str(value).startswith("HS") for name, value in metadata.items())


def secret_mark(client: Client) -> str:
    """By which a page knows the secret that it was about, and nobody the secret."""
    return digest(f"replaces:{client.secret_digest}")


def set_secret(client: Client, secret: str, settings: IssuerSettings, *, in_clear: bool) -> None:
    """Put *secret* in place of the present one. *in_clear*: it will be a key, so a digest is not enough. The client is not saved yet."""
    client.secret_digest = digest(secret)
    client.encrypted_secret = encrypt(secret.encode(), settings, purpose=CLIENT_SECRETS) if in_clear else ""


def supersede_secret(client: Client, until: datetime) -> None:
    """Let the present secret work beside the next one *until* then."""
    client.previous_secret_digest = client.secret_digest
    client.previous_encrypted_secret = client.encrypted_secret
    client.previous_secret_expires_at = until


def forget_former_secret(client: Client) -> None:
    """No secret but the present one works any more."""
    client.previous_secret_digest = client.previous_encrypted_secret = ""
    client.previous_secret_expires_at = None


def forget_clear_secrets(client: Client) -> None:
    """Keep the digests alone."""
    client.encrypted_secret = client.previous_encrypted_secret = ""


def forget_secrets(client: Client) -> None:
    """It has none any more."""
    client.secret_digest = client.encrypted_secret = ""
    forget_former_secret(client)


def clear_secrets(client: Client, settings: IssuerSettings, now: datetime) -> Iterator[str]:
    """Its secret, and then the one before while both work. Raises `Undecipherable`. None where only digests are kept."""
    former = client.previous_secret_expires_at and now < client.previous_secret_expires_at
    for encrypted in (client.encrypted_secret, client.previous_encrypted_secret if former else ""):
        if encrypted:
            yield decrypt(encrypted, settings, purpose=CLIENT_SECRETS).decode()
