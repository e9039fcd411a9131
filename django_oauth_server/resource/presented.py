"""The access token that a request presents, and by which authentication scheme (RFC 6750 section 2)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from django.http import HttpRequest, QueryDict
from django.http.request import RawPostDataException

from django_oauth_server.protocol.opaque import is_one
from django_oauth_server.resource.challenge import (
    BEARER,
    FOREIGN_TOKEN,
    INVALID_TOKEN,
    NO_CREDENTIALS,
    Challenge,
    invalid_request,
)
from django_oauth_server.resource.conf import schemes
from django_oauth_server.resource.token import MAX_LENGTH, Presented

TWO_METHODS: Final = invalid_request("The access token is sent more than once.")

_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # b64token, RFC 6750 section 2.1
_FORM = "application/x-www-form-urlencoded"


def read_token(request: HttpRequest) -> Presented | Challenge:
    """The one token that *request* presents, or the challenge to answer with.

    It is looked for in the Authorization header, by any scheme that is known here, and in a form-encoded body; never in the query, which leaks
    into logs (OAuth 2.1 section 5.1).
    """
    scheme, credentials = _header_credentials(request)
    form = _form_tokens(request)
    if len(form) + bool(scheme) > 1:
        return TWO_METHODS
    if not scheme:
        return _well_formed(form[0], BEARER) if form else NO_CREDENTIALS
    if not credentials or " " in credentials:
        return _malformed(credentials, scheme)
    return _well_formed(credentials, scheme)


def _header_credentials(request: HttpRequest) -> tuple[str, str]:
    """The scheme, which may be written in any case (RFC 9110 section 11.1), and what follows. Empty: another scheme, or no header."""
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").strip(" ").partition(" ")
    return schemes().get(scheme.lower(), ""), credentials.strip(" ")


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


def _well_formed(token: str, scheme: str) -> Presented | Challenge:
    if len(token) <= MAX_LENGTH and _TOKEN.fullmatch(token):
        return Presented(token, scheme)
    is_ours = len(token) > MAX_LENGTH or is_one(token)
    return replace(INVALID_TOKEN if is_ours else FOREIGN_TOKEN, scheme=scheme)


def _malformed(credentials: str, scheme: str) -> Challenge:
    """No token has a comma: where there is one, servers have joined several headers (RFC 9110 section 5.2), and more than one scheme may be meant."""
    malformed = invalid_request(f"The Authorization header is not of the form: {scheme} TOKEN.")
    return malformed if "," in credentials else replace(malformed, scheme=scheme)
