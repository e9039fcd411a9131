"""What other code may listen to. Each is sent after the transaction has been committed."""

from __future__ import annotations

from django.dispatch import Signal

authorization_granted = Signal()
"""A person allowed something. `sender` is the class Authorization; `authorization`."""

authorization_revoked = Signal()
"""An authorization has ended, and all that came from it. `sender` is the class Authorization; `authorization`."""
