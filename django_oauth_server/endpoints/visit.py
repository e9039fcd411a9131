"""A person's visit to a request that waits for them, wherever its answer goes: what has to be asked is asked, then the client is answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from django_oauth_server.authorization.answer import answer, first_prompt
from django_oauth_server.authorization.channel import Channel, NothingWaits, PendingRequest
from django_oauth_server.authorization.checks import ExpiredRequest, NotLetIn, UnverifiedRequest
from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.authorization.language import speaking, ui_language
from django_oauth_server.authorization.prompts.base import FactPrompt, Situation, with_facts
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.session import SessionFacts, session_facts
from django_oauth_server.authorization.turn import PARAMETER, Turn, read_turn
from django_oauth_server.authorization.way_back import WayBack, handle_of
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.conf.language import language_cookie
from django_oauth_server.endpoints.pages import render_page, see_other
from django_oauth_server.endpoints.refusal import note_refusal
from django_oauth_server.endpoints.refusal_page import refusal_page
from django_oauth_server.errors import OAuthError, TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.storage.authorizations import live_authorization
from django_oauth_server.storage.transaction import retry_conflicts

Step = Callable[[Situation], Page | Redirect]
"""What happens to a request that was judged: a question to the person, or the answer to the client."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One HTTP request of a person for a request of *channel*, and how they find back to it."""

    http: HttpRequest
    issuer: Issuer
    channel: Channel
    way: WayBack


def visited(
    http: HttpRequest, issuer: Issuer, channel: Channel, respond: Callable[[Visit], HttpResponse]
) -> HttpResponse:
    """The response of *respond*, which tells the browser, whatever it is, which requests wait for it."""
    visit = Visit(http, issuer, channel, WayBack(issuer, channel.endpoint, http.COOKIES))
    response = respond(visit)
    visit.way.note(response, secure=http.is_secure())
    return response


def come_back(visit: Visit, said: Parameters, names: frozenset[str]) -> HttpResponse:
    """Go on with the request that an address leads to by *said*. *names* are the parameters that refer to it: what else was sent, perhaps a
    secret by mistake, is neither kept nor travels on in an address."""
    if number := handle_of(said):
        if found := visit.way.take_up(number):
            return proceed(visit, found[0], ask_or_answer, found[1])
        client = find_client(visit.issuer, said.get("client_id", ""))
        return expired_page(visit.http, visit.issuer, client)
    reference = said.only(names)
    return proceed(visit, reference, ask_or_answer, read_turn(said.get(PARAMETER, ""), reference, visit.issuer))


def proceed(visit: Visit, reference: Parameters, step: Step, turn: Turn) -> HttpResponse:
    """Read the request anew, judge it anew, and take the next *step*."""
    try:
        pending, turn = visit.channel.take_up(reference, turn, visit.http, visit.issuer)
    except NothingWaits:
        return expired_page(visit.http, visit.issuer, None)
    except TemporarilyUnavailable:  # it cannot be said now who asks
        raise
    except OAuthError as exc:
        return in_their_language(visit, reference, partial(error_page, visit.http, visit.issuer, exc))
    return in_their_language(visit, pending.params, partial(_settled, visit, pending, step, turn))


def _settled(visit: Visit, pending: PendingRequest, step: Step, turn: Turn) -> HttpResponse:
    try:
        return respond(visit.http, retry_conflicts(lambda: step(_situation(visit, pending, turn))))
    except UnverifiedRequest as exc:
        return error_page(visit.http, visit.issuer, exc)
    except OAuthError as exc:
        return _refused(visit, pending, turn, exc)


def _refused(visit: Visit, pending: PendingRequest, turn: Turn, exc: OAuthError) -> HttpResponse:
    exc.client_id = pending.client.client_id
    try:
        outcome = pending.refuse(exc, turn, visit.way)
    except TemporarilyUnavailable:  # nothing is decided: the person tries again
        raise
    except OAuthError as shown:
        return error_page(visit.http, visit.issuer, shown)
    note_refusal(exc, visit.http, visit.issuer)
    return respond(visit.http, outcome)


def _situation(visit: Visit, pending: PendingRequest, turn: Turn) -> Situation:
    http, request, now = visit.http, pending.judge(), timezone.now()
    if not http.user.is_authenticated:
        return Situation(request, pending, http.user, None, now, SessionFacts(), turn, visit.way)
    request = request.narrowed_to(http.user)
    counting, session = turn.counting_for(http.user), session_facts(http, visit.issuer)
    if counting.facts or visit.issuer.components.of(FactPrompt):
        return with_facts(Situation(request, pending, http.user, None, now, session, counting, visit.way))
    found = live_authorization(pending.client, http.user)
    return Situation(request, pending, http.user, found, now, session, counting, visit.way)


def ask_or_answer(situation: Situation) -> Page | Redirect:
    """The first question that is needed; where none is, the answer."""
    prompt, pending = first_prompt(situation), situation.pending
    if pending.is_kept:
        (situation.way.remember if prompt else situation.way.forget)(pending.reference)
    return prompt.ask(situation) if prompt else answer(situation)


def in_their_language(visit: Visit, params: Parameters, make: Callable[[], HttpResponse]) -> HttpResponse:
    """The response of *make*, in the language that *params* ask for."""
    language = ui_language(params)
    with speaking(language):
        response = make()
    cookie = language_cookie()
    if language and cookie.name not in visit.http.COOKIES:
        # For the sign-in page, until the browser is closed; what somebody has chosen for themselves stays.
        secure = visit.http.is_secure()
        response.set_cookie(cookie.name, language, path=cookie.path, secure=secure, httponly=True, samesite="Lax")
    return response


def respond(http: HttpRequest, outcome: Page | Redirect) -> HttpResponse:
    """What the person's browser is told."""
    if isinstance(outcome, Redirect):
        return see_other(outcome.url)
    return render_page(http, outcome.template, outcome.context, script=outcome.script, to_client=outcome.leads_away)


def error_page(http: HttpRequest, issuer: Issuer, exc: OAuthError) -> HttpResponse:
    """For a request of which it is not known where its answer may go; nobody is sent anywhere (RFC 6749 section 4.1.2.1).

    The page leads back to the home page of a client that an operator vouches for. Anybody could have the page lead to one that registered itself.
    """
    if isinstance(exc, ExpiredRequest):
        explanation = _("This request has expired or has already been answered. Go back to the app and start again.")
        return refusal_page(http, exc, issuer, explanation, rule=exc.rule, client=exc.client)
    if isinstance(exc, NotLetIn):
        site = {"site": issuer.settings.name}
        explanation = _(
            "%(site)s doesn't accept this app, so nothing was shared with it. If you need it, ask the people who run "
            "%(site)s."
        )
        heading = _("You can't use this app at %(site)s")
        return refusal_page(http, exc, issuer, explanation % site, rule=exc.rule, heading=heading % site)
    explanation = _(
        "The app that sent you here made a mistake, so nothing was shared with it. Go back and try again, or "
        "contact the app's developer."
    )
    named = exc.client if isinstance(exc, UnverifiedRequest) else None
    client = named if named and named.is_active and named.is_vouched_for else None
    return refusal_page(http, exc, issuer, explanation, rule="RFC 6749 section 3.1", client=client)


def expired_page(
    http: HttpRequest, issuer: Issuer, client: Client | None, again_url: str = "", *, status: int = 400
) -> HttpResponse:
    """It says where to begin again: at the app, and here, where the request is still known."""
    context = {
        "issuer_name": issuer.settings.name,
        "heading": _("This request has expired"),
        "explanation": _(
            "The app's request has expired, so nothing was shared with it. Go back to the app and start again."
        ),
        "reference": "",
        "client": describe_client(client, issuer) if client and client.is_active else None,
        "again_url": again_url,
    }
    return render_page(http, "oauth_server/error.html", context, status=status)
