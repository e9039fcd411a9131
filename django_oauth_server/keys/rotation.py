"""One key after another: published before it signs, and kept until the last token that it signed is dead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.utils.translation import gettext as _

from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.database import new_key, refresh_interval
from django_oauth_server.keys.signing import forget
from django_oauth_server.models import SigningKey
from django_oauth_server.protocol.jose import SigningKeyPair
from django_oauth_server.storage.lifetimes import longest_token_lifetime
from django_oauth_server.storage.signing_keys import (
    add_signing_key,
    promote,
    remove_signing_keys,
    retire_before,
    signing_keys,
)

_MARGIN: Final = timedelta(seconds=60)
"""For clocks that differ, here and at resource servers."""


class KeysAreFiles(Exception):
    """The deployment gives its keys as files, and rotates them itself."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation came to."""

    key: SigningKey
    outcome: Literal["published", "signs", "promoted", "waiting"]
    """A new key waits; a new key signs; the waiting one signs; one waits already, and nothing was made."""
    retired: tuple[SigningKey, ...]
    """The older keys, which stay published until they expire."""
    removed: tuple[SigningKey, ...]
    """The keys that had expired."""


def rotate(issuer: Issuer, *, now: datetime, at_once: bool = False, alg: str | None = None) -> Rotation:
    """Publish the next key, which signs after the issuer's `key_publication_lead`; or let it sign *at_once*. Expired keys are removed.

    Each algorithm has its own line of keys. While a key waits to sign, no other is made. Raises `KeysAreFiles`.
    """
    settings = issuer.settings
    if settings.signing_key_files:
        raise KeysAreFiles(
            _(
                "This issuer's keys are given as files (signing_key_files). Put a new file first in that list, and keep the former."
            )
        )
    alg = alg or settings.signing_alg
    keys = signing_keys(settings.issuer)
    removed = tuple(key for key in keys if key.expires_at is not None and key.expires_at <= now)
    line = [key for key in keys if key.alg == alg and key not in removed]
    remove_signing_keys(removed)
    if line and line[0].signs_from > now:
        key, outcome = _let_wait_or_promote(line[0], now, at_once=at_once)
    else:
        key, outcome = _succeed(issuer, alg, now, at_once=at_once or not line)
    forget()
    retired = tuple(one for one in signing_keys(settings.issuer) if one.alg == alg and one.pk != key.pk)
    return Rotation(key, outcome, retired, removed)


_Outcome = tuple[SigningKey, Literal["published", "signs", "promoted", "waiting"]]


def _let_wait_or_promote(waiting: SigningKey, now: datetime, *, at_once: bool) -> _Outcome:
    """The former key's end was set for the later moment, and is left: it is late enough."""
    if not at_once:
        return waiting, "waiting"
    promote(waiting, now)
    waiting.signs_from = now
    return waiting, "promoted"


def _succeed(issuer: Issuer, alg: str, now: datetime, *, at_once: bool) -> _Outcome:
    """A new key. The others of its line end when the last token is dead that any process signs before it has read of the new one."""
    settings = issuer.settings
    signs_from = now if at_once else now + settings.key_publication_lead
    key = new_key(settings, SigningKeyPair.generate(alg), published=now, signs_from=signs_from)
    add_signing_key(key)
    until = signs_from + timedelta(seconds=refresh_interval(settings)) + longest_token_lifetime(settings) + _MARGIN
    retire_before(key, until)
    return key, "signs" if at_once else "published"
