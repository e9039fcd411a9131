"""A request that waits while a person looks at a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.authorization.channel import Channel
from django_oauth_server.authorization.prompts.base import Prompt, Situation
from django_oauth_server.authorization.turn import Turn, turn_of
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client, Ticket
from django_oauth_server.protocol.opaque import INTERACTION
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.tickets import find_ticket, hand_out, make_room

MOST_OF_ONE_PERSON: Final = 20
"""Pages that one person may have open. An older one says that it is too old."""


_FIRST: Final = "redirect"
"""The only channel of releases that did not say which: their pages are open still while a deployment is upgraded."""


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page of a prompt that a person has before them, and the request for which it asks."""

    client: Client | None
    """None: it had no row."""
    user_id: object
    """Whose page it is."""
    channel: Channel
    reference: Parameters
    """By which the channel finds the request."""
    prompt: Prompt | None
    """None: one that is not offered any more."""
    turn: Turn
    """What the person had done."""
    expires_at: datetime


def wait(situation: Situation, prompt: str) -> str:
    """The request waits for an answer to *prompt*, as a ticket of the person who is signed in. Returns its handle, which alone is in the form."""
    request, pending = situation.request, situation.pending
    assert isinstance(situation.user, AbstractBaseUser)
    waiting = Ticket(
        kind=Ticket.Kind.INTERACTION,
        client=None if request.client._state.adding else request.client,
        user=situation.user,  # type: ignore[misc]
        payload={
            "channel": pending.channel,
            "parameters": pending.reference_to(request).pairs(),
            "prompt": prompt,
            "turn": situation.turn.document(),
            "issuer": request.issuer.settings.issuer,
        },
        created_at=situation.now,
        expires_at=situation.now + request.issuer.settings.interaction_lifetime,
    )
    make_room(situation.user, Ticket.Kind.INTERACTION, MOST_OF_ONE_PERSON)
    return hand_out(waiting, INTERACTION)


def find_waiting_page(handle: str, issuer: Issuer) -> WaitingPage | None:
    """The page of this *handle*, whatever its state. None, where it is not one of *issuer*."""
    ticket = find_ticket(Ticket.Kind.INTERACTION, handle)
    payload, components = ticket.payload if ticket else {}, issuer.components
    if ticket is None or payload.get("issuer", ticket.client and ticket.client.issuer) != issuer.settings.issuer:
        return None
    channel = components.of(Channel).get(payload.get("channel", _FIRST))
    if channel is None:
        return None
    return WaitingPage(
        client=ticket.client,
        user_id=ticket.user_id,
        channel=channel,
        reference=Parameters(tuple(pair) for pair in payload["parameters"]),
        prompt=components.of(Prompt).get(payload.get("prompt", "")),
        turn=turn_of(payload.get("turn", {})),
        expires_at=ticket.expires_at,
    )
