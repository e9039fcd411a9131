"""The shape of a response mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from django_oauth_server.component import REDIRECTING, Component, Document
from django_oauth_server.conf import IssuerSettings


@dataclass(frozen=True, slots=True)
class Redirect:
    """The person's browser goes to *url*."""

    url: str


@dataclass(frozen=True, slots=True)
class Page:
    """The person's browser shows a page of *template*."""

    template: str
    context: Mapping[str, object]
    script: bool = False
    """Whether the page brings a script of the package."""
    leads_away: bool = False
    """Whether its form may lead to another site."""


class ResponseMode(Component):
    """Answers one question: how do these parameters reach the redirect URI?"""

    serves = REDIRECTING
    carries_tokens: ClassVar[bool] = True
    """Whether it keeps what it carries out of logs and Referer headers."""

    def send(self, redirect_uri: str, parameters: Mapping[str, str], client_name: str) -> Redirect | Page:
        raise NotImplementedError

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"response_modes_supported": [self.name]}
