"""What proves possession of the key that an access token is bound to (RFC 7800)."""

from typing import Final

BUILT_IN: Final[tuple[str, ...]] = ()
"""Those that come with the package, by dotted path."""
