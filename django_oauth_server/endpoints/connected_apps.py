"""What a person allows, and how they take it back (OAuth 2.1 section 7.9)."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from django_oauth_server.authorization.describe import describe_access, describe_client
from django_oauth_server.authorization.prompts.base import facts_in_words
from django_oauth_server.clients.presentation import called
from django_oauth_server.component import Component, Endpoint
from django_oauth_server.endpoints.http import patient, query_parameters
from django_oauth_server.endpoints.pages import render_page
from django_oauth_server.errors import OAuthError
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Authorization, Client
from django_oauth_server.storage.authorizations import find_authorization, live_authorizations, revoke_authorizations

_HERE = "django_oauth_server.endpoints.connected_apps."
_LISTED_WITHOUT_SEARCH: Final = 10


class ConnectedApps(Component):
    """The page on which a person sees each authorization, and ends it."""

    name = "connected_apps"
    endpoints = (
        Endpoint("connected_apps", "oauth/connected-apps/", _HERE + "connected_apps", signed_in=True),
        Endpoint("disconnect", "oauth/connected-apps/<uuid:grant_id>/remove", _HERE + "disconnect", signed_in=True),
    )


@patient
@login_required
@require_safe
def connected_apps(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """One row an app, and a field to search them where there are many. One statement beside session and user."""
    person = _person(http)
    apps = [_app(one, person, issuer) for one in live_authorizations(issuer.settings.issuer, person)]
    is_searchable = len(apps) > _LISTED_WITHOUT_SEARCH
    query = _query(http) if is_searchable else ""
    context = {
        "issuer_name": issuer.settings.name,
        "account": http.user.get_username(),
        "messages": messages.get_messages(http),
        "is_searchable": is_searchable,
        "query": query,
        "apps": [app for app in apps if query.casefold() in _searched(app["client"])],
        "connected_apps_url": issuer.url_path("connected_apps"),
    }
    return render_page(http, "oauth_server/connected_apps.html", context)


@patient
@login_required
@csrf_protect
@require_http_methods(["GET", "POST"])
def disconnect(http: HttpRequest, issuer: Issuer, grant_id: UUID) -> HttpResponse:
    """Ask once; then end it, and all that came from it. Whoever asks for what has ended, by a second click as well, is shown what is left."""
    authorization = live_authorizations(issuer.settings.issuer, _person(http)).filter(grant_id=grant_id).first()
    if authorization is None:
        ended = find_authorization(str(grant_id))
        if ended is None or ended.user != http.user:
            raise Http404
        return redirect(issuer.url_path("connected_apps"))
    if http.method == "POST":
        revoke_authorizations([authorization], timezone.now())
        done = _("%(app)s can no longer use your account.") % {"app": called(authorization.client)}
        messages.success(http, done, fail_silently=True)
        return redirect(issuer.url_path("connected_apps"))
    context = {
        "issuer_name": issuer.settings.name,
        "app": _app(authorization, _person(http), issuer),
        "stops": _what_stops(authorization),
        "connected_apps_url": issuer.url_path("connected_apps"),
    }
    return render_page(http, "oauth_server/disconnect.html", context)


def _query(http: HttpRequest) -> str:
    try:
        return query_parameters(http).get("q", "").strip()
    except OAuthError:
        return ""


def _searched(described: dict[str, Any]) -> str:
    claimed = (described["claims"] or {}).get("name", "")
    return f"{described['name']} {claimed}".casefold()


def _person(http: HttpRequest) -> AbstractBaseUser:
    assert isinstance(http.user, AbstractBaseUser)  # `login_required` saw to it
    return http.user


def _app(authorization: Authorization, person: AbstractBaseUser, issuer: Issuer) -> dict[str, Any]:
    return {
        "client": describe_client(authorization.client, issuer),
        "scopes": describe_access(authorization.scopes, authorization.claims, issuer),
        "start_url": _start_url(authorization.client, issuer),
        "facts": facts_in_words(authorization.facts, person, issuer),
        "since": authorization.created_at,
        "last_used": getattr(authorization, "used_at", None),
        "access": "background" if _needs_nobody(authorization) else "present",
        "disconnect_url": issuer.url_path("disconnect", grant_id=authorization.grant_id),
    }


def _needs_nobody(authorization: Authorization) -> bool:
    """Whether the app can go on while the person is away."""
    return authorization.is_vouched_for or "refresh_token" in authorization.client.grant_types


def _what_stops(authorization: Authorization) -> str:
    if authorization.is_vouched_for:
        return _(
            "Anything this app does with your account will stop working. The organization that allowed it can allow it again."
        )
    return _("Anything this app does with your account will stop working. You can allow it again from the app.")


def _start_url(client: Client, issuer: Issuer) -> str:
    """Where a person goes on to the app from here; empty where it told no address."""
    known = issuer.settings.is_openid and client.metadata.get("initiate_login_uri")
    return issuer.url_path("start_sign_in", client_id=client.client_id) if known else ""
