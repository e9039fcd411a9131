"""What proves possession of the key that an access token is bound to (RFC 7800)."""

from typing import Final

BUILT_IN: Final[tuple[str, ...]] = ("django_oauth_server.resource.bindings.dpop.DPoP",)
"""Those that come with the package, by dotted path."""
