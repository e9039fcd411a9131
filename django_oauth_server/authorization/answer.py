"""What the client is answered once nothing more has to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from operator import attrgetter
from typing import Final

from django.contrib.auth.models import AbstractBaseUser

from django_oauth_server.authorization.prompts.base import FactPrompt, Place, Prompt, Situation
from django_oauth_server.authorization.request import Granted
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.session import SessionFacts
from django_oauth_server.clients.presentation import presentation
from django_oauth_server.errors import ConsentRequired, LoginRequired, OAuthError
from django_oauth_server.grants.allow import record_consent
from django_oauth_server.models import Authorization, Client
from django_oauth_server.signals import authorization_granted
from django_oauth_server.storage.participations import note_participation
from django_oauth_server.storage.transaction import after_commit, atomic

_LAST: Final = max(Place)


def first_prompt(situation: Situation) -> Prompt | None:
    """What has to be asked first. Raises the prompt's refusal where the client allowed no question."""
    prompts = sorted(situation.request.issuer.components.of(Prompt).values(), key=attrgetter("place"))
    last = _LAST if situation.user.is_authenticated else Place.SIGN_IN
    needed = [one for one in prompts if one.place <= last and one.needed(situation)]
    if needed and "none" in situation.request.prompts:
        raise _refusal(needed, situation)
    return needed[0] if needed else None


def _refusal(needed: Sequence[Prompt], situation: Situation) -> OAuthError:
    """A client that the person at the browser allowed nothing is told no more than that: neither whether they are the one whom it means, nor
    when and how they signed in. One that they allow something, whichever that is meant, is told what has to be asked first."""
    consent = [one for one in needed if one.refusal is ConsentRequired]
    if any(isinstance(one, FactPrompt) for one in needed) and situation.allowed_before:
        consent = []
    if consent and situation.request.subject:
        return LoginRequired("The person that the request names is not signed in, or has not given consent.")
    prompt = (consent or needed)[0]
    return prompt.refusal(f"The request has prompt=none, but {prompt.name.replace('_', ' ')} is needed.")


def answer(situation: Situation) -> Page | Redirect:
    """Write down what is allowed, and answer the client: together, or not at all."""
    request, pending, user = situation.request, situation.pending, situation.user
    assert isinstance(user, AbstractBaseUser)
    scopes, session = _allowed_scopes(situation), situation.session
    if not pending.in_session:
        session = SessionFacts(authentication=session.authentication)
    is_told = pending.in_session and "openid" in scopes and _is_told_of_logouts(request.client)
    pending.prepare()
    if situation.turn.allowed is None and situation.covered and pending.writes_once and not is_told:
        return pending.answer(Granted(request, situation.covered, scopes, session, situation.now))
    with atomic():
        authorization = record_consent(
            situation.found,
            request.client,
            user,
            scopes,
            request.audience,
            request.issuer,
            situation.now,
            claims=request.further_claims,
            cleared=set(request.scopes).difference(scopes),
            cleared_claims=request.cleared_claims(scopes),
            shown=None if situation.turn.allowed is None else presentation(request.client),
            facts=situation.facts,
        )
        if authorization is not situation.found:
            told = partial(authorization_granted.send, Authorization, authorization=authorization)
            after_commit(told)
        if is_told:
            note_participation(request.client, user, session.sid, session.session_digest, situation.now)
        return pending.answer(Granted(request, authorization, scopes, session, situation.now))


def _is_told_of_logouts(client: Client) -> bool:
    return bool(client.backchannel_logout_uri or client.frontchannel_logout_uri)


def _allowed_scopes(situation: Situation) -> tuple[str, ...]:
    """Those that the person left ticked, or all, where they were not asked."""
    allowed = situation.turn.allowed
    return tuple(name for name in situation.request.scopes if allowed is None or name in allowed)
