"""The MCP endpoint, and its metadata (RFC 9728)."""

from django.urls import include, path

from remote_mcp.views import endpoint

urlpatterns = [path("", include("django_oauth_server.resource.urls")), path("mcp", endpoint)]
