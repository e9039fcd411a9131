"""What this server says of a person to apps that may know: `OAUTH_SERVER["claims"]` names it."""

from __future__ import annotations

from collections.abc import Collection

from django_oauth_server.tokens.claims import UserClaims
from people.models import Profile


class PersonClaims(UserClaims):
    """Django's user model knows the names and the address; the profile has the rest, and comes first."""

    def claims(self, names: Collection[str]) -> dict[str, object]:
        """One statement, and none where nothing is asked for."""
        profile = Profile.objects.filter(user=self.user).first() if names else None
        told = profile.claims() if profile else {}
        return super().claims(names) | {name: value for name, value in told.items() if name in names}
