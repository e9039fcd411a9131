"""Who may exchange tokens for what (RFC 8693) where races are run: two services, each of which calls the other."""

from __future__ import annotations

from django_oauth_server.conf import Exchange

NOTES, MAIL = "https://api.example/notes", "https://api.example/mail"
RULES = (
    Exchange(client="notes-service", resources=(MAIL,), scopes=("notes:read",)),
    Exchange(client="mail-service", resources=(NOTES,), scopes=("notes:read",)),
)
