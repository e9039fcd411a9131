"""The end of sign-in sessions: who took part is found, and waits to be told, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.db.models import QuerySet
from django.utils import timezone

from django_oauth_server.logout.amends import make_up_for
from django_oauth_server.logout.courier import deliver_soon
from django_oauth_server.models import Participation
from django_oauth_server.protocol.log import get_log
from django_oauth_server.storage.logout_deliveries import add_deliveries
from django_oauth_server.storage.participations import take_out
from django_oauth_server.storage.transaction import after_commit, atomic, retry_conflicts

logger = get_log(__name__)


def end(found: QuerySet[Participation]) -> list[Participation]:
    """Those who took part in the sessions of *found*, with their clients. Those with a back channel are told once all is committed."""
    with atomic():
        ended = take_out(found)
        told = [one for one in ended if one.client.backchannel_logout_uri]
        if told:
            add_deliveries(told, timezone.now())
            after_commit(deliver_soon)
    return ended


def end_at_any_rate(find: Callable[[], QuerySet[Participation]]) -> list[Participation]:
    """`end`, for a person who is signing out, whatever happens here. What cannot be noted now is noted later, by this process.

    A person whom an error keeps signed in believes that they left. So nothing is raised.
    """
    work = partial(retry_conflicts, lambda: end(find()))
    try:
        return work()
    except Exception:
        logger.exception("the end of a sign-in session cannot be noted now: this process will try again")
        make_up_for(work)
        return []
