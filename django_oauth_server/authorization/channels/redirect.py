"""To the redirect URI, by the person's browser (RFC 6749 section 4.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauth_server.authorization.browser_state import is_watched, session_state
from django_oauth_server.authorization.channel import Channel, PendingRequest
from django_oauth_server.authorization.checks import (
    Draft,
    UnverifiedRequest,
    choose_redirect_uri,
    identify_client,
    judge,
)
from django_oauth_server.authorization.request import AuthorizationRequest, Granted
from django_oauth_server.authorization.response_modes.base import Page, Redirect, ResponseMode
from django_oauth_server.authorization.sign_in import to_sign_in
from django_oauth_server.authorization.sources.base import Arrival
from django_oauth_server.authorization.sources.gather import Gathered, gather
from django_oauth_server.authorization.turn import NOTHING_DONE, Turn
from django_oauth_server.authorization.way_back import WayBack, can_wait
from django_oauth_server.clients.presentation import called, proves_itself
from django_oauth_server.component import Words
from django_oauth_server.errors import OAuthError, TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters
from django_oauth_server.protocol.scopes import requests_openid
from django_oauth_server.protocol.uris import RESPONSE_PARAMETERS, destination, is_loopback, without_parameters
from django_oauth_server.storage.transaction import atomic
from django_oauth_server.tokens.sealed import fetch_keys

ON_THIS_DEVICE: Final = _(
    "This app runs on your own device, where another program could use its name. Allow it only if you have just "
    "started it yourself."
)
PRIVATE_SCHEME: Final = _(
    "You'll be sent back to an app on your device, and another app could take its place. Allow it only if you have "
    "just started it yourself."
)


class RedirectChannel(Channel):
    """A request of the authorization endpoint, which comes with the person."""

    name = "redirect"
    endpoint = "authorize"

    def take_up(
        self, reference: Parameters, turn: Turn, http: HttpRequest, issuer: Issuer
    ) -> tuple[PendingRequest, Turn]:
        """Of an object that is refused nothing counts: the answer goes where the query says, if that is good."""
        client = identify_client(reference, issuer, http.user)
        try:
            gathered = gather(Arrival(reference, client, issuer, cookies=http.COOKIES), turn)
        except UnverifiedRequest:
            raise
        except OAuthError as exc:
            exc.client_id = client.client_id
            try:
                draft = Draft(reference, client, issuer, choose_redirect_uri(reference, client, issuer))
            except OAuthError:
                raise exc from None
            return RedirectedRequest(http, draft, Gathered(reference, turn), fault=exc), NOTHING_DONE
        params = gathered.params
        redirect_uri = choose_redirect_uri(params, client, issuer)
        draft = Draft(params, client, issuer, redirect_uri, source=gathered.came_from)
        return RedirectedRequest(http, draft, gathered), gathered.turn


@dataclass(frozen=True, slots=True)
class RedirectedRequest(PendingRequest):
    """A request whose client and redirect URI are known to be good."""

    http: HttpRequest
    draft: Draft
    gathered: Gathered
    fault: OAuthError | None = None
    """Why what it leads to cannot be read."""

    @property
    def channel(self) -> str:
        return RedirectChannel.name

    @property
    def client(self) -> Client:
        return self.draft.client

    @property
    def reference(self) -> Parameters:
        return self.gathered.waits or self.draft.params

    @property
    def is_kept(self) -> bool:
        return self.gathered.waits is not None

    @property
    def params(self) -> Parameters:
        return self.draft.params

    @property
    def proves_client(self) -> bool:
        return proves_itself(self.client, self.draft.redirect_uri, self.draft.issuer)

    @property
    def warning(self) -> Words:
        uri = self.draft.redirect_uri
        return ON_THIS_DEVICE if is_loopback(uri) or uri.startswith("http:") else PRIVATE_SCHEME

    @property
    def destination(self) -> tuple[Words, str]:
        return _("You'll be sent back to"), destination(self.draft.redirect_uri)

    def reference_to(self, shown: AuthorizationRequest) -> Parameters:
        return self.gathered.waits or shown.as_shown

    def judge(self) -> AuthorizationRequest:
        if self.fault:
            raise self.fault
        return judge(self.draft)

    @property
    def writes_once(self) -> bool:
        """Unless a source is told that its request was answered."""
        response_type = self.draft.response_type()
        return response_type is not None and response_type.writes_once and self.gathered.source is None

    def prepare(self) -> None:
        response_type = self.draft.response_type()
        if response_type and response_type.returns_id_token:
            fetch_keys(self.client, self.draft.issuer)

    def answer(self, granted: Granted) -> Page | Redirect:
        response_type = self.draft.response_type()
        assert response_type is not None  # it was judged
        self.gathered.answered(granted.now)
        return self._send(response_type.parts(granted, self.draft.redirect_uri))

    def refuse(self, exc: OAuthError, turn: Turn, way: WayBack) -> Page | Redirect:
        """RFC 9700 section 4.11.2: an error sends no stranger away, or whoever registers a client could have links to this site lead anywhere.

        They sign in first. The section excepts a silent request (`prompt=none`).

        Where the server is busy nothing is decided: who goes back and decides again is answered.
        """
        is_told = self.http.user.is_authenticated or "none" in self.params.get("prompt", "").split()
        is_over = is_told and not isinstance(exc, TemporarilyUnavailable)
        if self.is_kept:
            (way.forget if is_over else way.remember)(self.reference)
        if is_over:
            with atomic():
                self.gathered.answered(timezone.now())
        if is_told:
            return self._send(exc.parameters())
        if not can_wait(self.params):
            raise exc
        return to_sign_in(way.to(self.reference, turn.begun_anew()), self.params, self.draft.issuer)

    def _send(self, parts: Mapping[str, object]) -> Page | Redirect:
        """State and issuer are on every answer, errors too (RFC 6749 section 4.1.2, RFC 9207 section 2)."""
        issuer = self.draft.issuer
        address = without_parameters(self.draft.redirect_uri, RESPONSE_PARAMETERS)  # rows are older than the rule
        further = {"state": self.params.get("state", ""), "session_state": self._session_state()}
        told = {name: value for name, value in further.items() if value}
        answer = {**parts, **told, "iss": issuer.settings.issuer}
        return self._mode().send(address, {name: str(value) for name, value in answer.items()}, called(self.client))

    def _mode(self) -> ResponseMode:
        """As asked, or as the response type has it where that cannot be."""
        modes = self.draft.issuer.components.of(ResponseMode)
        response_type = self.draft.response_type()
        default = response_type.default_mode if response_type else "query"
        mode = modes.get(self.params.get("response_mode", default), modes[default])
        if response_type and response_type.carries_tokens and not mode.carries_tokens:
            return modes[default]
        return mode

    def _session_state(self) -> str:
        """By which a client that asked for an ID token can tell later whether somebody else signed in (OpenID Connect Session Management
        section 2)."""
        if not requests_openid(self.params.get("scope", "")) or not is_watched(self.draft.issuer.settings):
            return ""
        return session_state(self.http, self.client.client_id, self.draft.redirect_uri)
