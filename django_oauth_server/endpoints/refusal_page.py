"""The page for a request that leads nowhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from django_oauth_server.authorization.checks import UnverifiedRequest
from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.component import Words
from django_oauth_server.endpoints.pages import render_page
from django_oauth_server.endpoints.refusal import note_refusal
from django_oauth_server.errors import OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client


def refusal_page(
    http: HttpRequest,
    exc: OAuthError,
    issuer: Issuer,
    explanation: Words,
    *,
    rule: str,
    client: Client | None = None,
    heading: Words = "",
) -> HttpResponse:
    """What is wrong with an app's request: nobody is sent anywhere (RFC 6749 section 4.1.2.1).

    The page leads to *client*, where it is known that it asked.
    """
    context = {
        "issuer_name": issuer.settings.name,
        "heading": heading or _("This app sent an invalid request"),
        "explanation": explanation,
        "again_url": "",
        "client": describe_client(client, issuer) if client else None,
        **explain_refusal(exc, note_refusal(exc, http, issuer), rule=rule),
    }
    return render_page(http, "oauth_server/error.html", context, status=400)


def explain_refusal(exc: OAuthError, reference: str, *, rule: str) -> dict[str, str]:
    """What the template `refusal.html` shows to the developer of the app."""
    return {
        "reference": reference,
        "parameter": exc.parameter if isinstance(exc, UnverifiedRequest) else "",
        "rule": exc.rule if isinstance(exc, UnverifiedRequest) else rule,
        "error": exc.error,
        "description": _with_code_word(exc),
    }


def _with_code_word(exc: OAuthError) -> str:
    """The description, in which nobody takes the parameter's name for a word of the sentence."""
    if not isinstance(exc, UnverifiedRequest):
        return exc.description
    before, name, after = exc.description.partition(exc.parameter)
    return format_html('{}<code translate="no">{}</code>{}', before, name, after) if name else exc.description
