"""A page that says who is signed in, beside the library's URLs."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import include, path


def who(http: HttpRequest) -> JsonResponse:
    if not http.user.is_authenticated:
        return JsonResponse({})
    names = ("email", "first_name", "last_name")
    return JsonResponse({name: getattr(http.user, name) for name in names})


def end_session_url(http: HttpRequest) -> str:
    """RP-Initiated Logout 1.0 section 2."""
    parameters = {
        "id_token_hint": http.session["oidc_id_token"],
        "post_logout_redirect_uri": http.build_absolute_uri("/"),
        "state": "signed-out",
    }
    return f"{settings.PROVIDER['end_session_endpoint']}?{urlencode(parameters)}"


urlpatterns = [path("", who), path("sign-in/", include(settings.SIGN_IN_URLS))]
