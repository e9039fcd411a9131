"""A request to sign a person out (OpenID Connect RP-Initiated Logout section 2), judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django_oauth_server.authorization.checks import UnverifiedRequest
from django_oauth_server.errors import InvalidRequest
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.uris import add_parameters, check_redirect_uri
from django_oauth_server.storage.clients import find_client
from django_oauth_server.tokens.id_token import read_hint

PARAMETERS: Final = frozenset(
    {"id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}
)
_SECTION: Final = "OpenID Connect RP-Initiated Logout section 2"


@dataclass(frozen=True, slots=True)
class EndSessionRequest:
    """What an app, or nobody that is known, asks for."""

    params: Parameters
    client: Client | None = None
    """Whose ID token came with it. None: nothing says who asks."""
    redirect_uri: str = ""
    """Where the person goes afterwards: an address that *client* registered, with `state`. Empty: nowhere."""

    @property
    def redirect_was_refused(self) -> bool:
        """Whether an address was sent, and nothing that says whose it is (section 3)."""
        return self.client is None and "post_logout_redirect_uri" in self.params


def judge(params: Parameters, issuer: Issuer) -> EndSessionRequest:
    """The request of *params*. Raises `InvalidRequest`, for a page: what cannot be verified leads nowhere."""
    params = params.only(PARAMETERS)
    params.refuse_repeated()
    if "id_token_hint" not in params:
        return EndSessionRequest(params)
    client = _client(params, issuer)
    return EndSessionRequest(params, client, _redirect_uri(params, client, issuer))


def _client(params: Parameters, issuer: Issuer) -> Client:
    """The audience of the ID token, which may have expired long ago."""
    audience = _hint(params, issuer).get("aud")
    client = find_client(issuer.settings.issuer, audience) if isinstance(audience, str) else None
    if client is None or not client.is_active:
        raise _refusal("id_token_hint", "was issued to a client that is gone or disabled", f"client {audience!r}")
    if params.get("client_id", client.client_id) != client.client_id:
        raise _refusal("client_id", "is not the client that the ID token was issued to", f"issued to {audience!r}")
    return client


def _hint(params: Parameters, issuer: Issuer) -> Mapping[str, object]:
    try:
        return read_hint(params["id_token_hint"], issuer)
    except InvalidRequest as exc:
        raise _refusal("id_token_hint", "is no ID token of this server", str(exc.__cause__)) from exc


def _redirect_uri(params: Parameters, client: Client, issuer: Issuer) -> str:
    sent = params.get("post_logout_redirect_uri", "")
    if not sent:
        return ""
    if sent not in client.metadata.get("post_logout_redirect_uris", ()):
        raise _refusal(
            "post_logout_redirect_uri", "is not registered for this client", f"{sent!r} of {client.client_id!r}"
        )
    try:  # it was registered: perhaps under a looser policy
        check_redirect_uri(sent, allow_http=issuer.policy_for(client.profile).allow_http_redirect_uris)
    except ValueError as exc:
        raise _refusal("post_logout_redirect_uri", "is registered, but no longer allowed", str(exc)) from exc
    return add_parameters(sent, [("state", params["state"])], "query") if "state" in params else sent


def _refusal(parameter: str, reason: str, detail: str) -> UnverifiedRequest:
    return UnverifiedRequest(
        f"The parameter {parameter} {reason}.",
        parameter=parameter,
        rule=_SECTION,
        detail=f"{parameter} {reason}: {detail}",
    )
