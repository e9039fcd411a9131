"""What a person answers on a page of a prompt, whatever they were asked and wherever the answer goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from django_oauth_server.authorization.prompts.base import Prompt, Situation
from django_oauth_server.authorization.prompts.waiting import WaitingPage, find_waiting_page
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.authorization.turn import NOTHING_DONE
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.component import Component, Endpoint, Sweep
from django_oauth_server.endpoints.http import came_from_own_page, patient, unreported
from django_oauth_server.endpoints.pages import keeps_opener
from django_oauth_server.endpoints.visit import Visit, ask_or_answer, expired_page, proceed, respond, visited
from django_oauth_server.errors import AccessDenied
from django_oauth_server.issuer import Issuer
from django_oauth_server.storage.waiting_requests import expired_requests


class DecisionEndpoint(Component):
    """Where the forms of all prompts lead: requests wait for their answers."""

    name = "decision_endpoint"
    endpoints = (Endpoint("decision", "oauth/authorize/decision", "django_oauth_server.endpoints.decision.decision"),)

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(_("expired requests waiting for a sign-in"), expired_requests(expired), by="expires_at")


@keeps_opener
@unreported
@patient
@csrf_exempt  # judged by the view: Django's own page for a form that is out of date leads nowhere
@require_POST
def decision(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """What the person decided. Answering twice, or Back and another answer, is answering anew: the channel says what that does."""
    waiting = find_waiting_page(http.POST.get("interaction", ""), issuer)
    if waiting is None:
        client = find_client(issuer, http.POST.get("client_id", ""))
        return expired_page(http, issuer, client, status=400 if came_from_own_page(http) else 403)
    return visited(http, issuer, waiting.channel, partial(_decided, waiting))


def _decided(waiting: WaitingPage, visit: Visit) -> HttpResponse:
    http, reference, turn = visit.http, waiting.reference, waiting.turn
    if not came_from_own_page(http):  # or from one that was made before they signed in anew
        return _too_old(waiting, visit, status=403)
    if timezone.now() >= waiting.expires_at:
        return _too_old(waiting, visit, status=400)
    if waiting.user_id != http.user.pk:  # another person's page: asked anew
        return respond(http, Redirect(visit.way.to(reference, turn.begun_anew())))
    match http.POST.get("decision", ""):
        case "deny":
            return proceed(visit, reference, _denied, turn)
        case "switch":
            logout(http)
            return proceed(visit, reference, _switched, turn)
        case _:
            return proceed(visit, reference, partial(_answered, waiting.prompt, http.POST), turn)


def _too_old(waiting: WaitingPage, visit: Visit, *, status: int) -> HttpResponse:
    """A request that was signed is the app's to make anew."""
    again_url = "" if waiting.turn.taken_up else visit.way.to(waiting.reference, NOTHING_DONE)
    return expired_page(visit.http, visit.issuer, waiting.client, again_url, status=status)


def _answered(prompt: Prompt | None, form: QueryDict, situation: Situation) -> Page | Redirect:
    """What follows from an answer: all is judged anew. Back at the address of the request, but for consent, which no address need carry then."""
    reference, turn = situation.pending.reference, prompt.answer(situation, form) if prompt else None
    if turn is None:
        return Redirect(situation.way.to(reference, situation.turn.begun_anew()))
    if turn.allowed is None:
        return Redirect(situation.way.to(reference, turn))
    return ask_or_answer(replace(situation, turn=turn))


def _switched(situation: Situation) -> Page | Redirect:
    """Signed out: whoever signs in now is asked."""
    turn = replace(situation.turn.begun_anew(), asked_at=situation.now)
    back = situation.way.to(situation.pending.reference, turn)
    return to_sign_in(back, situation.request.params, situation.request.issuer)


def _denied(situation: Situation) -> Page | Redirect:
    raise AccessDenied("The person denied access.")
