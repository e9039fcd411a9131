"""Moments, with time zones and without (`USE_TZ`).

Without, a moment is what a clock on the wall shows. So moments are compared with each other, and with the NumericDates of JWTs (RFC 7519
section 2), as seconds, which do not repeat themselves when summer time ends.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.utils import timezone


def moment(seconds: float) -> datetime:
    """A NumericDate as a moment of Django's own, with a zone or without."""
    return datetime.fromtimestamp(seconds, UTC if settings.USE_TZ else None)


def seconds_between(earlier: datetime, later: datetime) -> timedelta:
    """How long it was from *earlier* to *later*; each may have a zone or not."""
    return timedelta(seconds=later.timestamp() - earlier.timestamp())


def numeric_date(issued_at: datetime, lifetime: timedelta = timedelta()) -> int:
    """*lifetime* after *issued_at*, as a NumericDate."""
    return int(issued_at.timestamp() + lifetime.total_seconds())


def local(at: datetime) -> datetime:
    """*at* in the time zone that people read; as it is where there are no zones."""
    return timezone.localtime(at) if timezone.is_aware(at) else at


def clocks_change() -> bool:
    """Whether moments have no zone, and the clocks on the wall are put forward and back."""
    months = (datetime(timezone.now().year, month, 1).astimezone().utcoffset() for month in range(1, 13))
    return not settings.USE_TZ and len(set(months)) > 1
