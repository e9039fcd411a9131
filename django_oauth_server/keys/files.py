"""Keys that the deployment gives as files."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.loader import SETTING
from django_oauth_server.keys.ring import KeyRing, Signer
from django_oauth_server.protocol.jose import SigningKeyPair


class FileKeys:
    """The first key of an algorithm signs, all are published. They are read once in the life of a process."""

    def __init__(self, settings: IssuerSettings) -> None:
        self._paths, self._policy = settings.signing_key_files, settings.tightened

    def ring(self) -> KeyRing:
        return self._ring

    def sought(self) -> KeyRing:
        return self._ring

    def remembered(self) -> KeyRing:
        return self._ring

    def complete(self, *, anew: bool = False) -> KeyRing:
        return self._ring

    def signer(self, alg: str | None = None) -> SigningKeyPair:
        """The first for *alg*, or the first of all. Raises ImproperlyConfigured where there is none."""
        for signer in self._ring.signers:
            if alg in (None, signer.pair.alg):
                return signer.pair
        raise ImproperlyConfigured(f"{SETTING}: signing_key_files has no key for {alg}.")

    @cached_property
    def _ring(self) -> KeyRing:
        pairs = read_files(self._paths)
        if pairs and not self._policy.algorithms(pair.alg for pair in pairs[:1]):
            raise ImproperlyConfigured(
                f"{SETTING}: signing_key_files has {self._paths[0]} first, whose {pairs[0].alg} the policy {self._policy.name} does not permit."
            )
        return KeyRing.of([Signer(pair) for pair in pairs], [pair.public_jwk() for pair in pairs])


@cache
def read_files(paths: tuple[str, ...]) -> tuple[SigningKeyPair, ...]:
    """Their keys, in the same order. Raises ImproperlyConfigured with what to mend."""
    return tuple(_load(path) for path in paths)


def _load(path: str) -> SigningKeyPair:
    try:
        return SigningKeyPair.load(Path(path).read_bytes())
    except (OSError, ValueError) as exc:
        raise ImproperlyConfigured(f"{SETTING}: signing_key_files has {path}, which cannot be used: {exc}.") from exc
