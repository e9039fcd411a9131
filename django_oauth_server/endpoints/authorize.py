"""The authorization endpoint (RFC 6749 section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial, wraps

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from django_oauth_server.authorization.answer import answer, first_prompt
from django_oauth_server.authorization.browser_state import session_state
from django_oauth_server.authorization.checks import (
    Draft,
    choose_redirect_uri,
    identify_client,
    judge,
    reply_to,
)
from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.authorization.language import speaking, ui_language
from django_oauth_server.authorization.prompts.base import Prompt, Situation
from django_oauth_server.authorization.prompts.waiting import request_of
from django_oauth_server.authorization.request import Reply
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.session import SessionFacts, session_facts
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.authorization.sources.base import Arrival
from django_oauth_server.authorization.sources.gather import gather, names_read
from django_oauth_server.authorization.turn import NOTHING_DONE, PARAMETER, Turn, read_turn
from django_oauth_server.authorization.way_back import WayBack, can_wait, handle_of
from django_oauth_server.component import AUTHORIZE, REDIRECTING, Component, Document, Endpoint, Sweep
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.language import language_cookie
from django_oauth_server.endpoints.check_session import SessionManagement
from django_oauth_server.endpoints.http import (
    came_from_own_page,
    form_parameters,
    log_refusal,
    patient,
    query_parameters,
    unreported,
)
from django_oauth_server.endpoints.pages import keeps_opener, render_page, see_other
from django_oauth_server.endpoints.refusal_page import refusal_page
from django_oauth_server.errors import AccessDenied, OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client, Ticket
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.scopes import requests_openid
from django_oauth_server.storage.authorizations import live_authorization
from django_oauth_server.storage.clients import find_client
from django_oauth_server.storage.tickets import find_ticket
from django_oauth_server.storage.transaction import retry_conflicts
from django_oauth_server.storage.waiting_requests import expired_requests

_HERE = "django_oauth_server.endpoints.authorize."
Outcome = Page | Redirect | Mapping[str, str]
Step = Callable[[Situation], Outcome]
"""What happens to a request that has passed every check: a question to the person, or the parameters of the answer."""


class AuthorizationEndpoint(Component):
    """Steps (A) and (B): a person is asked, and the client is answered."""

    name = "authorization_endpoint"
    parameters = frozenset(
        {"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "resource", "login_hint"}
    )
    repeatable = frozenset({"resource"})  # RFC 8707 section 2
    serves = REDIRECTING
    endpoints = (
        Endpoint("authorize", "oauth/authorize", _HERE + "authorize"),
        Endpoint("decision", "oauth/authorize/decision", _HERE + "decision"),
    )

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"authorization_endpoint": endpoint("authorize")}

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(gettext_lazy("expired requests waiting for a sign-in"), expired_requests(expired))


@dataclass(frozen=True, slots=True)
class Visit:
    """One HTTP request to the endpoint, and how the person finds back to it."""

    http: HttpRequest
    issuer: Issuer
    way: WayBack


def _visited(view: Callable[[Visit], HttpResponse]) -> Callable[[HttpRequest, Issuer], HttpResponse]:
    """Make a view whose responses, whatever they are, tell the browser which requests wait for it."""

    @wraps(view)
    def visited(http: HttpRequest, issuer: Issuer) -> HttpResponse:
        visit = Visit(http, issuer, WayBack(issuer, http.COOKIES))
        response = view(visit)
        visit.way.note(response, secure=http.is_secure())
        return response

    return visited


@keeps_opener
@unreported
@patient
@csrf_exempt  # a POST may come from another site: nothing changes before the person answers
@require_http_methods(["GET", "POST"])
@_visited
def authorize(visit: Visit) -> HttpResponse:
    """Ask the person what has to be asked; answer the client when nothing has."""
    http, issuer = visit.http, visit.issuer
    try:
        everything = form_parameters(http) if http.method == "POST" else query_parameters(http)
    except OAuthError as exc:
        return _error_page(visit, exc)
    if number := handle_of(everything):
        return _taken_up(visit, number, everything)
    # What other endpoints read may be a secret that was sent here by mistake: it must not be kept, nor travel on in an address.
    sent = everything.only(names_read(issuer, AUTHORIZE))
    return _proceed(visit, sent, _ask_or_answer, read_turn(everything.get(PARAMETER, ""), sent, issuer))


@keeps_opener
@unreported
@patient
@csrf_exempt  # judged by the view: Django's own page for a form that is out of date leads nowhere
@require_POST
@_visited
def decision(visit: Visit) -> HttpResponse:
    """What the person decided. Answering twice, or Back and another answer, is answering anew: the client gets a fresh code, nothing is doubled."""
    ticket = find_ticket(Ticket.Kind.INTERACTION, visit.http.POST.get("interaction", ""))
    if ticket and ticket.client.issuer != visit.issuer.settings.issuer:
        ticket = None
    if not came_from_own_page(visit.http):  # or from one that was made before they signed in anew
        return _too_old(visit, ticket, status=403)
    return _decided(visit, ticket)


def _decided(visit: Visit, ticket: Ticket | None) -> HttpResponse:
    http, issuer = visit.http, visit.issuer
    if ticket is None or timezone.now() >= ticket.expires_at:
        return _too_old(visit, ticket)
    params, turn = request_of(ticket)
    if ticket.user_id != http.user.pk:  # another person's page: asked anew
        return _respond(visit, Redirect(visit.way.to(params, turn.begun_anew())))
    match http.POST.get("decision", ""):
        case "deny":
            return _proceed(visit, params, _denied, turn)
        case "switch":
            logout(http)
            back = visit.way.to(params, replace(turn.begun_anew(), asked_at=timezone.now()))
            return _respond(visit, to_sign_in(back, params, issuer))
        case _:
            prompt = issuer.components.of(Prompt).get(ticket.payload.get("prompt", ""))
            return _proceed(visit, params, partial(_answered, prompt, http.POST), turn)


def _too_old(visit: Visit, ticket: Ticket | None, *, status: int = 400) -> HttpResponse:
    if ticket is None:
        client = find_client(visit.issuer.settings.issuer, visit.http.POST.get("client_id", ""))
        return _expired_page(visit, client, status=status)
    params, turn = request_of(ticket)
    return _expired_page(
        visit, ticket.client, "" if turn.taken_up else visit.way.to(params, NOTHING_DONE), status=status
    )


def _taken_up(visit: Visit, number: str, said: Parameters) -> HttpResponse:
    """Somebody comes back from another page to a request that was too long for its address."""
    if found := visit.way.take_up(number):
        params, turn = found
        return _proceed(visit, params, _ask_or_answer, turn)
    return _expired_page(visit, find_client(visit.issuer.settings.issuer, said.get("client_id", "")))


def _proceed(visit: Visit, sent: Parameters, step: Step, turn: Turn) -> HttpResponse:
    issuer = visit.issuer
    try:
        client = identify_client(sent, issuer)
    except OAuthError as exc:
        return _in_their_language(visit, sent, partial(_error_page, visit, exc))
    if visit.http.method == "POST" and not visit.http.user.is_authenticated and can_wait(sent):
        # Browsers keep a session's cookie (SameSite=Lax) from what another site posts, but not from the GET that follows.
        return _respond(visit, Redirect(visit.way.to(sent, turn)))
    try:
        gathered = gather(Arrival(sent, client, issuer), turn)
    except OAuthError as exc:
        return _in_their_language(visit, sent, partial(_refuse_object, visit, sent, client, exc))
    params = gathered.params
    return _in_their_language(visit, params, partial(_judged, visit, params, client, step, gathered.turn))


def _in_their_language(visit: Visit, params: Parameters, respond: Callable[[], HttpResponse]) -> HttpResponse:
    language = ui_language(params)
    with speaking(language):
        response = respond()
    cookie = language_cookie()
    if language and cookie.name not in visit.http.COOKIES:
        # For the sign-in page, until the browser is closed; what somebody has chosen for themselves stays.
        secure = visit.http.is_secure()
        response.set_cookie(cookie.name, language, path=cookie.path, secure=secure, httponly=True, samesite="Lax")
    return response


def _judged(visit: Visit, params: Parameters, client: Client, step: Step, turn: Turn) -> HttpResponse:
    try:
        draft = Draft(params, client, visit.issuer, choose_redirect_uri(params, client, visit.issuer))
    except OAuthError as exc:
        return _error_page(visit, exc)
    try:
        outcome = retry_conflicts(lambda: step(_situation(visit, draft, turn)))
    except OAuthError as exc:
        return _refuse(visit, draft, turn, exc)
    return _respond(
        visit, outcome if isinstance(outcome, (Page, Redirect)) else _send(_reply(visit.http, draft), outcome)
    )


def _refuse_object(visit: Visit, sent: Parameters, client: Client, exc: OAuthError) -> HttpResponse:
    """The answer goes where the query says, if that is good: nothing in an object that was refused counts."""
    exc.client_id = client.client_id
    try:
        draft = Draft(sent, client, visit.issuer, choose_redirect_uri(sent, client, visit.issuer))
    except OAuthError:
        return _error_page(visit, exc)
    return _refuse(visit, draft, NOTHING_DONE, exc)


def _refuse(visit: Visit, draft: Draft, turn: Turn, exc: OAuthError) -> HttpResponse:
    """RFC 9700 section 4.11.2: an error sends no stranger away, or whoever registers a client could have links to this site lead anywhere.

    They sign in first. The section excepts a silent request (`prompt=none`).
    """
    exc.client_id = draft.client.client_id
    if visit.http.user.is_authenticated or "none" in draft.params.get("prompt", "").split():
        log_refusal(exc, visit.http.path)
        return _respond(visit, _send(_reply(visit.http, draft), exc.parameters()))
    if not can_wait(draft.params):
        return _error_page(visit, exc)
    log_refusal(exc, visit.http.path)
    back = visit.way.to(draft.params, turn.begun_anew())
    return _respond(visit, to_sign_in(back, draft.params, draft.issuer))


def _situation(visit: Visit, draft: Draft, turn: Turn) -> Situation:
    http, request, now = visit.http, judge(draft), timezone.now()
    if not http.user.is_authenticated:
        return Situation(request, http.user, None, now, SessionFacts(), turn, visit.way)
    found, counting = live_authorization(draft.client, http.user), turn.counting_for(http.user)
    return Situation(request, http.user, found, now, session_facts(http, draft.issuer), counting, visit.way)


def _ask_or_answer(situation: Situation) -> Outcome:
    prompt = first_prompt(situation)
    return prompt.ask(situation) if prompt else answer(situation)


def _answered(prompt: Prompt | None, form: QueryDict, situation: Situation) -> Outcome:
    """What follows from an answer: all is judged anew. Back at the endpoint's own address, but for consent, which no address need carry then."""
    request, turn = situation.request, prompt.answer(situation, form) if prompt else None
    if turn is None:
        return Redirect(situation.way.to(request.params, situation.turn.begun_anew()))
    if turn.allowed is None:
        return Redirect(situation.way.to(request.params, turn))
    return _ask_or_answer(replace(situation, turn=turn))


def _denied(situation: Situation) -> Mapping[str, str]:
    raise AccessDenied("The person denied access.")


def _reply(http: HttpRequest, draft: Draft) -> Reply:
    """The way back; with what a client that asked for an ID token can watch the browser by (OpenID Connect Session Management section 2)."""
    reply = reply_to(draft)
    if not requests_openid(draft.params.get("scope", "")) or not draft.issuer.components.of(SessionManagement):
        return reply
    return replace(reply, session_state=session_state(http, draft.client.client_id, draft.redirect_uri))


def _send(reply: Reply, parts: Mapping[str, str]) -> Page | Redirect:
    return reply.mode.send(reply.redirect_uri, reply.parameters(parts), reply.client.name)


def _respond(visit: Visit, outcome: Page | Redirect) -> HttpResponse:
    if isinstance(outcome, Redirect):
        return see_other(outcome.url)
    return render_page(
        visit.http, outcome.template, outcome.context, script=outcome.script, to_client=outcome.leads_away
    )


def _error_page(visit: Visit, exc: OAuthError) -> HttpResponse:
    """For a request whose client or redirect URI is not known to be good; nobody is sent anywhere (RFC 6749 section 4.1.2.1)."""
    explanation = _(
        "The app that sent you here made a mistake, so nothing was shared with it. Go back and try again, or "
        "contact the app's developer."
    )
    return refusal_page(visit.http, exc, visit.issuer, explanation, rule="RFC 6749 section 3.1")


def _expired_page(visit: Visit, client: Client | None, again_url: str = "", *, status: int = 400) -> HttpResponse:
    """It says where to begin again: at the app, and here, where the request is still known. One that was signed is the app's to make anew."""
    context = {
        "issuer_name": visit.issuer.settings.name,
        "heading": _("This request has expired"),
        "explanation": _(
            "The app's request has expired, so nothing was shared with it. Go back to the app and start again."
        ),
        "reference": "",
        "client": describe_client(client, visit.issuer) if client and client.is_active else None,
        "again_url": again_url,
    }
    return render_page(visit.http, "oauth_server/error.html", context, status=status)
