"""The authorization endpoint (RFC 6749 section 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from django_oauth_server.authorization.answer import answer, chosen_scopes, first_prompt
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
from django_oauth_server.authorization.turn import PARAMETER, Turn, read_turn
from django_oauth_server.component import Component, Document, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.language import language_cookie
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
from django_oauth_server.models import Ticket
from django_oauth_server.protocol.parameters import Parameters
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
    )
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
        params = form_parameters(http) if http.method == "POST" else query_parameters(http)
    except OAuthError as exc:
        return _error_page(http, exc, issuer)
    return _proceed(http, params, issuer, _ask_or_answer, params.get(PARAMETER, ""))


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
    pressed = http.POST.get("decision", "") if ticket.user_id == http.user.pk else ""
    match ticket.payload.get("prompt", ""), pressed:
        case "consent", "allow":
            ticked = http.POST.getlist("scope")
            return _proceed(http, params, issuer, lambda situation: _allowed(situation, ticked))
        case _, "deny":
            return _proceed(http, params, issuer, _denied)
        case _, "switch":
            logout(http)
            return _respond(http, to_sign_in(request_path(params, issuer, turn.having("select_account")), params))
        case "select_account", "continue":
            return _respond(http, Redirect(request_path(params, issuer, turn.having("select_account"))))
        case _:  # another person's page, or no answer: asked anew
            return _respond(http, Redirect(request_path(params, issuer)))


def _proceed(http: HttpRequest, params: Parameters, issuer: Issuer, step: Step, turn: str = "") -> HttpResponse:
    language = ui_language(params)
    with speaking(language):
        response = _answered(http, params, issuer, step, turn)
    cookie = language_cookie()
    if language and cookie.name not in http.COOKIES:
        # For the sign-in page, until the browser is closed; what somebody has chosen for themselves stays.
        secure = http.is_secure()
        response.set_cookie(cookie.name, language, path=cookie.path, secure=secure, httponly=True, samesite="Lax")
    return response


def _answered(http: HttpRequest, params: Parameters, issuer: Issuer, step: Step, turn: str) -> HttpResponse:
    try:
        # What other endpoints read may be a secret that was sent here by mistake: it must not be kept, nor travel on in an address.
        params = params.only(issuer.parameters(AuthorizationEndpoint, ResponseType, ResponseMode, Prompt, IDToken))
        client = identify_client(params, issuer)
        draft = Draft(params, client, issuer, choose_redirect_uri(params, client, issuer))
    except OAuthError as exc:
        return _error_page(http, exc, issuer)
    reply = reply_to(draft)
    try:
        outcome = retry_conflicts(lambda: step(_situation(http, draft, read_turn(turn, draft.params, issuer))))
    except OAuthError as exc:
        log_refusal(exc, http.path)
        outcome = _sign_in_first(http, draft) or exc.parameters()
    return _respond(http, outcome if isinstance(outcome, (Page, Redirect)) else _send(reply, outcome))


def _sign_in_first(http: HttpRequest, draft: Draft) -> Redirect | None:
    """RFC 9700 section 4.11.2: an error sends no stranger away, or whoever registers a client could have links to this site lead anywhere.

    The section excepts a silent request (`prompt=none`).
    """
    if http.user.is_authenticated or "none" in draft.params.get("prompt", "").split():
        return None
    return to_sign_in(request_path(draft.params, draft.issuer), draft.params)


def _situation(http: HttpRequest, draft: Draft, turn: Turn) -> Situation:
    request, now = judge(draft), timezone.now()
    if not http.user.is_authenticated:
        return Situation(request, http.user, None, now, SessionFacts(), turn)
    found = live_authorization(draft.client, http.user)
    return Situation(request, http.user, found, now, session_facts(http, draft.issuer), turn)


def _ask_or_answer(situation: Situation) -> Outcome:
    prompt = first_prompt(situation)
    return prompt.ask(situation) if prompt else answer(situation, situation.request.scopes)


def _allowed(situation: Situation, ticked: list[str]) -> Mapping[str, str]:
    scopes = chosen_scopes(situation, ticked)
    if not scopes:
        raise AccessDenied("The person allowed none of the scopes.")
    return answer(situation, scopes)


def _denied(situation: Situation) -> Mapping[str, str]:
    raise AccessDenied("The person said no.")


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
