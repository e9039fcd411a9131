"""One key after another: published before it signs, and kept until the last token that it signed is dead."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from django.utils.translation import gettext as _

from django_oauth_server.conf import IssuerSettings
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.database import new_key, offered, refresh_interval
from django_oauth_server.keys.signing import forget
from django_oauth_server.models import SigningKey
from django_oauth_server.storage.lifetimes import longest_token_lifetime
from django_oauth_server.storage.signing_keys import (
    add_signing_keys,
    promote,
    reinstate,
    remove_signing_keys,
    retire_before,
    signing_keys,
)
from django_oauth_server.storage.transaction import after_commit, atomic

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

    Each algorithm has its own line of keys; without *alg* it is that of access tokens. While a key waits to sign, no other is made. Raises
    `KeysAreFiles`.
    """
    return _rotate(issuer, (alg or issuer.settings.signing_alg,), now, at_once=at_once)[0]


def rotate_all(issuer: Issuer, *, now: datetime, at_once: bool = False) -> tuple[Rotation, ...]:
    """`rotate` the line of each algorithm that is offered."""
    return _rotate(issuer, offered(issuer.settings), now, at_once=at_once)


def withdraw(key: SigningKey, issuer: Issuer, *, now: datetime) -> SigningKey | None:
    """Remove *key*, which somebody else may have: what it signed is refused from then on, by others as soon as they read the JWKS again.

    Where it signs today, the key that waits takes over at once, or a new one: it is returned. Where it waits itself, the key before it stays. Raises
    `KeysAreFiles`.
    """
    _check_rotates(issuer)
    with atomic():
        line = _line(signing_keys(issuer.settings.issuer), key.alg)
        begun = [one for one in line if one.signs_from <= now]
        successor = None
        if begun and begun[0].pk == key.pk:
            successor = rotate(issuer, now=now, at_once=True, alg=key.alg).key
        elif begun and line[0].pk == key.pk:
            reinstate(begun[0])
        remove_signing_keys([key])
        after_commit(forget)
    return successor


def _check_rotates(issuer: Issuer) -> None:
    if issuer.settings.signing_key_files:
        raise KeysAreFiles(
            _(
                "This issuer's keys come from files (signing_key_files). Add a new file at the top of that list, "
                "and keep the previous one."
            )
        )


def _rotate(issuer: Issuer, algs: Collection[str], now: datetime, *, at_once: bool) -> tuple[Rotation, ...]:
    _check_rotates(issuer)
    keys = signing_keys(issuer.settings.issuer)
    removed = [key for key in keys if key.expires_at is not None and key.expires_at <= now]
    remove_signing_keys(removed)
    left = [key for key in keys if key not in removed]
    steps = _next(issuer, algs, left, now, at_once=at_once) if left else _first(issuer.settings, algs, now)
    forget()
    after = signing_keys(issuer.settings.issuer)
    return tuple(
        Rotation(key, outcome, tuple(one for one in _line(after, key.alg) if one.pk != key.pk), _line(removed, key.alg))
        for key, outcome in steps
    )


def _line(keys: list[SigningKey], alg: str) -> tuple[SigningKey, ...]:
    return tuple(key for key in keys if key.alg == alg)


_Step = tuple[SigningKey, Literal["published", "signs", "promoted", "waiting"]]


def _first(settings: IssuerSettings, algs: Collection[str], now: datetime) -> list[_Step]:
    """The issuer's first keys: those of all lines come together, and have nobody to wait for."""
    keys = [new_key(settings, alg, published=now, signs_from=now) for alg in dict.fromkeys((*algs, *offered(settings)))]
    add_signing_keys(keys)
    return [(key, "signs") for key in keys if key.alg in algs]


def _next(
    issuer: Issuer, algs: Collection[str], keys: list[SigningKey], now: datetime, *, at_once: bool
) -> list[_Step]:
    newest = [next(iter(_line(keys, alg)), None) for alg in algs]
    return [
        _let_wait_or_promote(key, now, at_once=at_once)
        if key and key.signs_from > now
        else _succeed(issuer, alg, now, at_once=at_once)
        for alg, key in zip(algs, newest, strict=True)
    ]


def _let_wait_or_promote(waiting: SigningKey, now: datetime, *, at_once: bool) -> _Step:
    """The former key's end was set for the later moment, and is left: it is late enough."""
    if not at_once:
        return waiting, "waiting"
    promote(waiting, now)
    waiting.signs_from = now
    return waiting, "promoted"


def _succeed(issuer: Issuer, alg: str, now: datetime, *, at_once: bool) -> _Step:
    """A new key. The others of its line end when the last token is dead that any process signs before it has read of the new one."""
    settings = issuer.settings
    signs_from = now if at_once else now + settings.key_publication_lead
    key = new_key(settings, alg, published=now, signs_from=signs_from)
    add_signing_keys([key])
    until = signs_from + timedelta(seconds=refresh_interval(settings)) + _longest_lifetime(settings) + _MARGIN
    retire_before(key, until)
    return key, "signs" if at_once else "published"


def _longest_lifetime(settings: IssuerSettings) -> timedelta:
    """Of access tokens, and of ID tokens where there are any."""
    longest = longest_token_lifetime(settings)
    return max(longest, settings.id_token_lifetime) if settings.is_openid else longest
