"""Clients that documents describe."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from django_oauth_server.protocol.client_id_urls import check_client_id_url
from django_oauth_server.protocol.hosts import read_host

_LONGEST: Final = timedelta(days=1)
_SHORTEST: Final = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class DocumentSettings:
    """Clients whose ID is the address of a document that describes them (client ID metadata documents)."""

    policy: Literal["off", "listed", "open"] = "off"
    """Whose documents are accepted. `off`: nobody's. `listed`: those at `hosts`, and at hosts that an operator vouches for in the admin. `open`:
    those at any host that is not blocked there."""
    hosts: tuple[str, ...] = ()
    """The hosts of documents under the policy `listed`, such as `claude.ai`. A name below a host is another host."""
    longest_kept: timedelta = timedelta(hours=1)
    """How long a document is kept at most before it is fetched again, whatever its HTTP headers say. A minute to a day."""

    def __post_init__(self) -> None:
        for host in self.hosts:
            try:
                named = read_host(host)
                check_client_id_url(f"https://{named}/")
            except ValueError as exc:
                raise ValueError(f"hosts: {host}: {exc}.") from exc
            if named != host:
                raise ValueError(f"hosts: {host}: name the host alone, as it stands in client IDs: {named}.")
        if self.hosts and self.policy != "listed":
            raise ValueError("hosts has no effect unless policy is 'listed'.")
        if not _SHORTEST <= self.longest_kept <= _LONGEST:
            raise ValueError("longest_kept must be at least a minute and at most a day.")
