"""The package's own factories."""

from django_oauth_server.testing.factories import (
    AuthorizationFactory,
    ClientFactory,
    TicketFactory,
    TokenFactory,
    UserFactory,
)

__all__ = ["AuthorizationFactory", "ClientFactory", "TicketFactory", "TokenFactory", "UserFactory"]
