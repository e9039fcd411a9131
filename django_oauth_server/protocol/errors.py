"""What goes wrong on the wire, as the specifications name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import ClassVar

from django_oauth_server.protocol.log import redact

_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5B\x5D-\x7E]")


class OAuthError(Exception):
    """An error that a client is told.

    *description* is for the client's developer: what to mend, never a secret. *detail* is for the operator's log. *aftermath* runs once the
    transaction that noticed the error is undone (a replayed code revokes what it bought).
    """

    error: ClassVar[str]
    status: ClassVar[int] = 400
    is_ordinary: ClassVar[bool] = False
    """Whether clients meet it where nothing is wrong, so that it is no refusal that operators look for: it is logged at DEBUG."""
    client_id = ""
    """Whom it is told to, for the log: set by whoever knows the client."""
    parameter: str = ""
    """The parameter that it is about, where the error or whoever raises it says so."""
    rule: str = ""
    """What was broken: a section, or the rule in words."""

    def __init__(
        self,
        description: str = "",
        *,
        detail: str = "",
        parameter: str = "",
        rule: str = "",
        aftermath: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(description)
        self.description = _NOT_ALLOWED.sub(
            "?", description.replace('"', "'")
        )  # RFC 6749 section 5.2: the characters allowed
        self.detail = detail
        self.parameter = parameter or type(self).parameter
        self.rule = rule or type(self).rule
        self.aftermath = aftermath

    def __str__(self) -> str:
        """For the log. A traceback that somebody else writes down says it too, as Django does of a template that was shown for this error."""
        return redact(": ".join(part for part in (self.error, self.detail or self.description) if part))

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer that tells it: `WWW-Authenticate` (RFC 9110 section 11.6.1), `Retry-After` …"""
        return {}

    def parameters(self) -> dict[str, str]:
        """The members of an error response, RFC 6749 sections 4.1.2.1 and 5.2."""
        return {"error": self.error} | ({"error_description": self.description} if self.description else {})


class InvalidRequest(OAuthError):
    """RFC 6749 sections 4.1.2.1 and 5.2: a parameter is missing, repeated or malformed."""

    error = "invalid_request"
    rule = "RFC 6749 sections 4.1.2.1 and 5.2"


class LengthRequired(InvalidRequest):
    """RFC 9110 section 15.5.12: how long the body is cannot be known otherwise."""

    status = 411


class ContentTooLarge(InvalidRequest):
    """RFC 9110 section 15.5.14: the body is longer than any that is read."""

    status = 413


class MethodNotAllowed(InvalidRequest):
    """RFC 9110 section 15.5.6: the endpoint is asked by another method."""

    status = 405
    rule = "RFC 9110 section 15.5.6"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"The method must be {allowed.removesuffix(', OPTIONS')}.")
        self.allowed = allowed

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": self.allowed}


class InvalidClient(OAuthError):
    """RFC 6749 section 5.2: client authentication failed."""

    error = "invalid_client"
    rule = "RFC 6749 section 2.3"
    status = 401

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": 'Basic realm="oauth", charset="UTF-8"'}


class InvalidToken(OAuthError):
    """RFC 6750 section 3.1: what was presented as a bearer token opens nothing here, or no longer."""

    error = "invalid_token"
    rule = "RFC 6750 section 3.1"
    status = 401

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="oauth", error="invalid_token"'}


class MissingToken(InvalidToken):
    """RFC 6750 section 3.1: who presents nothing is not told of an error by the header."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="oauth"'}


class InvalidGrant(OAuthError):
    """RFC 6749 section 5.2: the grant is invalid, expired, revoked, or another client's."""

    error = "invalid_grant"
    rule = "RFC 6749 section 5.2"


class UnauthorizedClient(OAuthError):
    """RFC 6749 sections 4.1.2.1 and 5.2: this client may not do that."""

    error = "unauthorized_client"
    rule = "RFC 6749 section 5.2"


class UnsupportedGrantType(OAuthError):
    """RFC 6749 section 5.2."""

    error = "unsupported_grant_type"
    parameter = "grant_type"
    rule = "RFC 6749 section 5.2"


class UnsupportedResponseType(OAuthError):
    """RFC 6749 section 4.1.2.1."""

    error = "unsupported_response_type"
    parameter = "response_type"
    rule = "RFC 6749 section 4.1.2.1"


class InvalidScope(OAuthError):
    """RFC 6749 sections 4.1.2.1 and 5.2."""

    error = "invalid_scope"
    parameter = "scope"
    rule = "RFC 6749 section 3.3"


class InvalidTarget(OAuthError):
    """RFC 8707 section 2: the resource is unknown, malformed, or not to be had."""

    error = "invalid_target"
    parameter = "resource"
    rule = "RFC 8707 section 2"


class AccessDenied(OAuthError):
    """RFC 6749 section 4.1.2.1: the resource owner or the server said no."""

    error = "access_denied"


class LoginRequired(OAuthError):
    """OpenID Connect Core section 3.1.2.6: prompt=none, and nobody is signed in."""

    error = "login_required"


class AccountSelectionRequired(OAuthError):
    """OpenID Connect Core section 3.1.2.6: prompt=none, and the person has to choose an account."""

    error = "account_selection_required"


class InteractionRequired(OAuthError):
    """OpenID Connect Core section 3.1.2.6: prompt=none, and something has to be asked."""

    error = "interaction_required"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core Error Code unmet_authentication_requirements: the person cannot sign in as the client demands."""

    error = "unmet_authentication_requirements"
    parameter = "acr_values"
    rule = "OpenID Connect Core Error Code unmet_authentication_requirements"


class ConsentRequired(OAuthError):
    """OpenID Connect Core section 3.1.2.6: prompt=none, and the person has not agreed yet."""

    error = "consent_required"


class InvalidRequestObject(OAuthError):
    """OpenID Connect Core section 3.1.2.6, RFC 9101 section 7: the request object is not what its client may send."""

    error = "invalid_request_object"
    parameter = "request"
    rule = "RFC 9101 section 7"


class InvalidRequestUri(OAuthError):
    """OpenID Connect Core section 3.1.2.6, RFC 9101 section 7: the request_uri is not registered, or leads to nothing of use."""

    error = "invalid_request_uri"
    parameter = "request_uri"
    rule = "RFC 9101 section 7"


class RequestNotSupported(OAuthError):
    """OpenID Connect Core section 3.1.2.6: the parameter `request` is not offered."""

    error = "request_not_supported"
    parameter = "request"
    rule = "OpenID Connect Core section 6.1"


class RequestUriNotSupported(OAuthError):
    """OpenID Connect Core section 3.1.2.6: the parameter `request_uri` is not offered."""

    error = "request_uri_not_supported"
    parameter = "request_uri"
    rule = "OpenID Connect Core section 6.2"


class TemporarilyUnavailable(OAuthError):
    """RFC 6749 section 4.1.2.1: the server cannot answer now; try again."""

    error = "temporarily_unavailable"
    status = 503
    retry_after: int = 1
    """Seconds after which to try again."""

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)}


class TooManyRequests(TemporarilyUnavailable):
    """RFC 6585 section 4: too much of the kind has failed, or was asked for. `slow_down` is for device polling alone (RFC 8628 section 3.5)."""

    status = 429
    rule = "RFC 6585 section 4"

    def __init__(self, retry_after: int, *, detail: str = "", aftermath: Callable[[], object] | None = None) -> None:
        super().__init__("Too many requests. Try again later.", detail=detail, aftermath=aftermath)
        self.retry_after = retry_after


class InvalidClientMetadata(OAuthError):
    """RFC 7591 section 3.2.2: *member* of a client's metadata breaks *rule*."""

    error = "invalid_client_metadata"

    def __init__(self, member: str, rule: str) -> None:
        super().__init__(f"{member}: {rule}", parameter=member, rule=rule)
        self.member = member


class InvalidRedirectUri(InvalidClientMetadata):
    """RFC 7591 section 3.2.2: a redirect URI that may not be registered."""

    error = "invalid_redirect_uri"


class InvalidSoftwareStatement(OAuthError):
    """RFC 7591 section 3.2.2: a software statement that is malformed, forged or expired."""

    error = "invalid_software_statement"
    parameter = "software_statement"
    rule = "RFC 7591 section 2.3"


class UnapprovedSoftwareStatement(OAuthError):
    """RFC 7591 section 3.2.2: a software statement of somebody who is not trusted here."""

    error = "unapproved_software_statement"
    parameter = "software_statement"
    rule = "RFC 7591 section 2.3"
