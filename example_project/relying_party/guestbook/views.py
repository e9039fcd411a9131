"""Sign in, see what the provider says, sign out: here and there."""

from __future__ import annotations

import logging
import secrets

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from joserfc.errors import JoseError

from guestbook.logout_token import InvalidLogoutToken, read
from guestbook.models import SignIn, end_sessions

logger = logging.getLogger("guestbook")
provider = OAuth().register("provider", **settings.PROVIDER)


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What the provider said of the person, if there is one."""
    return render(request, "guestbook/home.html", {"claims": request.session.get("claims", {})})


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    return provider.authorize_redirect(request, f"{settings.HERE}/callback")


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Authlib has compared the state and the nonce, and verified the ID token."""
    try:
        tokens = provider.authorize_access_token(request)
        said, more = tokens["userinfo"], provider.userinfo(token=tokens)
    except (OAuthError, JoseError) as exc:
        return _refused(request, str(exc))
    if more["sub"] != said["sub"]:  # OpenID Connect Core section 5.3.2
        return _refused(request, "userinfo is another person's")
    # sub is all that a person may be known by: names and addresses change hands.
    person, _ = get_user_model().objects.get_or_create(username=said["sub"])
    login(request, person)
    request.session.update({"claims": dict(more), "id_token": tokens["id_token"]})
    request.session.save()
    SignIn.objects.create(session_id=request.session.session_key, sub=said["sub"], sid=said["sid"])
    return redirect("home")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Out of here at once; the provider asks whether to leave it too (RP-Initiated Logout section 2)."""
    id_token = request.session.get("id_token")
    logout(request)
    return provider.logout_redirect(
        request, f"{settings.HERE}/signed-out", id_token_hint=id_token, state=secrets.token_urlsafe(16)
    )


@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    """Back from the provider, with the state that was sent."""
    try:
        provider.validate_logout_response(request)
    except OAuthError as exc:
        return _refused(request, str(exc))
    return render(request, "guestbook/home.html", {"claims": {}, "left": True})


@csrf_exempt  # the provider's server calls, and proves itself by a signature
@require_POST
def backchannel_logout(request: HttpRequest) -> HttpResponse:
    """The provider says that a session has ended there. Called twice, it ends nothing more."""
    try:
        claims = read(request.POST.get("logout_token", ""), provider)
    except InvalidLogoutToken as exc:
        logger.warning("a logout token was refused: %s", exc)
        return JsonResponse({"error": "invalid_request"}, status=400, headers={"Cache-Control": "no-store"})
    logger.info("sessions ended: %d", end_sessions(sub=claims.get("sub"), sid=claims.get("sid")))
    return HttpResponse(status=200, headers={"Cache-Control": "no-store"})


def _refused(request: HttpRequest, reason: str) -> HttpResponse:
    logger.warning("a sign-in was refused: %s", reason)
    return render(request, "guestbook/home.html", {"claims": {}, "refused": True}, status=400)
