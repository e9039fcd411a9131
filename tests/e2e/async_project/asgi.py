"""The project in an event loop in which a call that blocks raises."""

from blockbuster import BlockBuster
from django.core.asgi import get_asgi_application

application = get_asgi_application()
BlockBuster().activate()
