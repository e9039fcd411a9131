"""The shape of a response type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from django_oauth_server.authorization.request import Granted
from django_oauth_server.component import REDIRECTING, Component, Document
from django_oauth_server.conf import IssuerSettings


class ResponseType(Component):
    """Answers one question: what does the client get for the person's consent?"""

    serves = REDIRECTING
    grant_types: ClassVar[tuple[str, ...]]
    """What the client must have registered in `grant_types` (RFC 7591 section 2.1)."""
    default_mode: ClassVar[str]
    carries_tokens: ClassVar[bool] = False
    writes_once: ClassVar[bool] = False
    """Whether `parts` makes one statement: where the consent is recorded already, that needs no transaction."""
    returns_code: ClassVar[bool] = False
    returns_id_token: ClassVar[bool] = False

    def parts(self, granted: Granted, redirect_uri: str) -> Mapping[str, str]:
        """The parameters of the answer, which goes to *redirect_uri*. Runs in the transaction that records the consent."""
        raise NotImplementedError

    def offers(self) -> Mapping[str, tuple[str, ...]]:
        return {"response_types": (self.name,), "grant_types": self.grant_types}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"response_types_supported": [self.name], "grant_types_supported": list(self.grant_types)}
