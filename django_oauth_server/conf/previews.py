"""Where preview deployments of apps are."""

from __future__ import annotations

from dataclasses import dataclass

from django_oauth_server.protocol.uris import check_preview_host


@dataclass(frozen=True, kw_only=True)
class PreviewSettings:
    """Redirect URIs of preview deployments, whose host has a label of its own for each."""

    hosts: tuple[str, ...] = ()
    """Hosts with a `*` in their first label, such as `*.preview.example.com`, at which operators may register redirect URIs. Empty: none."""

    def __post_init__(self) -> None:
        for host in self.hosts:
            try:
                check_preview_host(host)
            except ValueError as exc:
                raise ValueError(f"hosts: {host}: {exc}.") from exc
