"""The end of sign-in sessions: who took part is found, and waits to be told, in one transaction."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from django_oauth_server.logout.courier import deliver_soon
from django_oauth_server.models import Participation
from django_oauth_server.storage.logout_deliveries import add_deliveries
from django_oauth_server.storage.participations import take_out
from django_oauth_server.storage.transaction import after_commit, atomic


def end(found: QuerySet[Participation]) -> list[Participation]:
    """Those who took part in the sessions of *found*, with their clients. Those with a back channel are told once all is committed."""
    with atomic():
        ended = take_out(found)
        told = [one for one in ended if one.client.backchannel_logout_uri]
        if told:
            add_deliveries(told, timezone.now())
            after_commit(deliver_soon)
    return ended
