"""The authorization endpoint (RFC 6749 section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
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
from django_oauth_server.authorization.language import speaking, ui_language
from django_oauth_server.authorization.prompts.base import Prompt, Situation
from django_oauth_server.authorization.prompts.waiting import request_of
from django_oauth_server.authorization.request import Reply, request_path
from django_oauth_server.authorization.response_modes.base import Page, Redirect, ResponseMode
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.authorization.session import SessionFacts, session_facts
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.authorization.sources.base import Arrival
from django_oauth_server.authorization.sources.gather import NOT_SUPPORTED, gather
from django_oauth_server.authorization.turn import NOTHING_DONE, PARAMETER, Turn, read_turn
from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.language import language_cookie
from django_oauth_server.endpoints.check_session import SessionManagement
from django_oauth_server.endpoints.http import (
    form_parameters,
    log_refusal,
    patient,
    query_parameters,
    unreported,
)
from django_oauth_server.endpoints.pages import render_page, see_other
from django_oauth_server.endpoints.refusal_page import refusal_page
from django_oauth_server.errors import AccessDenied, OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client, Ticket
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.scopes import requests_openid
from django_oauth_server.storage.authorizations import live_authorization
from django_oauth_server.storage.tickets import find_ticket
from django_oauth_server.storage.transaction import retry_conflicts
from django_oauth_server.tokens.id_token import IDToken

_HERE = "django_oauth_server.endpoints.authorize."
Outcome = Page | Redirect | Mapping[str, str]
Step = Callable[[Situation], Outcome]
"""What happens to a request that has passed every check: a question to the person, or the parameters of the answer."""


class AuthorizationEndpoint(Component):
    """Steps (A) and (B): a person is asked, and the client is answered."""

    name = "authorization_endpoint"
    parameters = frozenset(
        {"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "resource", "login_hint"}
    ).union(NOT_SUPPORTED)  # of a request object that cannot be read a client is told; it is never passed over
    endpoints = (
        Endpoint("authorize", "oauth/authorize", _HERE + "authorize"),
        Endpoint("decision", "oauth/authorize/decision", _HERE + "decision"),
    )

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"authorization_endpoint": endpoint("authorize")}


@unreported
@patient
@csrf_exempt  # a POST may come from another site: nothing changes before the person answers
@require_http_methods(["GET", "POST"])
def authorize(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """Ask the person what has to be asked; answer the client when nothing has."""
    try:
        everything = form_parameters(http) if http.method == "POST" else query_parameters(http)
    except OAuthError as exc:
        return _error_page(http, exc, issuer)
    # What other endpoints read may be a secret that was sent here by mistake: it must not be kept, nor travel on in an address.
    sent = everything.only(_names(issuer))
    return _proceed(http, sent, issuer, _ask_or_answer, read_turn(everything.get(PARAMETER, ""), sent, issuer))


@unreported
@patient
@csrf_protect
@require_POST
def decision(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """What the person decided. Answering twice, or Back and another answer, is answering anew: the client gets a fresh code, nothing is doubled."""
    ticket = find_ticket(Ticket.Kind.INTERACTION, http.POST.get("interaction", ""))
    if ticket is None or ticket.client.issuer != issuer.settings.issuer or timezone.now() >= ticket.expires_at:
        return _expired_page(http, issuer)
    params, turn = request_of(ticket)
    if ticket.user_id != http.user.pk:  # another person's page: asked anew
        return _respond(http, Redirect(request_path(params, issuer, turn.begun_anew())))
    match http.POST.get("decision", ""):
        case "deny":
            return _proceed(http, params, issuer, _denied, turn)
        case "switch":
            logout(http)
            asked = replace(turn.begun_anew(), asked_at=timezone.now())
            return _respond(http, to_sign_in(request_path(params, issuer, asked), params))
        case _:
            prompt = issuer.components.of(Prompt).get(ticket.payload.get("prompt", ""))
            return _proceed(http, params, issuer, partial(_answered, prompt, http.POST), turn)


def _proceed(http: HttpRequest, sent: Parameters, issuer: Issuer, step: Step, turn: Turn) -> HttpResponse:
    try:
        client = identify_client(sent, issuer)
    except OAuthError as exc:
        return _in_their_language(http, sent, partial(_error_page, http, exc, issuer))
    try:
        params, turn = gather(Arrival(sent, client, issuer, _names(issuer)), turn)
    except OAuthError as exc:
        return _in_their_language(http, sent, partial(_refuse_object, http, sent, client, issuer, exc))
    return _in_their_language(http, params, partial(_judged, http, params, client, issuer, step, turn))


def _in_their_language(http: HttpRequest, params: Parameters, respond: Callable[[], HttpResponse]) -> HttpResponse:
    language = ui_language(params)
    with speaking(language):
        response = respond()
    cookie = language_cookie()
    if language and cookie.name not in http.COOKIES:
        # For the sign-in page, until the browser is closed; what somebody has chosen for themselves stays.
        secure = http.is_secure()
        response.set_cookie(cookie.name, language, path=cookie.path, secure=secure, httponly=True, samesite="Lax")
    return response


def _judged(
    http: HttpRequest, params: Parameters, client: Client, issuer: Issuer, step: Step, turn: Turn
) -> HttpResponse:
    try:
        draft = Draft(params, client, issuer, choose_redirect_uri(params, client, issuer))
    except OAuthError as exc:
        return _error_page(http, exc, issuer)
    try:
        outcome = retry_conflicts(lambda: step(_situation(http, draft, turn)))
    except OAuthError as exc:
        return _refuse(http, draft, turn, exc)
    return _respond(http, outcome if isinstance(outcome, (Page, Redirect)) else _send(_reply(http, draft), outcome))


def _names(issuer: Issuer) -> frozenset[str]:
    """The parameters that something here reads."""
    return issuer.parameters(AuthorizationEndpoint, ResponseType, ResponseMode, Prompt, IDToken)


def _refuse_object(
    http: HttpRequest, sent: Parameters, client: Client, issuer: Issuer, exc: OAuthError
) -> HttpResponse:
    """The answer goes where the query says, if that is good: nothing in an object that was refused counts."""
    exc.client_id = client.client_id
    try:
        draft = Draft(sent, client, issuer, choose_redirect_uri(sent, client, issuer))
    except OAuthError:
        return _error_page(http, exc, issuer)
    return _refuse(http, draft, NOTHING_DONE, exc)


def _refuse(http: HttpRequest, draft: Draft, turn: Turn, exc: OAuthError) -> HttpResponse:
    exc.client_id = draft.client.client_id
    log_refusal(exc, http.path)
    return _respond(http, _sign_in_first(http, draft, turn) or _send(_reply(http, draft), exc.parameters()))


def _sign_in_first(http: HttpRequest, draft: Draft, turn: Turn) -> Redirect | None:
    """RFC 9700 section 4.11.2: an error sends no stranger away, or whoever registers a client could have links to this site lead anywhere.

    The section excepts a silent request (`prompt=none`).
    """
    if http.user.is_authenticated or "none" in draft.params.get("prompt", "").split():
        return None
    return to_sign_in(request_path(draft.params, draft.issuer, turn.begun_anew()), draft.params)


def _situation(http: HttpRequest, draft: Draft, turn: Turn) -> Situation:
    request, now = judge(draft), timezone.now()
    if not http.user.is_authenticated:
        return Situation(request, http.user, None, now, SessionFacts(), turn)
    found, counting = live_authorization(draft.client, http.user), turn.counting_for(http.user)
    return Situation(request, http.user, found, now, session_facts(http, draft.issuer), counting)


def _ask_or_answer(situation: Situation) -> Outcome:
    prompt = first_prompt(situation)
    return prompt.ask(situation) if prompt else answer(situation)


def _answered(prompt: Prompt | None, form: QueryDict, situation: Situation) -> Outcome:
    """What follows from an answer: all is judged anew. Back at the endpoint's own address, but for consent, which no address need carry then."""
    turn = prompt.answer(situation, form) if prompt else None
    if turn is None:
        return Redirect(situation.request.path(situation.turn.begun_anew()))
    if turn.allowed is None:
        return Redirect(situation.request.path(turn))
    return _ask_or_answer(replace(situation, turn=turn))


def _denied(situation: Situation) -> Mapping[str, str]:
    raise AccessDenied("The person said no.")


def _reply(http: HttpRequest, draft: Draft) -> Reply:
    """The way back; with what a client that asked for an ID token can watch the browser by (OpenID Connect Session Management section 2)."""
    reply = reply_to(draft)
    if not requests_openid(draft.params.get("scope", "")) or not draft.issuer.components.of(SessionManagement):
        return reply
    return replace(reply, session_state=session_state(http, draft.client.client_id, draft.redirect_uri))


def _send(reply: Reply, parts: Mapping[str, str]) -> Page | Redirect:
    return reply.mode.send(reply.redirect_uri, reply.parameters(parts), reply.client.name)


def _respond(http: HttpRequest, outcome: Page | Redirect) -> HttpResponse:
    if isinstance(outcome, Page):
        return render_page(http, outcome.template, outcome.context, script=outcome.script, to_client=outcome.leads_away)
    return see_other(outcome.url)


def _error_page(http: HttpRequest, exc: OAuthError, issuer: Issuer) -> HttpResponse:
    """For a request whose client or redirect URI is not known to be good; nobody is sent anywhere (RFC 6749 section 4.1.2.1)."""
    explanation = _(
        "The app that sent you here made a mistake, so nothing was shared with it. Go back and try again, or tell the app's maker."
    )
    return refusal_page(http, exc, issuer, explanation, rule="RFC 6749 section 3.1")


def _expired_page(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    context = {
        "issuer_name": issuer.settings.name,
        "heading": _("This page is too old"),
        "explanation": _(
            "The app's request has expired, so nothing was shared with it. Go back to the app and start again."
        ),
        "reference": "",
    }
    return render_page(http, "oauth_server/error.html", context, status=400)
