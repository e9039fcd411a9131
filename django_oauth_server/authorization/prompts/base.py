"""The shape of a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum
from functools import cached_property
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.checks import CheckMessage, Error
from django.http import QueryDict

from django_oauth_server.authorization.channel import PendingRequest
from django_oauth_server.authorization.request import AuthorizationRequest
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.session import SessionFacts
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.authorization.way_back import WayBack
from django_oauth_server.component import ASKING, Component, Document, TellsFact, Words
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.errors import InteractionRequired, OAuthError
from django_oauth_server.grants.allow import covers
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization
from django_oauth_server.storage.authorizations import allowed_for_any_facts, live_authorization
from django_oauth_server.tokens.claims import RESERVED_CLAIMS


@dataclass(frozen=True)
class Situation:
    """A request, who is at the browser, and what they allowed before: loaded once."""

    request: AuthorizationRequest
    """What is asked of the person."""
    pending: PendingRequest
    """Where the answer goes."""
    user: AbstractBaseUser | AnonymousUser
    found: Authorization | None
    now: datetime
    session: SessionFacts
    """How they signed in."""
    turn: Turn
    """What they have done for this request already."""
    way: WayBack

    def come_back(self, *done: str, signing_in: bool = False) -> str:
        """Path and query of the same request, for a page that leads back to it.

        *done* are prompts that count as answered by whoever follows the address: name one only where that is the answer, such as the link
        "I agree" on the prompt's own page. *signing_in* is for a page on which the person proves who they are, from now on.
        """
        turn = self.having(*done) if done else self.turn
        return self.way.to(self.pending.reference, replace(turn, asked_at=self.now) if signing_in else turn)

    def having(self, *done: str) -> Turn:
        """What this person has done, with *done* answered as well."""
        return self.turn.having(*done, by=self.user)

    @property
    def signed_in_since_asked(self) -> bool:
        """Whether they were sent to prove who they are, and did."""
        at = self.session.authentication.at
        return self.turn.asked_at is not None and at is not None and at.timestamp() >= self.turn.asked_at.timestamp()

    @property
    def facts(self) -> Mapping[str, object]:
        """What was settled for this request, such as for which team."""
        return self.turn.facts

    def settling(self, **facts: object) -> Turn:
        """What this person has done, with *facts* settled as well. They travel in addresses of this site: signed, and readable."""
        return self.turn.settling(facts, by=self.user)

    @cached_property
    def allowed_before(self) -> tuple[Authorization, ...]:
        """All that the person allows the client, whatever the facts, the newest first: one statement, when it is first looked at."""
        if not isinstance(self.user, AbstractBaseUser):
            return ()
        revokes = self.request.issuer.settings.password_change_revokes
        known = allowed_for_any_facts(self.request.client, self.user)
        return tuple(one for one in known if not one.ended_by(password_change_revokes=revokes))

    @cached_property
    def remembered(self) -> Authorization | None:
        """What the person allowed before, where it still holds."""
        revokes = self.request.issuer.settings.password_change_revokes
        return self.found if self.found and not self.found.ended_by(password_change_revokes=revokes) else None

    @cached_property
    def covered(self) -> Authorization | None:
        """What the person allowed before, where that is all that is asked for."""
        known, asked = self.remembered, self.request
        return known if known and covers(known, asked.scopes, asked.audience, asked.further_claims) else None


class Place(IntEnum):
    """When a prompt is asked, among all that are needed: the lowest first. Those of one place are asked in the order of the components.

    Who is not signed in is asked nothing that comes after `SIGN_IN`.
    """

    NEW_ACCOUNT = 100
    SIGN_IN = 200
    ACCOUNT = 300
    """Is it the account that the app means?"""
    PROOF = 400
    """Is it still them, and surely enough?"""
    BEFORE_CONSENT = 500
    CONSENT = 600
    AFTER_CONSENT = 700


class Prompt(Component):
    """Answers one question: must the person be asked this first?

    After every answer all prompts are judged anew, until none is needed. So `needed` looks at what is true now: nothing counts as done because
    the person was sent to do it.
    """

    parameters = frozenset({"prompt"})
    serves = ASKING
    place: ClassVar[int] = Place.BEFORE_CONSENT
    value: ClassVar[str] = ""
    """The value of the parameter `prompt` that asks for it. Empty: none does."""
    refusal: ClassVar[type[OAuthError]] = InteractionRequired
    """What a client is told that allowed no question (`prompt=none`, OpenID Connect Core section 3.1.2.1)."""

    def needed(self, situation: Situation) -> bool:
        """Asks no database."""
        raise NotImplementedError

    def ask(self, situation: Situation) -> Page | Redirect:
        """The question: a way to another page, which leads back by `Situation.come_back`, or a page of its own, whose form is answered here.

        Such a form posts the handle of `wait` to the endpoint `decision`.
        """
        raise NotImplementedError

    def answer(self, situation: Situation, form: QueryDict) -> Turn | None:
        """What the person has done by what they pressed on the prompt's own page. None: they did not answer, and are asked anew.

        "Deny" and "Not you?" are answered for all prompts alike. May raise the `OAuthError` that the client is told. Runs again where another
        writer was in the way.
        """
        return situation.having(self.name) if form.get("decision") == "continue" else None

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"prompt_values_supported": [self.value]} if self.value else {}


class FactPrompt(Prompt):
    """Answers one question: which one? Such as the team for which the app may act.

    The answer is a fact. It is kept with what the person allows, and told as a claim of its name in all tokens, by introspection and at the
    UserInfo endpoint. For each client a person has one live authorization for each answer.
    """

    fact: ClassVar[str]
    """The name of the fact, and of the claim that tells it."""

    def known(self, situation: Situation) -> object | None:
        """The fact, where the person need not be asked: None asks. May ask the database.

        It is the one for which they allow the client something already, if that is only one, unless the client wants them to choose
        (`prompt=select_account`, `prompt=consent`).
        """
        if not situation.request.prompts.isdisjoint({"select_account", "consent"}):
            return None
        told = [one.facts[self.fact] for one in situation.allowed_before if one.facts and self.fact in one.facts]
        return told[0] if len(told) == 1 else None

    def holds(self, value: object, situation: Situation) -> bool:
        """Whether the fact may be *value* for this person, now: judged with each request, also after they were asked. May ask the database."""
        raise NotImplementedError

    def in_words(self, value: object, user: AbstractBaseUser) -> Words:
        """What the consent page, connected apps and the admin say of *value*, such as "Team: Sales"."""
        return f"{self.fact}: {value}"

    def needed(self, situation: Situation) -> bool:
        return self.fact not in situation.facts or not self.holds(situation.facts[self.fact], situation)

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        told = {"claims_supported": [self.fact]} if settings.is_openid else {}
        return {**super().metadata(endpoint, settings), **told}

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        if self.fact in RESERVED_CLAIMS:
            yield Error(
                f"The prompt {self.name!r} of {settings.issuer} settles {self.fact!r}, which is a claim of every token.",
                hint="Choose another name for its fact.",
                id="oauth_server.E016",
            )


def with_facts(situation: Situation) -> Situation:
    """*situation*, with each fact that need not be asked for, and what the person allowed for these facts before.

    From then on the facts belong to what the person does: what a page shows is what its answer is recorded for.
    """
    prompts = situation.request.issuer.components.of(FactPrompt).values()
    if not situation.facts.keys() <= {one.fact for one in prompts}:  # a prompt that is not offered any more
        situation = replace(situation, turn=situation.turn.begun_anew())
    known = {one.fact: one.known(situation) for one in prompts if one.fact not in situation.facts}
    if found := {name: value for name, value in known.items() if value is not None}:
        situation = replace(situation, turn=situation.settling(**found))
    assert isinstance(situation.user, AbstractBaseUser)
    allowed = live_authorization(situation.pending.client, situation.user, situation.facts)
    return replace(situation, found=allowed)


def facts_in_words(facts: Mapping[str, object] | None, user: AbstractBaseUser, issuer: Issuer) -> list[Words]:
    """What people are told of *facts*. Of a fact that nothing offers any more, its name and value."""
    tell = {one.fact: one for one in issuer.components if isinstance(one, TellsFact)}
    return [
        tell[name].in_words(value, user) if name in tell else f"{name}: {value}"
        for name, value in (facts or {}).items()
    ]


def prompt_values(issuer: Issuer) -> frozenset[str]:
    """What the parameter `prompt` may say to *issuer*."""
    return frozenset(prompt.value for prompt in issuer.components.of(Prompt).values()) - {""}
