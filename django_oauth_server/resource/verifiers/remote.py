"""What verifiers have in common whose tokens are another project's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, MISSING, dataclass, field, fields
from datetime import timedelta
from typing import Final, Protocol

from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.resource.verifiers.base import AuthorizationServer
from django_oauth_server.resource.verifiers.discovery import RemoteIssuer
from django_oauth_server.resource.verifiers.flights import PerProcess

EXCHANGES: Final = 4
"""The most that one answer takes: the metadata at two addresses, the question, and one over a connection that was gone."""


class Remote(Protocol):
    """What a process has of an issuer."""

    @property
    def issuer(self) -> RemoteIssuer: ...


@dataclass(frozen=True, eq=False)
class RemoteVerifier:
    """Of one issuer. It opens no connection and starts no thread before it is first asked."""

    issuer: str
    _: KW_ONLY
    audience: str = ""
    """The audience where the setting names no `resource`."""
    leeway: timedelta = timedelta(seconds=10)
    """By how much the issuer's clock may differ from this one (RFC 7519 section 4.1.4)."""
    timeout: timedelta = timedelta(seconds=3)
    """For one exchange with the issuer."""
    ca_bundle: str = ""
    """A file of the certificates to trust, in place of the system's."""
    _remote: PerProcess[Remote] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ImproperlyConfigured for a value of another type, or a time that is none: it would be noticed at the first token only, or never."""
        for one in fields(self):
            if one.init:
                _check(one.name, one.default, getattr(self, one.name))
        if not self.timeout:
            raise ImproperlyConfigured("timeout must be longer than nothing.")

    @property
    def default_audience(self) -> str:
        """As it was made with."""
        return self.audience

    def authorization_servers(self) -> Sequence[AuthorizationServer]:
        """The issuer. Waits for its metadata; while it does not answer, no more than its identifier is told."""
        return (self._remote.get().issuer.server(),)

    @property
    def patience(self) -> float:
        """Seconds after which no answer is waited for any longer."""
        return self.timeout.total_seconds() * EXCHANGES


def _check(name: str, default: object, value: object) -> None:
    """That *value* is of the kind of its *default*; what has none is a string."""
    if (default is MISSING or isinstance(default, str)) and not isinstance(value, str):
        raise ImproperlyConfigured(f"{name} is a string, not {value!r}.")
    if isinstance(default, timedelta) and not isinstance(value, timedelta):
        raise ImproperlyConfigured(f"{name} is a timedelta, such as timedelta(seconds=10), not {value!r}.")
    if isinstance(value, timedelta) and value < timedelta(0):
        raise ImproperlyConfigured(f"{name} must not be less than nothing.")
    if isinstance(default, int) and (isinstance(value, bool) or not isinstance(value, int)):
        raise ImproperlyConfigured(f"{name} is a whole number, not {value!r}.")
