"""The authorization server, the API that it protects, sign-in, admin, and the demo clients."""

from importlib.util import find_spec

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.templatetags.static import static
from django.urls import include, path
from django.utils.module_loading import import_string
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from django_oauth_server.resource.django import open_resource
from example.views import APIDocs, SignIn, demo, home, openid_demo, qr_code, tv

agents = [path("mcp", import_string("agents.views.endpoint"), name="mcp")] if find_spec("mcp") else []
"""Where the group `agents` of the dependencies is installed."""
urlpatterns = [
    *agents,
    path("", include("django_oauth_server.urls")),
    path("", home, name="home"),
    path("favicon.ico", RedirectView.as_view(url=static("example/favicon.svg"))),
    path("demo/", demo, name="demo"),
    path("demo/oidc/", openid_demo, name="openid_demo"),
    path("demo/tv/", tv, name="tv"),
    path("demo/tv/qr.svg", qr_code, name="qr_code"),
    path("api/", include("notes.urls")),
    path("api/schema/", open_resource(SpectacularAPIView.as_view()), name="schema"),
    path("api/docs/", open_resource(APIDocs.as_view()), name="docs"),
    path("accounts/login/", SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
