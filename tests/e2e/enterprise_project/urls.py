"""What the example has, and an MCP endpoint that serves clients for themselves as well."""

from agents.server import http_app
from agents.views import SERVER
from django.conf import settings
from django.urls import path
from example.urls import urlpatterns as example
from starlette.applications import Starlette

from django_oauth_server.resource.asgi import asgi_view
from django_oauth_server.resource.mcp import protected_mcp


@protected_mcp("notes:read", audience=settings.SERVICES, tools={"whoami": "notes:read"})
@asgi_view
def services() -> Starlette:
    """The tool that tells whom a token stands for."""
    return http_app(SERVER)


urlpatterns = [path("services", services), *example]
