"""For uvicorn and its like: `uvicorn --app-dir example_project remote_mcp.asgi:application --port 8002`."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "remote_mcp.settings")
application = get_asgi_application()
