"""The end-session endpoint (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.authorization.language import speaking, ui_language
from django_oauth_server.authorization.session import session_id
from django_oauth_server.clients.metadata import check_redirection
from django_oauth_server.component import Component, Document, Endpoint, Member, Sweep, Terms
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.endpoints.http import (
    came_from_own_page,
    form_parameters,
    patient,
    query_parameters,
    unreported,
)
from django_oauth_server.endpoints.pages import keeps_opener, render_page, see_other
from django_oauth_server.endpoints.refusal import note_refusal
from django_oauth_server.endpoints.refusal_page import explain_refusal, refusal_page
from django_oauth_server.errors import OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.logout.ending import end, end_at_any_rate
from django_oauth_server.logout.front_channel import frames
from django_oauth_server.logout.request import PARAMETERS, SECTION, EndSessionRequest, judge
from django_oauth_server.protocol.uris import check_has_none_of
from django_oauth_server.storage.participations import of_session, old_participations

_HERE = "django_oauth_server.endpoints.end_session."
Step = Callable[[HttpRequest, EndSessionRequest, Issuer], HttpResponse]


def _check_uri(value: object, terms: Terms) -> None:
    try:
        check_redirection(str(value), terms)
        check_has_none_of({"state"}, str(value))
    except ValueError as exc:
        raise ValueError(f"{value}: {exc}.") from exc


class EndSessionEndpoint(Component):
    """Where an app sends a person who signs out of it, so that they can sign out here as well."""

    name = "end_session_endpoint"
    parameters = PARAMETERS
    endpoints = (
        Endpoint("end_session", "oauth/end-session", _HERE + "end_session"),
        Endpoint("end_session_decision", "oauth/end-session/decision", _HERE + "decision"),
    )
    client_metadata = (
        Member(
            name="post_logout_redirect_uris",
            kind="uris",
            purpose="logout",
            label=gettext_lazy("Post-logout redirect URIs"),
            help=gettext_lazy(
                "URIs people may be sent back to after signing out, one per line. They must match exactly."
            ),
            check=_check_uri,
        ),
    )

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        yield Sweep(gettext_lazy("old app sign-ins"), old_participations(expired), by="created_at")

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.is_openid

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"end_session_endpoint": endpoint("end_session")}


@keeps_opener
@unreported
@patient
@csrf_exempt  # a POST may come from another site: nothing changes before the person answers
@require_http_methods(["GET", "POST"])
def end_session(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """Ask the person, always: no request can tell whether they meant to leave this site too. Nobody is asked who is not signed in."""
    return _proceed(http, issuer, _ask_if_signed_in)


@keeps_opener
@unreported
@patient
@csrf_exempt  # judged by the view: who answers on a page that is too old is asked again
@require_POST
def decision(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """What the person decided. The request comes again with the answer, and is judged again."""
    if not came_from_own_page(http):
        return _proceed(http, issuer, _ask_again)
    return _proceed(http, issuer, _sign_out if http.POST.get("decision") == "sign_out" else _stay)


def _proceed(http: HttpRequest, issuer: Issuer, step: Step) -> HttpResponse:
    try:
        params = form_parameters(http) if http.method == "POST" else query_parameters(http)
    except OAuthError as exc:
        return _refuse(http, exc, issuer)
    with speaking(ui_language(params)):
        return step(http, judge(params, issuer, http.user), issuer)


def _ask_if_signed_in(http: HttpRequest, request: EndSessionRequest, issuer: Issuer) -> HttpResponse:
    if http.user.is_authenticated:
        return _ask(http, request, issuer)
    if http.method == "POST":
        # Browsers keep a session's cookie (SameSite=Lax) from what another site posts, but not from the GET that follows.
        return see_other(f"{issuer.url_path('end_session')}?{request.params.encode()}")
    return _signed_out(http, request, issuer)


def _ask_again(http: HttpRequest, request: EndSessionRequest, issuer: Issuer) -> HttpResponse:
    """The answer is not known to be the person's: their page is too old, they have signed in anew since, or another site answered for them."""
    if http.user.is_authenticated:
        return _ask(http, request, issuer, is_late=True)
    return see_other(f"{issuer.url_path('end_session')}?{request.params.encode()}")


def _sign_out(http: HttpRequest, request: EndSessionRequest, issuer: Issuer) -> HttpResponse:
    sid = session_id(http)
    ended = end_at_any_rate(lambda: end(of_session(sid)))
    logout(http)
    loaded = frames(ended)
    if request.redirect_uri and not loaded:
        return see_other(request.redirect_uri)
    return _signed_out(http, request, issuer, loaded=loaded, goes_on=bool(request.redirect_uri))


def _ask(http: HttpRequest, request: EndSessionRequest, issuer: Issuer, *, is_late: bool = False) -> HttpResponse:
    context = {
        "issuer_name": issuer.settings.name,
        "client": describe_client(request.client, issuer) if request.client and request.proven else None,
        "account": http.user.get_username(),
        "decision_url": issuer.url_path("end_session_decision"),
        "parameters": request.params.pairs(),
        "is_late": is_late,
        "fault": _fault(http, request, issuer),
    }
    status = 403 if is_late else 200
    template = "oauth_server/sign_out.html"
    return render_page(http, template, context, status=status, to_client=bool(request.redirect_uri))


def _signed_out(
    http: HttpRequest,
    request: EndSessionRequest,
    issuer: Issuer,
    *,
    loaded: Sequence[str] = (),
    goes_on: bool = False,
) -> HttpResponse:
    """What the browser has to load first, and the way back: a link. The page takes it by itself where it *goes_on*."""
    context = {
        "issuer_name": issuer.settings.name,
        "heading": _("You are signed out"),
        "explanation": _("You have been signed out of %(site)s on this device.") % {"site": issuer.settings.name},
        "client": describe_client(request.client, issuer) if request.client and request.proven else None,
        "continue_url": request.way_back,
        "continue_host": request.way_back_host,
        "goes_on": goes_on,
        "is_signed_in": False,
        "connected_apps_url": issuer.url_path("connected_apps"),
        "frames": loaded,
        "fault": _fault(http, request, issuer),
    }
    return render_page(http, "oauth_server/signed_out.html", context, script=goes_on, frames=loaded)


def _stay(http: HttpRequest, request: EndSessionRequest, issuer: Issuer) -> HttpResponse:
    context = {
        "issuer_name": issuer.settings.name,
        "heading": _("You are still signed in"),
        "explanation": _("Nothing was changed. You can close this page."),
        "client": describe_client(request.client, issuer) if request.client and request.proven else None,
        "is_signed_in": True,
        "connected_apps_url": issuer.url_path("connected_apps"),
    }
    return render_page(http, "oauth_server/signed_out.html", context)


def _fault(http: HttpRequest, request: EndSessionRequest, issuer: Issuer) -> Mapping[str, str] | None:
    """What the app's developer has to know: the person can do nothing about it."""
    if request.fault is None:
        return None
    return explain_refusal(request.fault, note_refusal(request.fault, http, issuer), rule=SECTION)


def _refuse(http: HttpRequest, exc: OAuthError, issuer: Issuer) -> HttpResponse:
    explanation = _(
        "The app that sent you here made a mistake, so nothing was changed. You can sign out on this site "
        "itself, or contact the app's developer."
    )
    return refusal_page(http, exc, issuer, explanation, rule=SECTION)
