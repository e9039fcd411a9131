"""The end of sign-in sessions: who took part is found, and waits to be told, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone

from django_oauth_server.logout.amends import make_up_for
from django_oauth_server.logout.courier import deliver_soon
from django_oauth_server.models.participation import Participation
from django_oauth_server.protocol.log import get_log
from django_oauth_server.protocol.opaque import sid_for
from django_oauth_server.storage.logout_deliveries import add_deliveries
from django_oauth_server.storage.participations import of_session, take_out
from django_oauth_server.storage.session_bound import end_with_sessions
from django_oauth_server.storage.transaction import after_commit, atomic, retry_conflicts

logger = get_log(__name__)


def end(found: QuerySet[Participation]) -> list[Participation]:
    """Those who took part in the sessions of *found*, with their clients. Those with a back channel are told once all is committed; what
    they hold that is bound to the session ends."""
    with atomic():
        ended = _end(found)
        if ended:
            told = {(one.client.client_id, one.told_sid) for one in ended}
            users = {one.user_id for one in ended}
            end_with_sessions(users, lambda client_id, sid: (client_id, sid) in told, timezone.now())
    return ended


def end_session(user: AbstractBaseUser, sid: str) -> list[Participation]:
    """The same for the session *sid* of *user*, whoever took part: apps that nobody need tell hold what is bound to it too."""
    with atomic():
        end_with_sessions([user.pk], lambda client_id, told: told == sid_for(sid, client_id), timezone.now())
        return _end(of_session(sid))


def _end(found: QuerySet[Participation]) -> list[Participation]:
    with atomic():
        ended = take_out(found)
        told = [one for one in ended if one.client.backchannel_logout_uri]
        if told:
            add_deliveries(told, timezone.now())
            after_commit(deliver_soon)
    return ended


def end_at_any_rate(ending: Callable[[], list[Participation]]) -> list[Participation]:
    """What *ending* returns, for a person who is signing out, whatever happens here. What cannot be noted now is noted later, by this process.

    A person whom an error keeps signed in believes that they left. So nothing is raised.
    """
    work = partial(retry_conflicts, ending)
    try:
        return work()
    except Exception:
        logger.exception("The end of a sign-in session cannot be stored now. This process will try again.")
        make_up_for(work)
        return []
