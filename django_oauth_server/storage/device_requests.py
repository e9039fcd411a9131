"""Requests of devices: kept, found by either code, polled for, decided once and redeemed once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from random import randrange
from typing import Final

from django.db import IntegrityError
from django.db.models import F, QuerySet
from django.utils.crypto import salted_hmac

from django_oauth_server.models import Authorization, Client
from django_oauth_server.models.device_request import DeviceRequest
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.storage.clients import owner
from django_oauth_server.storage.newest import keep_newest
from django_oauth_server.storage.question import Question
from django_oauth_server.storage.transaction import Conflict, atomic
from django_oauth_server.storage.writing import Change, Spending

MOST_OF_ONE_CLIENT: Final = 100_000
"""Requests that are kept of one client, about. The oldest go first."""
LOOKED_AT_EACH: Final = 1000
"""How many requests come, on average, before that is looked at."""
SLOWER: Final = 5
"""Seconds that are added to the interval of a device that polls too fast (RFC 8628 section 3.5)."""
_LEEWAY: Final = 1000
"""Milliseconds: a poll that was sent in time may overtake the one before it on the way."""

_by_user_code: Final = Question(
    DeviceRequest,
    lambda digest: DeviceRequest.objects.select_related("authorization").filter(user_code_digest=digest),
)
_by_device_code: Final = Question(
    DeviceRequest,
    lambda digest: DeviceRequest.objects.select_related("authorization__client", "authorization__user").filter(
        device_code_digest=digest
    ),
)
_redemption: Final = Change(DeviceRequest, sets=("redeemed_at",), unless=("redeemed_at",))


def keep_device_request(row: DeviceRequest, issuer: str, device_code: str, user_code: str) -> None:
    """Store *row*, which these two codes find. Raises `Conflict` where another request has such a code: the next attempt has other ones."""
    row.device_code_digest, row.user_code_digest = digest(device_code), _user_code_digest(issuer, user_code)
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError as exc:
        raise Conflict from exc
    _make_room(row.of)


def find_by_user_code(issuer: str, user_code: str) -> DeviceRequest | None:
    """The request that a person means, whatever its state."""
    return _by_user_code.answer(_user_code_digest(issuer, user_code))


def find_by_device_code(device_code: str) -> DeviceRequest | None:
    """The request for which a device polls, with what somebody allowed, whatever its state."""
    return _by_device_code.answer(digest(device_code))


def note_poll(device_code: str, client: Client, now: datetime) -> bool:
    """Note that *client* polled: True where nobody has decided yet, and the poll came in time."""
    waiting = DeviceRequest.objects.filter(
        device_code_digest=digest(device_code),
        of=owner(client),
        decided_at=None,
        expires_at__gt=now,
        polls_from__lte=_milliseconds(now),
    )
    return bool(waiting.update(polls_from=_milliseconds(now) - _LEEWAY + F("interval") * 1000))


def slow_down(row: DeviceRequest, now: datetime) -> None:
    """The device has to wait longer from now on, between any two polls, in whichever process they arrive."""
    DeviceRequest.objects.filter(pk=row.pk, decided_at=None).update(
        # Before the interval, which MariaDB would read as it is afterwards.
        polls_from=_milliseconds(now) - _LEEWAY + (F("interval") + SLOWER) * 1000,
        interval=F("interval") + SLOWER,
    )


def approve(row: DeviceRequest, authorization: Authorization, granted: Mapping[str, object], now: datetime) -> bool:
    """Write down what was allowed. False where it is too late, or somebody else has decided."""
    undecided = DeviceRequest.objects.filter(pk=row.pk, decided_at=None, expires_at__gt=now)
    return bool(undecided.update(decided_at=now, authorization=authorization, granted=dict(granted)))


def deny(row: DeviceRequest, now: datetime) -> bool:
    """Write down that nothing was allowed. False where it is too late, or somebody else has decided."""
    return bool(DeviceRequest.objects.filter(pk=row.pk, decided_at=None, expires_at__gt=now).update(decided_at=now))


def redeemed(row: DeviceRequest, now: datetime) -> Spending:
    """It is spent, unless somebody else was first."""
    return _redemption.of(row, now)


def expired_device_requests(expired: datetime) -> QuerySet[DeviceRequest]:
    """Those whose codes open nothing any more."""
    return DeviceRequest.objects.filter(expires_at__lte=expired)


def _make_room(of: str) -> None:
    """Looked at now and then: to find the row that is one too many costs as much as there may be."""
    if randrange(LOOKED_AT_EACH):  # noqa: S311 - spreads the cost; nobody need not guess it
        return
    keep_newest(DeviceRequest.objects.filter(of=of), MOST_OF_ONE_CLIENT)


def _user_code_digest(issuer: str, user_code: str) -> str:
    """With a key: a plain digest of so few bits could be undone by whoever reads the table."""
    return salted_hmac("oauth_server.user_code", f"{issuer} {user_code}", algorithm="sha256").hexdigest()


def _milliseconds(now: datetime) -> int:
    return int(now.timestamp() * 1000)
