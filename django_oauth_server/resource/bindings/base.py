"""How an access token that is bound to a key is recognised and judged where it is presented."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest

from django_oauth_server.resource.challenge import BEARER, INVALID_TOKEN, Challenge
from django_oauth_server.resource.token import Presented, VerifiedToken

if TYPE_CHECKING:
    from django.core.checks import CheckMessage


class Unproven(Exception):
    """The caller has not shown that the key of the token is theirs. *reason* is for the log, and never holds the token or the proof.

    *is_ordinary*: clients meet it where nothing is wrong, as when they have to be told a nonce.
    """

    def __init__(
        self,
        reason: str,
        challenge: Challenge = INVALID_TOKEN,
        *,
        headers: Mapping[str, str] | None = None,
        is_ordinary: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = f"{challenge.error} {challenge.description}"
        self.is_ordinary = is_ordinary
        self.challenge = challenge
        """What the client is told."""
        self.headers = headers or {}
        """Headers of the answer, beside those of the challenge."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request with a token that is good, but for what it is bound to."""

    request: HttpRequest
    presented: Presented
    token: VerifiedToken
    resources: Sequence[str]
    """The identifiers (RFC 8707) of the resources that are protected here: their addresses, where they are URLs."""
    algs: Collection[str] | None = None
    """The algorithms with which a proof may be signed, of those in the binding's settings. None: all of those."""


class TokenBinding(ABC):
    """Answers one question: is whoever presents this token the one that it was issued to?

    The twin of what the authorization server binds tokens by: it knows one member of the claim `cnf` (RFC 7800 section 3.1). It is made once,
    with its settings, and called by many threads.
    """

    name: ClassVar[str]
    """What it is called among the security schemes of API schemas."""
    member: ClassVar[str]
    """The member of `cnf` that it judges."""
    scheme: ClassVar[str] = BEARER
    """The authentication scheme by which such a token is presented, as its specification spells it."""
    request_headers: ClassVar[frozenset[str]] = frozenset()
    """The headers that it reads beside `Authorization`, for `Vary`: no cache gives an answer to somebody who has the token alone."""
    settings_name: ClassVar[str] = ""
    """The name under which its settings stand in `OAUTH_RESOURCE_SERVER`."""
    settings_group: ClassVar[type[Any] | None] = None
    """Those settings: a frozen, kw_only dataclass with a default for each."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @abstractmethod
    def judge(self, call: Call) -> Mapping[str, str]:
        """Headers that the answer gets, whatever it is, if possession of the key of the token is proven.

        Called once for each request, after all else about the token was found good. Raises `Unproven`, or `CannotVerify` where that cannot be told.
        """

    async def ajudge(self, call: Call) -> Mapping[str, str]:
        """The same, without blocking the event loop."""
        return await sync_to_async(self.judge)(call)

    def challenge(self) -> Mapping[str, str]:
        """The parameters that it adds to challenges of its scheme."""
        return {}

    def metadata(self) -> Mapping[str, object]:
        """The members that it adds to the metadata of every protected resource (RFC 9728 section 2)."""
        return {}

    def required_metadata(self) -> Mapping[str, object]:
        """The members that it adds where nothing but a token that it binds will do."""
        return {}

    @abstractmethod
    def security_scheme(self) -> Mapping[str, object]:
        """How OpenAPI describes what a client sends beside the token (Security Scheme Object)."""

    def checks(self, resources: Sequence[str]) -> Iterable[CheckMessage]:
        """What `manage.py check` says of it where these *resources* are protected."""
        return ()
