"""The authorization server, the API that it protects, sign-in, admin, and the demo client."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from example.views import demo, home

urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("", home, name="home"),
    path("demo/", demo, name="demo"),
    path("api/", include("notes.urls")),
    path("accounts/login/", LoginView.as_view(extra_context={"issuer_name": settings.SITE_NAME}), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
]
