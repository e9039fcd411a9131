"""What the benchmark's web server loads. With SPEED=1: two applications, as docs/operating.md describes under "For speed"."""

import gc
import os

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = pages = get_wsgi_application()

if os.environ.get("SPEED"):
    import machines as lean

    settings.MIDDLEWARE = lean.MIDDLEWARE  # Django reads it once, when an application is made
    machines = WSGIHandler()
    MACHINES = ("/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/userinfo", "/oauth/jwks", "/api", "/open")

    def application(environ, start_response):  # type: ignore[no-untyped-def]
        at = machines if environ["PATH_INFO"].startswith(MACHINES) else pages
        return at(environ, start_response)

    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
