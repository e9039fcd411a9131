"""Whatever can be switched on is a component: one class that says all there is to say of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.core.checks import CheckMessage
    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

    from django_oauth_server.conf import IssuerSettings, Policy

Words: TypeAlias = "str | _StrPromise"
"""A text for people, which may wait to be translated."""

Document = Mapping[str, object]
"""A client's metadata, RFC 7591 section 2."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a client's metadata is judged by."""

    settings: IssuerSettings
    components: Components
    policy: Policy
    """The issuer's, or the tighter one that the client is bound to."""
    held: Document | None = None
    """Of a client that speaks for itself: what it has, of which it keeps what is for operators alone. None: an operator speaks."""


AUTHORIZE: Final = "authorize"
"""The authorization endpoint (RFC 6749 section 3.1)."""
PUSHED: Final = "pushed"
"""Where a client leaves a request before it sends the person (RFC 9126)."""
DEVICE: Final = "device"
"""Where a device without a browser asks (RFC 8628)."""
BACK_CHANNEL: Final = "back_channel"
"""Where a client asks without a browser of the person (OpenID Connect CIBA)."""
REDIRECTING: Final = frozenset({AUTHORIZE, PUSHED})
"""The endpoints whose answer goes to a redirect URI."""
ASKING: Final = REDIRECTING | {DEVICE, BACK_CHANNEL}
"""Every endpoint at which a client asks for a person's authorization."""

WELL_KNOWN: Final = ".well-known/"
"""Where a host has its well-known URIs (RFC 8615)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that a component brings. URLconf and metadata are derived from it."""

    name: str
    route: str
    """Below the issuer's own path; or, with *well_known*, the suffix of a well-known URI (RFC 8615)."""
    view: str
    """Dotted path of a view that is called with `issuer`."""
    well_known: bool = False
    signed_in: bool = False
    """Whether it is a page of somebody who is signed in. Every other endpoint is exempt from Django's `LoginRequiredMiddleware`."""


Purpose: TypeAlias = Literal["identity", "redirects", "tokens", "keys", "encryption", "logout", "policy"]
"""What a member of a client's metadata is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a client's metadata (RFC 7591 section 2): how it is asked for, explained and judged."""

    name: str
    kind: Literal["text", "uri", "uris", "choice", "choices", "scope", "texts", "flag", "number", "json"]
    help: Words
    """One line: what the member does."""
    label: Words = ""
    purpose: Purpose = "policy"
    """Under which heading forms have it."""
    choices: Callable[[Terms], Mapping[str, Words]] | None = None
    """What may be chosen, and the words for it. None, of a choice: what the components say that they offer (`Component.offers`)."""
    check: Callable[[object, Terms], None] | None = None
    """Raises ValueError, with the rule and what would pass. Called with the value, which is of the kind; of a list, with each."""
    spelling: Callable[[str], str] | None = None
    """Of a list, how each is written here, where clients may write it in several ways."""
    required: bool = False
    """Whether a client always has one; an absent one is then the default."""
    operator_only: bool = False
    """A privilege that no client may give itself by registration."""
    localized: bool = False
    """Whether it may be said once more for each language, as `client_name#de` (RFC 7591 section 2.2)."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Rows of one kind that are dead for good, which `cleartokens` deletes. Nothing may hang on them."""

    words: Words
    """What the command calls them: *expired assertions*."""
    rows: QuerySet[Any]
    by: str = "pk"
    """The column by which they are walked. One with an index, that says when they died, finds them however many live."""


class Component:
    """Answers: what is it called, what does it read, bring, advertise, ask of clients, keep, and warn of?"""

    name: ClassVar[str]
    """The protocol's own word: `authorization_code`, `form_post` …"""
    label: ClassVar[Words] = ""
    """What an administrator reads. Empty: the name."""
    parameters: ClassVar[frozenset[str]] = frozenset()
    """The request parameters that it reads; others never reach it."""
    request_headers: ClassVar[frozenset[str]] = frozenset()
    """The headers of requests that it reads beside `Authorization` and `Content-Type`: scripts of other origins may send them."""
    response_headers: ClassVar[frozenset[str]] = frozenset()
    """The headers that it sends beside `WWW-Authenticate` and `Retry-After`: scripts of other origins may read them."""
    repeatable: ClassVar[frozenset[str]] = frozenset()
    """Those of its parameters that may be sent more than once."""
    serves: ClassVar[frozenset[str]] = frozenset()
    """At which endpoints of those that ask a person (`AUTHORIZE`, `PUSHED` …) its parameters are read."""
    endpoints: ClassVar[tuple[Endpoint, ...]] = ()
    client_metadata: ClassVar[tuple[Member, ...]] = ()
    """The members that clients may register because of it."""
    operator_only: ClassVar[bool] = False
    """Whether what it offers is a privilege that no client may give itself by registration."""
    settings_name: ClassVar[str] = ""
    """The name under which its settings stand in `OAUTH_SERVER`. Components that belong together may share one."""
    settings_group: ClassVar[type | None] = None
    """Those settings: a frozen, kw_only dataclass with a default for each. `settings.group(…)` has them, checked."""
    throttles: ClassVar[Mapping[str, str]] = {}
    """The limits that it keeps to (`clients.throttling`), and their defaults in the setting `throttles`."""
    demands: ClassVar[Mapping[str, Words]] = {}
    """What a `Policy` may demand because of it, by name, and what it means."""

    def offers(self) -> Mapping[str, tuple[str, ...]]:
        """The values of members, `{"grant_types": ("authorization_code",)}`, that clients may register because of it."""
        return {}

    def located(self, settings: IssuerSettings) -> tuple[Endpoint, ...]:
        """Its endpoints, at the routes that *settings* give them, where a setting does."""
        return self.endpoints

    def enabled(self, settings: IssuerSettings) -> bool:
        """Whether the deployment has switched it on."""
        return True

    def allowed(self, policy: Policy) -> bool:
        """Whether *policy* offers it at all."""
        return True

    def metadata(self, endpoint: Callable[[str], str], settings: IssuerSettings) -> Document:
        """The metadata members (RFC 8414 section 2) that follow from it; lists are joined. *endpoint* gives the URL of a named endpoint."""
        return {}

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        """What `manage.py check` says where this is switched on."""
        return ()

    def row_checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        """What `manage.py check --database default` says of its rows, and `migrate`."""
        return ()

    def sweeps(self, expired: datetime) -> Iterable[Sweep]:
        """What of its own tables is dead for good, in the order in which it can go. Asked where it is switched off, too.

        *expired* is an hour ago, as a request that is under way may still write to what it found alive.
        """
        return ()


@runtime_checkable
class TellsFact(Protocol):
    """What a component is besides that settles a fact of authorizations: it has the words for it."""

    fact: ClassVar[str]
    """The name of the fact, and of the claim that tells it."""

    def in_words(self, value: object, user: AbstractBaseUser) -> Words:
        """What connected apps and the admin say of *value*."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What an endpoint reads of a request: the parameters that its components declare. Others are ignored."""

    parameters: frozenset[str]
    repeatable: frozenset[str]
    """Those that may be sent more than once."""


C = TypeVar("C", bound=Component)


class Components:
    """The components that an issuer has switched on, by kind and name."""

    def __init__(self, components: Iterable[Component], switched_off: Iterable[Component] = ()) -> None:
        self._all = tuple(
            {(_kind(type(one)), one.name): one for one in components}.values()
        )  # a later one of the same name takes the place
        self._off = tuple(switched_off)
        self._kinds: dict[type[Component], Mapping[str, Component]] = {}
        self.request_headers = frozenset[str]().union(*(one.request_headers for one in self._all))
        self.response_headers = frozenset[str]().union(*(one.response_headers for one in self._all))
        self._read: dict[str, Reading] = {}

    def __iter__(self) -> Iterator[Component]:
        return iter(self._all)

    def switched_off(self, kind: type[C]) -> tuple[C, ...]:
        """Those of one *kind* that exist and are not offered: a client that relies on one can be told so."""
        return tuple(one for one in self._off if isinstance(one, kind))

    def read_at(self, endpoint: str) -> Reading:
        """What some component reads at *endpoint*."""
        if endpoint not in self._read:
            serving = [one for one in self._all if endpoint in one.serves]
            self._read[endpoint] = Reading(
                frozenset[str]().union(*(one.parameters for one in serving)),
                frozenset[str]().union(*(one.repeatable for one in serving)),
            )
        return self._read[endpoint]

    def of(self, kind: type[C]) -> Mapping[str, C]:
        """Those of one *kind*, by name."""
        if kind not in self._kinds:
            self._kinds[kind] = MappingProxyType({one.name: one for one in self._all if isinstance(one, kind)})
        return self._kinds[kind]  # type: ignore[return-value]


def _kind(component: type[Component]) -> type[Component]:
    """The class right below `Component`: GrantType, ResponseMode …"""
    mro = component.__mro__
    return mro[max(mro.index(Component) - 1, 0)]
