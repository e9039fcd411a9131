"""Private keys and some secrets at rest: encrypted under a key that is not in the database."""

from __future__ import annotations

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.secrets import key_material
from django_oauth_server.keys.derivation import derive_key

SIGNING_KEYS: Final = b"signing keys at rest"
CLIENT_SECRETS: Final = b"client secrets at rest"
SHOWN_ONCE: Final = b"what a page shows once"
"""What is encrypted: the key of one purpose opens nothing of another."""


class Undecipherable(ValueError):
    """None of the deployment's secrets, present and former, decrypts it."""


def encrypt(plain: bytes, settings: IssuerSettings, *, purpose: bytes = SIGNING_KEYS) -> str:
    """*plain* under the current secret."""
    return _fernet(settings, purpose).encrypt(plain).decode()


def decrypt(encrypted: str, settings: IssuerSettings, *, purpose: bytes = SIGNING_KEYS) -> bytes:
    """What was encrypted under the current secret, or a former one. Raises `Undecipherable`."""
    try:
        return _fernet(settings, purpose).decrypt(encrypted)
    except InvalidToken as exc:
        raise Undecipherable("no secret of this deployment decrypts it") from exc


def _fernet(settings: IssuerSettings, purpose: bytes) -> MultiFernet:
    keys = (derive_key(secret, purpose) for secret in key_material(settings))
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
