"""The shape of a channel: how a request reaches a person, and where their answer goes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from django.http import HttpRequest

from django_oauth_server.authorization.request import AuthorizationRequest, Granted
from django_oauth_server.authorization.response_modes.base import Page, Redirect
from django_oauth_server.authorization.turn import Turn
from django_oauth_server.authorization.way_back import WayBack
from django_oauth_server.component import Component, Words
from django_oauth_server.errors import InvalidRequest, OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.protocol.parameters import Parameters


class NothingWaits(InvalidRequest):
    """A reference that leads to no request any more. Only the person is told."""


class PendingRequest(ABC):
    """A request that waits for a person, as it was read for one visit of theirs. Nothing is judged yet."""

    in_session: ClassVar[bool] = True
    """Whether the client is used at this browser, so that signing out here signs out there."""

    @property
    @abstractmethod
    def channel(self) -> str:
        """The name of the channel that brought it."""

    @property
    @abstractmethod
    def client(self) -> Client:
        """Who asks."""

    @property
    @abstractmethod
    def reference(self) -> Parameters:
        """By which the channel finds the request again: the query of the address to come back to."""

    @property
    @abstractmethod
    def params(self) -> Parameters:
        """The parameters that count."""

    @property
    @abstractmethod
    def proves_client(self) -> bool:
        """Whether no other app can pass for the client where the answer goes (OAuth 2.1 section 7.3.1)."""

    @property
    @abstractmethod
    def warning(self) -> Words:
        """What the person is told where that may happen."""

    @property
    @abstractmethod
    def destination(self) -> tuple[Words, str]:
        """Where the answer goes, as the person is told: "You'll be sent back to", and the host."""

    @property
    def is_kept(self) -> bool:
        """Whether its reference leads to what a client left here. The browser of who came in time notes that: others may be too late."""
        return False

    def reference_to(self, shown: AuthorizationRequest) -> Parameters:
        """The reference, to the request as the person is *shown* it: what follows from a default may change before the answer."""
        return self.reference

    @abstractmethod
    def judge(self) -> AuthorizationRequest:
        """What is asked of the person, judged anew. Raises the `OAuthError` by which the request is refused."""

    @property
    def writes_once(self) -> bool:
        """Whether its answer is one statement: where the consent is recorded already, that needs no transaction."""
        return False

    @abstractmethod
    def prepare(self) -> None:
        """Fetch what the answer needs, before its transaction begins."""

    @abstractmethod
    def answer(self, granted: Granted) -> Page | Redirect:
        """Answer the client; returns what the person sees then. Runs in the transaction that records the consent, unless it `writes_once`."""

    @abstractmethod
    def refuse(self, exc: OAuthError, turn: Turn, way: WayBack) -> Page | Redirect:
        """Tell the client *exc*; returns what the person sees then. Raises *exc* where the person is all that can be told."""


class Channel(Component):
    """Answers one question: where does the answer to a request go? Its name is kept with what waits for a person."""

    endpoint: ClassVar[str]
    """The name of the endpoint at which the person comes back to a request."""

    def take_up(
        self, reference: Parameters, turn: Turn, http: HttpRequest, issuer: Issuer
    ) -> tuple[PendingRequest, Turn]:
        """The request that *reference* leads to, and what was done for it.

        Raises `NothingWaits`, or another `OAuthError` that nobody but the person is told.
        """
        raise NotImplementedError
