"""The questions that oauthlib answers."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import shorten
from typing import Any, Final

from oauthlib.common import Request
from oauthlib.oauth2 import RequestValidator
from oauthlib.oauth2.rfc6749 import errors as theirs
from oauthlib.oauth2.rfc6749.grant_types import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    ImplicitGrant,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)

from django_oauth_server import errors as ours
from django_oauth_server.conf.openid import OFFLINE_ACCESS
from django_oauth_server.engine.facts import AuthorizationFacts, ClientFacts, CodeFacts, RefreshFacts
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.pkce import is_verifier
from django_oauth_server.protocol.scopes import parse_scope

_GRAMMAR: Final = frozenset((
    "client_id", "response_type", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method",
    "grant_type", "code", "code_verifier", "refresh_token", "username", "password", "response_mode",
))  # fmt: skip
_MOST_TOLD: Final = 200
"""Characters of what was sent, in the words that a client is told."""
_NOTHING: Final = dict.fromkeys((*_GRAMMAR, "client", "scopes", "user", "client_secret", "claims", "prompt", "nonce"))
_CREDENTIALS: Final = dict.fromkeys(("code", "refresh_token", "password"), "(presented)")
"""What stands in their place."""

_ERRORS: Final[dict[str, type[ours.OAuthError]]] = {
    kind.error: kind
    for kind in (
        ours.InvalidRequest,
        ours.InvalidClient,
        ours.InvalidGrant,
        ours.InvalidScope,
        ours.UnauthorizedClient,
        ours.UnsupportedGrantType,
        ours.UnsupportedResponseType,
    )
}


class _Request(Request):  # type: ignore[misc]
    """oauthlib's request, filled from parameters that were read already. Credentials stay outside: the facts speak for them."""

    duplicate_params: list[str] = []  # refused where the request was read

    def __init__(self, params: Parameters, client: ClientFacts, facts: object) -> None:
        self._params: dict[str, str] = {}  # where oauthlib looks for what is not an attribute
        said: dict[str, object] = self.__dict__
        said.update(_NOTHING)
        for name in params:
            if name in _GRAMMAR:
                said[name] = _CREDENTIALS.get(name, params[name])
        said.update(client=client, client_id=client.client_id, scope=_scope(params, client), headers={}, facts=facts)

    def __repr__(self) -> str:
        return "<request>"


class _FactsValidator(RequestValidator):  # type: ignore[misc]
    """Answers from the facts that came with the request."""

    def client_authentication_required(self, request: Any, *args: Any) -> bool:
        return False  # the endpoint has done it, for every grant type

    def authenticate_client(self, request: Any, *args: Any) -> bool:
        return True

    def authenticate_client_id(self, client_id: str, request: Any, *args: Any) -> bool:
        return True

    def validate_client_id(self, client_id: str, request: Any, *args: Any) -> bool:
        return True

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, request: Any, *args: Any) -> bool:
        return bool(redirect_uri == request.facts.redirect_uri)

    def get_default_redirect_uri(self, client_id: str, request: Any, *args: Any) -> str:
        return str(request.facts.redirect_uri)

    def validate_response_type(
        self, client_id: str, response_type: str, client: ClientFacts, request: Any, *args: Any
    ) -> bool:
        return True  # the table of checks has, for the response types that oauthlib does not know as well

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return False  # `_check_challenge` and `_check_verifier` have, and name the parameter

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: ClientFacts, request: Any, *args: Any
    ) -> bool:
        return grant_type in client.grant_types

    def get_default_scopes(self, client_id: str, request: Any, *args: Any) -> list[str]:
        return list(request.client.default_scopes)

    def validate_scopes(self, client_id: str, scopes: list[str], client: ClientFacts, request: Any, *args: Any) -> bool:
        return bool(scopes) and set(scopes) <= set(client.scopes)

    def validate_code(self, client_id: str, code: str, client: ClientFacts, request: Any, *args: Any) -> bool:
        return not request.facts.refusal

    def get_code_challenge(self, code: str, request: Any) -> str | None:
        return request.facts.code_challenge or None

    def get_code_challenge_method(self, code: str, request: Any) -> str | None:
        return request.facts.code_challenge_method or None

    def confirm_redirect_uri(self, *args: Any, **kwargs: Any) -> bool:
        return True  # `_check_redirect_uri` has, with the error that RFC 6749 section 5.2 names

    def validate_refresh_token(self, refresh_token: str, client: ClientFacts, request: Any, *args: Any) -> bool:
        return not request.facts.refusal

    def get_original_scopes(self, refresh_token: str, request: Any, *args: Any) -> list[str]:
        return list(request.facts.scopes)

    def validate_user(self, username: str, password: str, client: ClientFacts, request: Any, *args: Any) -> bool:
        return bool(request.facts)


_VALIDATOR: Final = _FactsValidator()
_CODE: Final = AuthorizationCodeGrant(_VALIDATOR)
_IMPLICIT: Final = ImplicitGrant(_VALIDATOR)
_CLIENT_CREDENTIALS: Final = ClientCredentialsGrant(_VALIDATOR)
_REFRESH: Final = RefreshTokenGrant(_VALIDATOR)
_PASSWORD: Final = ResourceOwnerPasswordCredentialsGrant(_VALIDATOR)


def judge_authorization_request(params: Parameters, client: ClientFacts, facts: AuthorizationFacts) -> tuple[str, ...]:
    """The scopes that an authorization request asks for (RFC 6749 sections 4.1.1 and 4.2.1). Raises the `OAuthError` that it deserves."""
    _check_challenge(params, facts)
    grammar, response_type = (_CODE, "code") if facts.returns_code else (_IMPLICIT, "token")
    request = _Request(params, client, facts)
    request.response_type = response_type
    return _scopes(grammar.validate_authorization_request, request)


def judge_scopes(params: Parameters, client: ClientFacts) -> tuple[str, ...]:
    """The scopes that a request asks for which has no response type (RFC 6749 section 3.3). Raises the `OAuthError` that it deserves."""
    return _scopes(_CODE.validate_scopes, _Request(params, client, None))


def judge_code(params: Parameters, client: ClientFacts, facts: CodeFacts) -> None:
    """Whether an access token request proves to hold the code (RFC 6749 section 4.1.3, RFC 7636 section 4.6)."""
    if not facts.refusal:
        _check_redirect_uri(params, facts)
        _check_verifier(params, facts)
    _ask(_CODE.validate_token_request, _Request(params, client, facts))


def judge_refresh(params: Parameters, client: ClientFacts, facts: RefreshFacts) -> tuple[str, ...]:
    """The scopes that a refresh asks for (RFC 6749 section 6)."""
    return _scopes(_REFRESH.validate_token_request, _Request(params, client, facts))


def judge_client_credentials(params: Parameters, client: ClientFacts) -> tuple[str, ...]:
    """The scopes that a client asks for itself (RFC 6749 section 4.4.2)."""
    return _scopes(_CLIENT_CREDENTIALS.validate_token_request, _Request(params, client, None))


def judge_password(params: Parameters, client: ClientFacts, *, is_user: bool) -> tuple[str, ...]:
    """The scopes that a password request asks for (RFC 6749 section 4.3.2)."""
    return _scopes(_PASSWORD.validate_token_request, _Request(params, client, is_user))


def _ask(question: Callable[[_Request], object], request: _Request) -> None:
    try:
        question(request)
    except theirs.OAuth2Error as exc:
        raise _told(exc, request) from exc


def _told(exc: theirs.OAuth2Error, request: _Request) -> ours.OAuthError:
    """oauthlib refuses scopes, codes and refresh tokens without a word."""
    if exc.error == "invalid_scope":
        return _scope_refusal(request)
    if exc.error == "invalid_grant" and isinstance(request.facts, (CodeFacts, RefreshFacts)):
        return _grant_refusal(request.facts)
    return _ERRORS.get(exc.error, ours.InvalidRequest)(exc.description or "")


def _scope_refusal(request: _Request) -> ours.InvalidScope:
    if not request.scope:
        return ours.InvalidScope("The parameter scope is missing, and there is no default.")
    asked, client = parse_scope(request.scope), request.client
    granted = request.facts.scopes if isinstance(request.facts, RefreshFacts) else asked
    for allowed, why in (
        (client.offered_scopes, "this server does not offer"),
        (client.scopes, "this client may not request"),
        (granted, "was not granted"),
    ):
        if beyond := " ".join(scope for scope in asked if scope not in allowed):
            told = shorten(beyond, _MOST_TOLD, placeholder="...")
            return ours.InvalidScope(f"The parameter scope asks for {told}, which {why}.")
    return ours.InvalidScope("The parameter scope asks for scopes that cannot be granted.")


def _grant_refusal(facts: CodeFacts | RefreshFacts) -> ours.InvalidGrant:
    if isinstance(facts, RefreshFacts):
        return ours.InvalidGrant(
            "The parameter refresh_token is unknown, expired, revoked, or another client's.", detail=facts.refusal
        )
    if not facts.refusal:
        return ours.InvalidGrant(
            "The parameter code_verifier does not match the code_challenge of the authorization request."
        )
    return ours.InvalidGrant("The parameter code is unknown, expired, or another client's.", detail=facts.refusal)


def _scopes(question: Callable[[_Request], object], request: _Request) -> tuple[str, ...]:
    _ask(question, request)
    return tuple(dict.fromkeys(request.scopes))


def _scope(params: Parameters, client: ClientFacts) -> str | None:
    """What is asked for, as oauthlib reads it. An OpenID Provider leaves out scopes that it does not know (OpenID Connect Core section
    3.1.2.1: what is "not understood"); one that it knows and this client may not request is refused there too (RFC 6749 section 4.1.2.1). But
    `offline_access` beside others is ignored then (section 11): agents add it wherever the server's metadata lists it."""
    asked = parse_scope(params.get("scope", ""))
    if "openid" in asked and "openid" in client.offered_scopes:
        asked = tuple(scope for scope in asked if scope in client.offered_scopes)
    if OFFLINE_ACCESS in client.offered_scopes and OFFLINE_ACCESS not in client.scopes:
        asked = tuple(scope for scope in asked if scope != OFFLINE_ACCESS) or asked
    return " ".join(asked) or None


def _check_challenge(params: Parameters, facts: AuthorizationFacts) -> None:
    if "code_challenge" not in params:
        if "code_challenge_method" in params:
            raise ours.InvalidRequest("The parameter code_challenge_method is sent without code_challenge.")
        if facts.require_pkce and facts.returns_code:
            raise ours.InvalidRequest("The parameter code_challenge is missing: this client must use PKCE.")
        return
    if params.get("code_challenge_method", "plain") != "S256" and not facts.allow_plain_pkce:
        raise ours.InvalidRequest("The parameter code_challenge_method must be S256.")
    if not is_verifier(params["code_challenge"]):
        raise ours.InvalidRequest("The parameter code_challenge is not 43 to 128 unreserved characters.")


def _check_verifier(params: Parameters, facts: CodeFacts) -> None:
    if "code_verifier" not in params:
        if facts.code_challenge:
            raise ours.InvalidRequest("The parameter code_verifier is missing.")
        return
    if not facts.code_challenge:
        raise ours.InvalidGrant(
            "The parameter code_verifier was sent, but the authorization request had no code_challenge."
        )
    if not is_verifier(params["code_verifier"]):
        raise ours.InvalidRequest("The parameter code_verifier is not 43 to 128 unreserved characters.")


def _check_redirect_uri(params: Parameters, facts: CodeFacts) -> None:
    if "redirect_uri" in params:
        if params["redirect_uri"] != facts.redirect_uri:
            raise ours.InvalidGrant("The parameter redirect_uri differs from the one in the authorization request.")
    elif facts.redirect_uri_was_sent and not facts.code_challenge:
        # OAuth 2.1 section 10.2: PKCE protects in place of the redirect URI, so only a request of old must repeat it.
        raise ours.InvalidGrant("The parameter redirect_uri is missing.")
