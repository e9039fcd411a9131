"""How a page leaves: rendered, and with the headers that keep it from being framed, kept, scripted or told about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import ParamSpec
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import render
from django.templatetags.static import static

from django_oauth_server.protocol.uris import origin

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+")
P = ParamSpec("P")
STYLESHEET = "oauth_server/oauth_server.css"


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, object],
    *,
    status: int = 200,
    script: bool = False,
    to_client: bool = False,
    frames: Iterable[str] = (),
) -> HttpResponse:
    """The page *template*, with every header of OAuth 2.1 section 7.11 and RFC 9700 section 4.2.4.

    *script* lets the package's own static script run. *to_client* is for consent and form_post, whose form may lead
    to a client's address. *frames* are the addresses that it loads in frames.
    """
    response = _with_form_token(request, lambda: render(request, template, dict(context), status=status))
    response["Content-Security-Policy"] = content_security_policy(script=script, to_client=to_client, frames=frames)
    response["X-Frame-Options"] = "DENY"  # for browsers that do not know frame-ancestors
    # Not "no-referrer": browsers then post with "Origin: null", which Django's CSRF check refuses.
    response["Referrer-Policy"] = "same-origin"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    return response


def _with_form_token(request: HttpRequest, make: Callable[[], HttpResponse]) -> HttpResponse:
    """The page that *make* returns, whose forms are good also in a project without `CsrfViewMiddleware`: the views judge them."""
    form_tokens = CsrfViewMiddleware(lambda _: HttpResponse())
    if "CSRF_COOKIE" not in request.META:
        form_tokens.process_request(request)
    response = make()
    form_tokens.process_response(request, response)  # the cookie
    return response


def see_other(url: str) -> HttpResponse:
    """The person's browser goes to *url*, which may be a client's address: it was matched against what is registered.

    303: a browser never repeats a POST, with what it held, there (RFC 9700 section 4.12). Not HttpResponseRedirect, which knows no private-use
    schemes.
    """
    return HttpResponse(
        status=303, headers={"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    )


def keeps_opener(view: Callable[P, HttpResponse]) -> Callable[P, HttpResponse]:
    """Make a view that may be shown in a window that an app has opened, and from which the app waits for the answer.

    Django's default opener policy, `same-origin`, severs the two for good, be it by a redirect.
    """

    @wraps(view)
    def kept(*args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(*args, **kwargs)
        response["Cross-Origin-Opener-Policy"] = "unsafe-none"
        return response

    return kept


def content_security_policy(*, script: bool = False, to_client: bool = False, frames: Iterable[str] = ()) -> str:
    """Nothing but this site's stylesheet and images, in no frame (CSP Level 3)."""
    sources = own_sources()
    directives = [
        "default-src 'none'",
        f"style-src {sources}",
        f"img-src {sources}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    if script:
        directives.append(f"script-src {sources}")
    # What could end the directive was registered by a stranger: such a frame stays empty.
    if origins := sorted(filter(_ORIGIN.fullmatch, set(map(origin, frames)))):
        directives.append(f"frame-src {' '.join(origins)}")
    if not to_client:
        # Browsers hold form-action against every redirect that follows the form, and a client's addresses are not known
        # to the policy: on a page whose answer goes to a client, it would stop the answer.
        directives.append("form-action 'self'")
    return "; ".join(directives)


def own_sources() -> str:
    """This origin, and the one that static files come from if it is another (an absolute STATIC_URL)."""
    address = urlsplit(static(STYLESHEET))
    if not address.netloc:
        return "'self'"
    return f"'self' {address.scheme}://{address.netloc}" if address.scheme else f"'self' {address.netloc}"
