"""Sessions of MCP endpoints: an ID is good for nobody but whom it was given to."""

from __future__ import annotations

from typing import Final

from django.core.handlers.asgi import ASGIRequest
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_oauth_server.resource.throttling import by_user_and_client, key_of
from django_oauth_server.resource.token import VerifiedToken

HEADER: Final = "Mcp-Session-Id"
_IN_SCOPE: Final = HEADER.lower().encode()


def take_up(request: HttpRequest, token: VerifiedToken) -> bool:
    """Whether the session that *request* names, if it names one, was given to this person's client. The view sees the ID that it gave out."""
    shown = request.headers.get(HEADER)
    if shown is None:
        return True
    try:
        session = _signer(token).unsign(shown)
    except BadSignature:
        return False
    _replace(request, session)
    return True


def hand_out(response: HttpResponseBase, token: VerifiedToken) -> None:
    """Sign the ID of the session that *response* begins, for whom it is."""
    if response.has_header(HEADER):
        response[HEADER] = _signer(token).sign(response[HEADER])


def _signer(token: VerifiedToken) -> Signer:
    """By person and client: a session goes on with another token of theirs, and with nobody else's."""
    return Signer(salt=key_of(("mcp session", *by_user_and_client(token))))


def _replace(request: HttpRequest, session: str) -> None:
    request.META["HTTP_MCP_SESSION_ID"] = session
    vars(request).pop("headers", None)  # made once of META
    if isinstance(request, ASGIRequest):
        others = [(name, value) for name, value in request.scope["headers"] if name.lower() != _IN_SCOPE]
        request.scope = {**request.scope, "headers": [*others, (_IN_SCOPE, session.encode())]}
