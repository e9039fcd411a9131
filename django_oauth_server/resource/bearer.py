"""The access token that a request presents (RFC 6750 section 2)."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, QueryDict
from django.http.request import RawPostDataException

from django_oauth_server.protocol.opaque import is_one
from django_oauth_server.resource.challenge import (
    FOREIGN_TOKEN,
    INVALID_TOKEN,
    NO_CREDENTIALS,
    Challenge,
    invalid_request,
)
from django_oauth_server.resource.token import MAX_LENGTH

MALFORMED: Final = invalid_request("The Authorization header is not of the form: Bearer TOKEN.")
TWO_METHODS: Final = invalid_request("The access token is sent more than once.")

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # b64token, RFC 6750 section 2.1
_FORM = "application/x-www-form-urlencoded"


def read_token(request: HttpRequest) -> str | Challenge:
    """The one token that *request* presents, or the challenge to answer with.

    It is looked for in the Authorization header and in a form-encoded body, never in the query, which leaks into logs
    (OAuth 2.1 section 5.1).
    """
    header, form = _header_credentials(request), _form_tokens(request)
    if len(form) + (header is not None) > 1:
        return TWO_METHODS
    if header is None:
        return _well_formed(form[0]) if form else NO_CREDENTIALS
    return MALFORMED if not header or " " in header else _well_formed(header)


def _header_credentials(request: HttpRequest) -> str | None:
    """What follows the scheme, in any case (RFC 9110 section 11.1). None: another scheme, or no header."""
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").strip(" ").partition(" ")
    return credentials.strip(" ") if scheme.lower() == "bearer" else None


def _form_tokens(request: HttpRequest) -> list[str]:
    """RFC 6750 section 2.2: for the methods whose body means something, and for form encoding alone."""
    if request.method not in {"POST", "PUT", "PATCH"} or request.content_type != _FORM:
        return []
    return [token for token in _form(request).getlist("access_token") if token]


def _form(request: HttpRequest) -> QueryDict:
    """The form. Django keeps the body, so that the view and REST framework's parsers can read it again."""
    if request.method == "POST":
        return request.POST
    try:
        return QueryDict(request.body)
    except RawPostDataException:  # a middleware has consumed the stream, and what it read is not to be had
        return QueryDict()


def _well_formed(token: str) -> str | Challenge:
    if len(token) > MAX_LENGTH:
        return INVALID_TOKEN
    if _TOKEN.fullmatch(token):
        return token
    return INVALID_TOKEN if is_one(token) else FOREIGN_TOKEN
