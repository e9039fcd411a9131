"""The scopes of OpenID Connect. Asks no settings, so that a settings.py may import it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from django.utils.translation import gettext_lazy

from django_oauth_server.conf.settings import Scope

_ = cast("Callable[[str], str]", gettext_lazy)

OFFLINE_ACCESS: Final = "offline_access"
"""With it a client stays connected when the person signs out (OpenID Connect Core section 11)."""
OPENID_SCOPES: Final[Mapping[str, Scope]] = {
    "openid": Scope(_("know that it is you")),
    "profile": Scope(_("see your name, picture and other details of your profile")),
    "email": Scope(_("see your email address")),
    "address": Scope(_("see your postal address")),
    "phone": Scope(_("see your phone number")),
    OFFLINE_ACCESS: Scope(_("stay connected while you are away")),
}
"""Those of OpenID Connect Core sections 3.1.2.1, 5.4 and 11, in words: `"scopes": {**OPENID_SCOPES, "notes:read": "see your notes"}`."""
