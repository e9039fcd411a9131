"""Authorization requests that clients pushed. Clients can push without end, so that their number is bounded: a client's oldest go first."""

from __future__ import annotations

from datetime import datetime
from random import randrange
from typing import Final

from django.db.models import QuerySet

from django_oauth_server.models.pushed_request import PushedRequest
from django_oauth_server.protocol.opaque import digest, generate
from django_oauth_server.storage.newest import keep_newest
from django_oauth_server.storage.question import Question

PREFIX: Final = "urn:ietf:params:oauth:request_uri:"
"""RFC 9126 section 2.2."""
_VALUE: Final = f"{PREFIX}oas_pr_"
_SLACK: Final = 100
"""A hundredth of the bound: room is made so often that there are hardly more beyond it, and nearly every push is one statement."""

_by_digest: Final = Question(PushedRequest, lambda digest: PushedRequest.objects.filter(digest=digest))


def push(pushed: PushedRequest, most: int) -> str:
    """Store *pushed* and return its reference, which is not stored. Its client has about *most* of them, those that it pushed last."""
    reference = generate(_VALUE)
    pushed.digest = digest(reference)
    pushed.save(force_insert=True)
    if not randrange(max(most // _SLACK, 1)):  # noqa: S311 - nobody gains by guessing when room is made
        keep_newest(PushedRequest.objects.filter(of=pushed.of), most)
    return reference


def find_pushed(reference: str) -> PushedRequest | None:
    """What was pushed under *reference* and is not answered, whatever its age."""
    return _by_digest.answer(digest(reference))


def settle(reference: str) -> bool:
    """Forget what was pushed under *reference*, as it is answered. False where another answer was first."""
    return bool(PushedRequest.objects.filter(digest=digest(reference)).delete()[0])


def expired_pushed(expired: datetime) -> QuerySet[PushedRequest]:
    """Those that nobody can answer since *expired*."""
    return PushedRequest.objects.filter(expires_at__lte=expired)
