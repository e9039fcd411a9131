"""A request to sign a person out (OpenID Connect RP-Initiated Logout section 2), judged."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from django_oauth_server.authorization.checks import UnverifiedRequest
from django_oauth_server.clients.metadata import check_redirection, terms_of
from django_oauth_server.clients.presentation import called
from django_oauth_server.clients.sources.find import find_client
from django_oauth_server.errors import InvalidRequest, TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.uris import add_parameters
from django_oauth_server.tokens.id_token import read_hint
from django_oauth_server.tokens.subject import subject

PARAMETERS: Final = frozenset(
    {"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}
)
SECTION: Final = "OpenID Connect RP-Initiated Logout section 2"


@dataclass(frozen=True, slots=True)
class EndSessionRequest:
    """What an app, or nobody that is known, asks for."""

    params: Parameters
    client: Client | None = None
    """The app that asks, as far as it can be told."""
    proven: bool = False
    """Whether an ID token of the person says that *client* asks. Otherwise it names itself, as anybody could."""
    way_back: str = ""
    """An address that *client* registered, with `state`. Empty: there is none."""
    fault: InvalidRequest | None = None
    """What is wrong with the request. The person can sign out all the same."""

    @property
    def redirect_uri(self) -> str:
        """Where the person's browser goes by itself once they have signed out. Empty: nowhere."""
        return self.way_back if self.proven else ""

    @property
    def way_back_host(self) -> str:
        """Where *way_back* leads, in a word that nobody can choose freely; the app's name where it leads to no host."""
        return urlsplit(self.way_back).netloc or (called(self.client) if self.client else "")


def judge(params: Parameters, issuer: Issuer, person: AbstractBaseUser | AnonymousUser) -> EndSessionRequest:
    """The request of *params*. It may be as wrong as it likes: *person* is asked, and what cannot be verified leads nowhere."""
    params = params.only(PARAMETERS)
    try:
        params.refuse_repeated()
    except InvalidRequest as exc:
        return EndSessionRequest(Parameters(()), fault=exc)
    try:
        client, proven = _who_asks(params, issuer, person)
    except InvalidRequest as exc:
        return EndSessionRequest(params, fault=exc)
    except (
        TemporarilyUnavailable
    ):  # it cannot be said now who asks: nobody waits for that to sign out, only to be sent back
        if not person.is_authenticated:
            raise
        return EndSessionRequest(params)
    try:
        return EndSessionRequest(params, client, proven, _way_back(params, client, issuer))
    except InvalidRequest as exc:
        exc.client_id = client.client_id if client else ""
        return EndSessionRequest(params, client, proven, fault=exc)


def _who_asks(
    params: Parameters, issuer: Issuer, person: AbstractBaseUser | AnonymousUser
) -> tuple[Client | None, bool]:
    """The client, and whether that is proven. Raises `InvalidRequest` where what is said of it is wrong."""
    if "id_token_hint" not in params:
        named = find_client(issuer, params["client_id"]) if "client_id" in params else None
        return (named if named and named.is_active else None), False
    claims = _hint(params, issuer)
    client = _client(claims, params, issuer)
    return client, not person.is_authenticated or _is_about(person, claims, client, issuer)


def _is_about(
    person: AbstractBaseUser | AnonymousUser, claims: Mapping[str, object], client: Client, issuer: Issuer
) -> bool:
    """Whether the ID token is *person*'s. Anybody can get one of their own, and lay it before others (section 2: such a request is suspect)."""
    with suppress(TemporarilyUnavailable):
        return claims.get("sub") == subject(person, client, issuer)
    return False


def _client(claims: Mapping[str, object], params: Parameters, issuer: Issuer) -> Client:
    """The audience of the ID token, which may have expired long ago."""
    audience = claims.get("aud")
    client = find_client(issuer, audience) if isinstance(audience, str) else None
    if client is None or not client.is_active:
        raise _refusal(
            "id_token_hint", "was issued to a client that is disabled or no longer exists", f"client {audience!r}"
        )
    if params.get("client_id", client.client_id) != client.client_id:
        raise _refusal("client_id", "is not the client to which the ID token was issued", f"issued to {audience!r}")
    return client


def _hint(params: Parameters, issuer: Issuer) -> Mapping[str, object]:
    try:
        return read_hint(params["id_token_hint"], issuer)
    except InvalidRequest as exc:
        raise _refusal("id_token_hint", "is not an ID token that this server issued", str(exc.__cause__)) from exc


def _way_back(params: Parameters, client: Client | None, issuer: Issuer) -> str:
    sent = params.get("post_logout_redirect_uri", "")
    if not sent:
        return ""
    if client is None:
        raise _refusal("id_token_hint", "or client_id is required to return to the app", "neither was sent")
    if sent not in client.metadata.get("post_logout_redirect_uris", ()):
        raise _refusal("post_logout_redirect_uri", "has a value that is not registered for this client", repr(sent))
    try:  # it was registered: perhaps under a looser policy
        check_redirection(sent, terms_of(issuer, client.profile))
    except ValueError as exc:
        raise _refusal(
            "post_logout_redirect_uri", "has a value that is registered, but no longer allowed", str(exc)
        ) from exc
    return add_parameters(sent, [("state", params["state"])], "query") if "state" in params else sent


def _refusal(parameter: str, reason: str, detail: str) -> UnverifiedRequest:
    return UnverifiedRequest(
        f"The parameter {parameter} {reason}.",
        parameter=parameter,
        rule=SECTION,
        detail=f"{parameter} {reason}: {detail}",
    )
