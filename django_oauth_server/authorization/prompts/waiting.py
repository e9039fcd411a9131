"""A request that waits while a person looks at a page."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.authorization.prompts.base import Situation
from django_oauth_server.authorization.turn import Turn, turn_of
from django_oauth_server.models import Ticket
from django_oauth_server.protocol.opaque import INTERACTION
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.tickets import hand_out, make_room

MOST_OF_ONE_PERSON: Final = 20
"""Pages that one person may have open. An older one says that it is too old."""


def wait(situation: Situation, prompt: str) -> str:
    """The request waits for an answer to *prompt*, as a ticket of the person who is signed in. Returns its handle, which alone is in the form."""
    request = situation.request
    assert isinstance(situation.user, AbstractBaseUser)
    waiting = Ticket(
        kind=Ticket.Kind.INTERACTION,
        client=request.client,
        user=situation.user,  # type: ignore[misc]
        payload={
            "parameters": request.as_shown.pairs(),
            "prompt": prompt,
            "turn": situation.turn.document(),
        },
        created_at=situation.now,
        expires_at=situation.now + request.issuer.settings.interaction_lifetime,
    )
    make_room(situation.user, Ticket.Kind.INTERACTION, MOST_OF_ONE_PERSON)
    return hand_out(waiting, INTERACTION)


def request_of(ticket: Ticket) -> tuple[Parameters, Turn]:
    """The request that waits as *ticket*, and what the person had done for it."""
    return Parameters(tuple(pair) for pair in ticket.payload["parameters"]), turn_of(ticket.payload.get("turn", {}))
