"""The authorization server, and a view to protect."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_oauth_server.resource.django import protected_resource


@protected_resource("notes:read")
def whoami(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"subject": request.auth.subject, "user": str(request.user)})


urlpatterns = [path("", include("django_oauth_server.urls")), path("api/whoami", whoami)]
