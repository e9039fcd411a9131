"""What a client has to know of the grant types that it may be registered for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Literal

from django_oauth_server.component import Component, Document
from django_oauth_server.conf import IssuerSettings


class RegistrableGrant(Component):
    """Answers one question: what does a grant type ask of the clients that are registered for it?"""

    client_auth: ClassVar[Literal["required", "optional"]] = "optional"
    """`required`: not for public clients."""
    asks_person: ClassVar[bool] = False
    """Whether a person was asked, on a page of this server, for each scope that it proves. Where not, a client cannot widen its own scopes."""
    refreshes: ClassVar[bool] = False
    """Whether what it proves may be refreshed, where the client may use refresh tokens."""

    def told(self, client_id: str, settings: IssuerSettings) -> Iterable[str]:
        """What the settings let the client do by it, for operators: a line for each rule."""
        return ()

    def offers(self) -> Mapping[str, tuple[str, ...]]:
        return {"grant_types": (self.name,)}

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        return {"grant_types_supported": [self.name]}
