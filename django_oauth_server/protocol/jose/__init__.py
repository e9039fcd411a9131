"""JOSE: signed and encrypted JWTs, and the keys for them. The only room in which joserfc is spoken to."""

from django_oauth_server.protocol.jose.embedded import sign_embedded, verify_embedded
from django_oauth_server.protocol.jose.encryption import (
    CONTENT_ENCRYPTION,
    KEY_MANAGEMENT,
    DecryptionKeyPair,
    EncryptionKeySet,
    decrypt,
    encrypt,
)
from django_oauth_server.protocol.jose.keys import InvalidJWT, UnknownKey, is_costly
from django_oauth_server.protocol.jose.shared_secrets import (
    SHARED_SECRET_ALGORITHMS,
    sign_with_secret,
    verify_with_secret,
)
from django_oauth_server.protocol.jose.signatures import ALGORITHMS, KeySet, SigningKeyPair, media_type, sign, verify
from django_oauth_server.protocol.jose.times import SKEW, is_number, why_untimely
from django_oauth_server.protocol.jose.unverified import unverified

__all__ = [
    "ALGORITHMS",
    "CONTENT_ENCRYPTION",
    "KEY_MANAGEMENT",
    "SHARED_SECRET_ALGORITHMS",
    "SKEW",
    "DecryptionKeyPair",
    "EncryptionKeySet",
    "InvalidJWT",
    "KeySet",
    "SigningKeyPair",
    "UnknownKey",
    "decrypt",
    "encrypt",
    "is_costly",
    "is_number",
    "media_type",
    "sign",
    "sign_embedded",
    "sign_with_secret",
    "unverified",
    "verify",
    "verify_embedded",
    "verify_with_secret",
    "why_untimely",
]
