"""The URLconf of one tenant: what is open here is protected in the project's, and the other way round."""

from __future__ import annotations

from django.urls import path

from tests.resource.middleware_urls import health, who

urlpatterns = [path("api/health", who), path("api/plain", health)]
