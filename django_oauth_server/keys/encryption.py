"""Private keys at rest: encrypted under a key that is not in the database."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.secrets import key_material
from django_oauth_server.keys.derivation import derive_key


class Undecipherable(ValueError):
    """None of the deployment's secrets, present and former, decrypts it."""


def encrypt(plain: bytes, settings: IssuerSettings) -> str:
    """*plain* under the current secret."""
    return _fernet(settings).encrypt(plain).decode()


def decrypt(encrypted: str, settings: IssuerSettings) -> bytes:
    """What was encrypted under the current secret, or a former one. Raises `Undecipherable`."""
    try:
        return _fernet(settings).decrypt(encrypted)
    except InvalidToken as exc:
        raise Undecipherable("no secret of this deployment decrypts it") from exc


def _fernet(settings: IssuerSettings) -> MultiFernet:
    keys = (derive_key(secret, b"signing keys at rest") for secret in key_material(settings))
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
