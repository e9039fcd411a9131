"""The test project's URLs: the authorization server at the root, and views to protect."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
]
