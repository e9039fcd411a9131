"""The authorization server, the API that it protects, sign-in, admin, and the demo client."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from django_oauth_server.resource.django import open_resource
from example.views import APIDocs, demo, home

urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("", home, name="home"),
    path("demo/", demo, name="demo"),
    path("api/", include("notes.urls")),
    path("api/schema/", open_resource(SpectacularAPIView.as_view()), name="schema"),
    path("api/docs/", open_resource(APIDocs.as_view()), name="docs"),
    path("accounts/login/", LoginView.as_view(extra_context={"issuer_name": settings.SITE_NAME}), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
