"""What an authorization request must satisfy: a table, judged from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from django_oauth_server.authorization.prompts.base import prompt_values
from django_oauth_server.authorization.request import CLAIMS_OF_THE_SESSION, AuthorizationRequest
from django_oauth_server.authorization.response_modes.base import ResponseMode
from django_oauth_server.authorization.response_types.base import ResponseType
from django_oauth_server.authorization.way_back import LONGEST_REQUEST, can_wait
from django_oauth_server.clients.facts import client_facts
from django_oauth_server.clients.metadata import check_redirection, terms_of
from django_oauth_server.clients.methods.base import is_public
from django_oauth_server.clients.previews import is_preview
from django_oauth_server.clients.sources.base import ShutOut
from django_oauth_server.clients.sources.find import explain_unknown, find_client
from django_oauth_server.component import ASKING, AUTHORIZE, REDIRECTING, Component
from django_oauth_server.conf import Policy
from django_oauth_server.engine import AuthorizationFacts, ClientFacts, judge_authorization_request, judge_scopes
from django_oauth_server.errors import InvalidRequest, InvalidScope, UnauthorizedClient, UnsupportedResponseType
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.claims_request import ClaimsRequest, accepted
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.response_types import in_order
from django_oauth_server.protocol.scopes import requests_openid
from django_oauth_server.protocol.uris import matches
from django_oauth_server.tokens.claims import claims_within
from django_oauth_server.tokens.faults import fault_of
from django_oauth_server.tokens.id_token import hinted_subject
from django_oauth_server.tokens.narrow import known_resources

_LONGEST_AGE: Final = 10**9 - 1
"""Seconds, some thirty years."""


class UnverifiedRequest(InvalidRequest):
    """Client or redirect URI are not known to be good: a page is shown, and nobody is redirected (RFC 6749 section 4.1.2.1)."""

    def __init__(
        self, description: str, *, parameter: str, rule: str, detail: str = "", client: Client | None = None
    ) -> None:
        super().__init__(description, detail=detail, parameter=parameter, rule=rule)
        self.client = client
        """Whom the request names, whatever its state."""
        self.client_id = client.client_id if client else ""


class NotLetIn(UnverifiedRequest):
    """An operator does not let the client in, however good its request may be."""


class ExpiredRequest(UnverifiedRequest):
    """The request was good, and is not any more: the person has to begin again at the app."""

    def __init__(self, client: Client, *, parameter: str, rule: str, detail: str) -> None:
        description = f"The parameter {parameter} refers to a request that has expired or has already been answered."
        super().__init__(description, parameter=parameter, rule=rule, detail=detail, client=client)


@dataclass(frozen=True)
class Draft:
    """A request of a known client, under judgement."""

    params: Parameters
    client: Client
    issuer: Issuer
    redirect_uri: str = ""
    """Where the answer goes, which is known to be good. Empty where the request has no redirect URI, nor a response type."""
    endpoint: str = AUTHORIZE
    """Where it came to."""
    source: str = ""
    """The name of the source that brought the parameters, just now. Empty: they were sent."""
    grant_type: str = "authorization_code"
    """The one by which the client gets what is allowed, where no response type says so."""

    @cached_property
    def policy(self) -> Policy:
        return self.issuer.policy_for(self.client.profile)

    def response_type(self) -> ResponseType | None:
        """The one that is asked for, where the issuer and the client's policy offer it."""
        return self._response_type

    @cached_property
    def grant_types(self) -> tuple[str, ...]:
        """Those by which the client gets what is allowed."""
        response_type = self.response_type()
        return (response_type.grant_types if response_type else ()) or (self.grant_type,)

    @cached_property
    def _response_type(self) -> ResponseType | None:
        found = self.issuer.components.of(ResponseType).get(in_order(self.params.get("response_type", "")))
        return found if found and found.allowed(self.policy) else None


class RequestCheck(Component):
    """Answers one question: may the client ask that? A row of the table of checks, for the endpoints that the component serves."""

    serves = REDIRECTING

    def judge(self, draft: Draft) -> None:
        """Raises the `OAuthError` that the client is told."""
        raise NotImplementedError


def identify_client(params: Parameters, issuer: Issuer, user: AbstractBaseUser | AnonymousUser | None = None) -> Client:
    """The client that the request names, which nothing proves yet; with what *user* allows it. Raises `UnverifiedRequest`."""
    client_id = params.get("client_id", "")
    client = find_client(issuer, client_id, user) if client_id else None
    if client is None:
        raise _unknown(client_id, issuer) if client_id else _unnamed(params)
    if not client.is_active:
        raise NotLetIn(
            "The client is disabled.",
            parameter="client_id",
            rule="RFC 6749 section 4.1.2.1",
            detail="disabled client",
            client=client,
        )
    if fault := fault_of(client, issuer):
        raise UnverifiedRequest(
            "The client is configured for something that this server does not offer.",
            parameter="client_id",
            rule="RFC 6749 section 4.1.2.1",
            detail=fault,
            client=client,
        )
    return client


def _unknown(client_id: str, issuer: Issuer) -> UnverifiedRequest:
    """The refusal of a *client_id* that nobody is known by, in the words of a source that knows why."""
    why, rule = explain_unknown(issuer, client_id), "RFC 6749 section 4.1.1"
    detail = ": ".join(filter(None, (f"client_id {client_id!r} is unknown", why)))
    if isinstance(why, ShutOut):
        return NotLetIn(why, parameter="client_id", rule=rule, detail=detail)
    words = why or "No client is registered with this client_id."
    return UnverifiedRequest(words, parameter="client_id", rule=rule, detail=detail)


def _unnamed(params: Parameters) -> UnverifiedRequest:
    reason = "is repeated" if "client_id" in params.repeated else "is missing"
    return UnverifiedRequest(f"The parameter client_id {reason}.", parameter="client_id", rule="RFC 6749 section 4.1.1")


def choose_redirect_uri(params: Parameters, client: Client, issuer: Issuer) -> str:
    """The redirect URI to answer to: the one that is sent and registered, or the only one, where it may be left out. Raises `UnverifiedRequest`."""
    sent = params.get("redirect_uri")
    if sent is not None and _is_registered(sent, client, issuer):
        return _still_allowed(sent, client, issuer)
    if sent is None and _may_be_left_out(params) and len(client.redirect_uris) == 1:
        return _still_allowed(client.redirect_uris[0], client, issuer)
    reason = (
        "is repeated"
        if "redirect_uri" in params.repeated
        else _why_it_is_needed(client)
        if sent is None
        else "has a value that is not registered for this client"
    )
    raise UnverifiedRequest(
        f"The parameter redirect_uri {reason}.",
        parameter="redirect_uri",
        rule="RFC 9700 section 2.1: exact string match",
        detail=f"redirect_uri {sent!r} {reason}",
        client=client,
    )


def _why_it_is_needed(client: Client) -> str:
    registered = len(client.redirect_uris)
    return (
        f"is missing. This client has {registered} redirect URIs, so it must name one"
        if registered > 1
        else "is missing"
    )


def _is_registered(uri: str, client: Client, issuer: Issuer) -> bool:
    any_port = issuer.settings.any_port_of_localhost or client.metadata.get("application_type") == "native"
    exact = any(matches(registered, uri, any_port_of_localhost=any_port) for registered in client.redirect_uris)
    return exact or is_preview(uri, client, issuer.settings)


def _may_be_left_out(params: Parameters) -> bool:
    """OAuth has it optional (RFC 6749 section 3.1.2.3), OpenID Connect Core required (section 3.1.2.1)."""
    return "redirect_uri" not in params.repeated and not requests_openid(params.get("scope", ""))


def _still_allowed(uri: str, client: Client, issuer: Issuer) -> str:
    """*uri*, which was registered: perhaps under a looser policy, or by who wrote into the table and was not told the rules."""
    try:
        check_redirection(uri, terms_of(issuer, client.profile))
    except ValueError as exc:
        raise UnverifiedRequest(
            "The parameter redirect_uri has a value that is registered, but no longer allowed.",
            parameter="redirect_uri",
            rule=str(exc),
            detail=f"redirect_uri {uri!r}: {exc}",
            client=client,
        ) from exc
    return uri


def judge(draft: Draft) -> AuthorizationRequest:
    """The request, once every check of the table has passed. Raises the `OAuthError` that the client is answered."""
    for check, endpoints in CHECKS:
        if draft.endpoint in endpoints:
            check(draft)
    for further in draft.issuer.components.of(RequestCheck).values():
        if draft.endpoint in further.serves:
            further.judge(draft)
    response_type = draft.response_type()
    facts = client_facts(draft.client, draft.issuer, draft.grant_types)
    scopes = _scopes(draft, response_type, facts)
    claims = _claims(draft, facts) if "openid" in scopes else ClaimsRequest()
    return AuthorizationRequest(
        draft.params,
        draft.client,
        draft.issuer,
        scopes,
        known_resources(draft.params.every("resource"), draft.issuer),
        frozenset(draft.params.get("prompt", "").split()),
        _max_age(draft),
        _acr_values(draft, claims),
        claims,
        _subject(draft, claims),
        draft.grant_types,
    )


def _scopes(draft: Draft, response_type: ResponseType | None, facts: ClientFacts) -> tuple[str, ...]:
    if response_type is None:
        return judge_scopes(draft.params, facts)
    scopes = judge_authorization_request(
        draft.params,
        facts,
        AuthorizationFacts(
            redirect_uri=draft.redirect_uri,
            require_pkce=draft.policy.require_pkce or is_public(draft.client, draft.issuer),
            allow_plain_pkce=draft.policy.allow_plain_pkce,
            returns_code=response_type.returns_code,
        ),
    )
    if response_type.returns_id_token and "openid" not in scopes:
        raise InvalidScope(f"The response type {response_type.name} requires the scope openid.")
    return scopes


def _claims(draft: Draft, facts: ClientFacts) -> ClaimsRequest:
    """What is asked for claim by claim: no more than the scopes that the client may ask for could bring it."""
    if "claims" not in draft.params:
        return ClaimsRequest()
    askable = claims_within(facts.scopes, draft.issuer.settings) | CLAIMS_OF_THE_SESSION
    return ClaimsRequest.parse(draft.params["claims"]).only(askable)


def _max_age(draft: Draft) -> timedelta | None:
    """As asked, else as the client registered (`default_max_age`)."""
    asked = draft.params.get("max_age", draft.client.metadata.get("default_max_age"))
    return None if asked is None else timedelta(seconds=min(int(asked), _LONGEST_AGE))


def _acr_values(draft: Draft, claims: ClaimsRequest) -> tuple[str, ...]:
    """As asked, else as the client registered (`default_acr_values`); only what can be reached here is worth asking for."""
    registered = [str(one) for one in draft.client.metadata.get("default_acr_values", ())]
    asked = draft.params["acr_values"].split() if "acr_values" in draft.params else registered
    wanted = [*map(str, accepted(claims.id_token.get("acr", {}))), *asked]
    return tuple(value for value in dict.fromkeys(wanted) if value in draft.issuer.settings.acr_values)


def _subject(draft: Draft, claims: ClaimsRequest) -> str:
    """Whom the client means: by an earlier ID token, or by a value for `sub` (OpenID Connect Core sections 3.1.2.1 and 5.5.1)."""
    if "id_token_hint" in draft.params:
        return hinted_subject(draft.params["id_token_hint"], draft.client, draft.issuer)
    return next((value for value in accepted(claims.id_token.get("sub", {})) if isinstance(value, str)), "")


def _can_wait_for_a_person(draft: Draft) -> None:
    if not can_wait(draft.params):
        raise InvalidRequest(f"The request is longer than {LONGEST_REQUEST} characters.")


def _nothing_is_repeated(draft: Draft) -> None:
    draft.params.refuse_repeated(but=draft.issuer.components.read_at(draft.endpoint).repeatable)


def _response_type_is_offered(draft: Draft) -> None:
    asked = draft.params.require("response_type")
    response_type = draft.response_type()
    if response_type is None:
        raise UnsupportedResponseType(
            "The parameter response_type is not supported by this server.", detail=f"response_type {asked!r}"
        )
    allowed = set(response_type.grant_types).issubset(draft.client.grant_types)
    if not allowed or response_type.name not in draft.client.response_types:
        raise UnauthorizedClient(
            f"The client is not registered for the response type {response_type.name}.", parameter="response_type"
        )


def _response_mode_is_offered(draft: Draft) -> None:
    asked = draft.params.get("response_mode")
    if asked is None:
        return
    mode, response_type = draft.issuer.components.of(ResponseMode).get(asked), draft.response_type()
    if mode is None:
        raise InvalidRequest(
            "The parameter response_mode is not supported by this server.", detail=f"response_mode {asked!r}"
        )
    if response_type and response_type.carries_tokens and not mode.carries_tokens:
        raise InvalidRequest(f"The parameter response_mode must not be {asked} where a token is returned.")


def _resources_are_known(draft: Draft) -> None:
    known_resources(draft.params.every("resource"), draft.issuer)


def _prompt_is_consistent(draft: Draft) -> None:
    prompts = draft.params.get("prompt", "").split()
    if "none" in prompts and len(set(prompts)) > 1:
        raise InvalidRequest("The parameter prompt must not combine none with another value.")
    if unknown := set(prompts) - prompt_values(draft.issuer):
        offered = ", ".join(sorted(prompt_values(draft.issuer)))
        raise InvalidRequest(
            f"The parameter prompt has a value that is not supported. Supported: {offered}.", detail=f"prompt {unknown}"
        )


def _max_age_is_a_number(draft: Draft) -> None:
    asked = draft.params.get("max_age", "0")
    if not (asked.isascii() and asked.isdigit() and len(asked) <= len(str(_LONGEST_AGE))):
        raise InvalidRequest("The parameter max_age must be a number of seconds.")


def _nonce_where_it_is_needed(draft: Draft) -> None:
    """OpenID Connect Core sections 3.2.2.1 and 3.3.2.11: an ID token that travels in the browser is bound to its request."""
    response_type = draft.response_type()
    if response_type and response_type.returns_id_token:
        draft.params.require("nonce")


CHECKS: Final[tuple[tuple[Callable[[Draft], None], frozenset[str]], ...]] = (
    (_can_wait_for_a_person, REDIRECTING),
    (_nothing_is_repeated, ASKING),
    (_response_type_is_offered, REDIRECTING),
    (_response_mode_is_offered, REDIRECTING),
    (_resources_are_known, ASKING),
    (_prompt_is_consistent, ASKING),
    (_max_age_is_a_number, ASKING),
    (_nonce_where_it_is_needed, REDIRECTING),
)
"""Each raises the error that the client is told, at the endpoints that it serves. The rows of components follow, then PKCE and scopes."""
