"""The project in an event loop in which a call that blocks raises."""

from blockbuster import BlockBuster
from django.core.asgi import get_asgi_application
from django.urls import get_resolver

application = get_asgi_application()
get_resolver().url_patterns  # noqa: B018 - Django imports them when the first request comes: once, and it blocks
BlockBuster().activate()
