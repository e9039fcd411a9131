"""Which client may have Identity Assertion JWT Authorization Grants for which authorization server elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django_oauth_server.protocol.uris import check_resource, check_web_uri
from django_oauth_server.values import settle

_LONGEST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class IDJAG:
    """One client may have ID-JAGs for one authorization server elsewhere (draft-ietf-oauth-identity-assertion-authz-grant), about the people who
    signed in to it here."""

    client: str
    """The `client_id` of the client here."""
    audience: str
    """The issuer identifier of the authorization server elsewhere."""
    client_id: str
    """The `client_id` that the client has there."""
    scopes: tuple[str, ...]
    """The scopes, as they are called there."""
    resources: tuple[str, ...] = ()
    """The resources there (RFC 8707). If empty, the ID-JAG names none."""
    relying_party: str = ""
    """The `client_id` that the server elsewhere has here, if people sign in there with this one: `sub` is then what it knows them by. If empty, what
    the client knows them by."""
    claims: tuple[str, ...] = ()
    """Claims about the person that are added, such as `email` and `email_verified`, of those that the client may be told."""
    lifetime: timedelta = timedelta(minutes=5)
    """How long an ID-JAG can be used, at most an hour."""

    def __post_init__(self) -> None:
        settle(self)
        for name in ("client", "audience", "client_id", "scopes"):
            if not getattr(self, name):
                raise ValueError(f"{self}: {name} must not be empty.")
        for one in self.scopes:
            if not one or "*" in one or " " in one:
                raise ValueError(f"{self}: scopes has {one!r}. Name each scope; there are no wildcards.")
        try:
            check_web_uri(self.audience)
            for one in self.resources:
                check_resource(one)
        except ValueError as exc:
            raise ValueError(f"{self}: audience and resources: {exc}.") from exc
        if not timedelta(seconds=1) <= self.lifetime <= _LONGEST:
            raise ValueError(f"{self}: lifetime must be from one second to an hour.")

    def __str__(self) -> str:
        """What names it in the log and in the admin."""
        return f"IDJAG({self.client} at {self.audience})"


def check_once(rules: Iterable[IDJAG]) -> None:
    """Raises ValueError where two say something of the same client and audience."""
    seen = set()
    for rule in rules:
        if (rule.client, rule.audience) in seen:
            raise ValueError(f"id_jags has {rule} twice.")
        seen.add((rule.client, rule.audience))
