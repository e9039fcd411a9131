"""Prompts of a deployment's own."""

from __future__ import annotations

from urllib.parse import quote

from django.contrib.auth.models import AbstractBaseUser, User
from django.http import QueryDict

from django_oauth_server.authorization.prompts.base import FactPrompt, Place, Prompt, Situation
from django_oauth_server.authorization.prompts.waiting import wait
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.errors import InteractionRequired


class SecondFactor(Prompt):
    """At another page. Whoever has proven it is called so."""

    name = "second_factor"

    def needed(self, situation: Situation) -> bool:
        assert isinstance(situation.user, User)
        return situation.user.last_name != "proven"

    def ask(self, situation: Situation) -> Redirect:
        return Redirect("/second-factor/?next=" + quote(situation.come_back(), safe=""))


class LastQuestion(SecondFactor):
    """The same, once everything else is settled."""

    place = Place.AFTER_CONSENT


class Age(Prompt):
    """Asked of strangers too, at another page that has the answer as a link."""

    name = "age"
    place = Place.NEW_ACCOUNT

    def needed(self, situation: Situation) -> bool:
        return self.name not in situation.turn.done

    def ask(self, situation: Situation) -> Redirect:
        return Redirect("/age/?next=" + quote(situation.come_back(self.name), safe=""))


class Terms(Prompt):
    """On a page of its own."""

    name = "terms"
    refusal = InteractionRequired

    def needed(self, situation: Situation) -> bool:
        return self.name not in situation.turn.done

    def ask(self, situation: Situation) -> Page:
        request = situation.request
        context = {
            "issuer_name": "Terms",
            "client": {"name": "Terms"},
            "offers_current": True,
            "account": situation.come_back(self.name),
            "decision_url": request.issuer.url_path("decision"),
            "handle": wait(situation, self.name),
        }
        return Page("oauth_server/select_account.html", context)


class Team(FactPrompt):
    """For which group of the person's. The app may name one."""

    name = "team"
    fact = "team"
    parameters = frozenset({"team"})

    def known(self, situation: Situation) -> object | None:
        return situation.request.params.get("team") or super().known(situation)

    def holds(self, value: object, situation: Situation) -> bool:
        assert isinstance(situation.user, User)
        return situation.user.groups.filter(name=value).exists()

    def in_words(self, value: object, user: AbstractBaseUser) -> str:
        return f"Team {value}"

    def ask(self, situation: Situation) -> Page:
        context = {
            "issuer_name": "Teams",
            "client": {"name": "Teams"},
            "account": "which",
            "decision_url": situation.request.issuer.url_path("decision"),
            "handle": wait(situation, self.name),
        }
        return Page("oauth_server/select_account.html", context)

    def answer(self, situation: Situation, form: QueryDict) -> Turn | None:
        return situation.settling(team=form["team"]) if self.holds(form.get("team"), situation) else None


class Plan(Team):
    """A second one, which need not be asked."""

    name = "plan"
    fact = "plan"
    parameters = frozenset()

    def known(self, situation: Situation) -> object | None:
        return 3

    def holds(self, value: object, situation: Situation) -> bool:
        return value == 3


class Mistaken(Plan):
    """It would say who the client is."""

    name = "mistaken"
    fact = "client_id"
