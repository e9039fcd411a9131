"""The API, and its metadata (RFC 9728)."""

from django.urls import include, path

from weather.views import Forecast, today

urlpatterns = [
    path("", include("django_oauth_server.resource.urls")),
    path("weather/today", today),
    path("weather/forecast/<city>", Forecast.as_view()),
]
