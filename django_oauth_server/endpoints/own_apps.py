"""Where people register and manage apps of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.core.checks import CheckMessage, Error
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from django_oauth_server.authorization.describe import describe_client
from django_oauth_server.clients.kinds import Kind, kind_of
from django_oauth_server.clients.own_apps import kind_of_app, kinds_offered, new_app, scopes_offered, store_app
from django_oauth_server.clients.registration import new_secret, uses_secret
from django_oauth_server.clients.secrets import secret_mark
from django_oauth_server.clients.shown_once import forget, hand_over, handed_over
from django_oauth_server.component import Component, Endpoint
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.apps import AppsSettings
from django_oauth_server.conf.moments import local
from django_oauth_server.endpoints.http import patient, unreported
from django_oauth_server.endpoints.own_app_form import OwnAppForm
from django_oauth_server.endpoints.pages import render_page
from django_oauth_server.issuer import Issuer
from django_oauth_server.models import Client
from django_oauth_server.storage.clients import apps_of, delete_client, people_using

_HERE = "django_oauth_server.endpoints.own_apps."
_APP = "oauth/apps/<int:app>/"
_MOST_COUNTED = 10_000
"""People, on a page that is often looked at."""


class OwnApps(Component):
    """Pages for those who may register apps of their own."""

    name = "own_apps"
    settings_name = "apps"
    settings_group = AppsSettings
    endpoints = (
        Endpoint("own_apps", "oauth/apps/", _HERE + "own_apps", signed_in=True),
        Endpoint("register_app", "oauth/apps/new", _HERE + "register_app", signed_in=True),
        Endpoint("own_app", _APP, _HERE + "own_app", signed_in=True),
        Endpoint("change_app", _APP + "change", _HERE + "change_app", signed_in=True),
        Endpoint("app_secret", _APP + "secret", _HERE + "app_secret", signed_in=True),
        Endpoint("app_secret_shown", _APP + "secret/shown", _HERE + "app_secret_shown", signed_in=True),
        Endpoint("delete_app", _APP + "delete", _HERE + "delete_app", signed_in=True),
    )

    def enabled(self, settings: IssuerSettings) -> bool:
        return settings.group(AppsSettings).enabled

    def checks(self, settings: IssuerSettings) -> Iterable[CheckMessage]:
        apps = settings.group(AppsSettings)
        if unknown := sorted({*apps.scopes} - settings.scopes.keys()):
            yield Error(
                f"apps of {settings.issuer} names scopes that are not offered: {', '.join(unknown)}.",
                hint='Correct "scopes" in "apps", or add them to "scopes" of the issuer.',
                id="oauth_server.E018",
            )
        if apps.permission and not hasattr(get_user_model(), "has_perm"):
            yield Error(
                f"{get_user_model()._meta.label} has no permissions, so nobody could register apps at {settings.issuer}.",
                hint='Derive the user model from PermissionsMixin, or set "permission" in "apps" to "".',
                id="oauth_server.E018",
            )


class NewSecretForm(forms.Form):
    """How a secret is replaced, and which."""

    at_once = forms.BooleanField(required=False)
    replaces = forms.CharField(required=False)


def _for_developers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make a page for those who may register apps."""

    @unreported
    @patient
    @login_required
    @csrf_protect
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def permitted(http: HttpRequest, issuer: Issuer, **kwargs: int) -> HttpResponse:
        permission = issuer.settings.group(AppsSettings).permission
        if not permission or http.user.has_perm(permission):
            return view(http, issuer, **kwargs)
        context = {
            "issuer_name": issuer.settings.name,
            "account": http.user.get_username(),
            "connected_apps_url": issuer.url_path("connected_apps"),
        }
        return render_page(http, "oauth_server/own_apps_refused.html", context, status=403)

    return permitted


@_for_developers
def own_apps(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """One row an app."""
    apps, most = [*apps_of(_person(http), issuer.settings.issuer)], issuer.settings.group(AppsSettings).most
    context = {
        "apps": [_described(app, issuer) for app in apps],
        "messages": messages.get_messages(http),
        "register_url": issuer.url_path("register_app") if len(apps) < most else "",
        "count": ngettext("You have %(n)d of at most %(most)d app.", "You have %(n)d of at most %(most)d apps.", most)
        % {"n": len(apps), "most": most},
    }
    return _page(http, issuer, "own_apps", context)


@_for_developers
def register_app(http: HttpRequest, issuer: Issuer) -> HttpResponse:
    """What is it? Then what it is called, and where it is."""
    person, most = _person(http), issuer.settings.group(AppsSettings).most
    if apps_of(person, issuer.settings.issuer).count() >= most:
        return _no_more(http, issuer, most)
    kinds = kinds_offered(issuer)
    kind = next((one for one in kinds if one.name == http.GET.get("kind")), None)
    if kind is None:
        here = issuer.url_path("register_app")
        return _page(
            http, issuer, "own_app_kinds", {"kinds": [{"kind": one, "url": f"{here}?kind={one.name}"} for one in kinds]}
        )
    app = new_app(person, issuer)
    form = OwnAppForm(app, kind, issuer, http.POST if http.method == "POST" else None)
    if not form.is_valid():
        return _form_page(http, issuer, form, kind, issuer.url_path("register_app"))
    secret = store_app(app, form.metadata, issuer)
    # Of forms that are sent at once, the last to be stored sees all others.
    if apps_of(person, issuer.settings.issuer).count() > most:
        delete_client(app, timezone.now())
        return _no_more(http, issuer, most)
    messages.success(http, _("The app has been registered."), fail_silently=True)
    return _show_once(http, issuer, app, secret) if secret else redirect(issuer.url_path("own_app", app=app.pk))


@_for_developers
def own_app(http: HttpRequest, issuer: Issuer, app: int) -> HttpResponse:
    """What its developer needs, and who uses it."""
    found = _own(http, issuer, app)
    offered = scopes_offered(found, issuer)
    context = {
        "app": _described(found, issuer),
        "messages": messages.get_messages(http),
        "issuer_url": str(issuer),
        "metadata_url": issuer.url("openid_configuration" if issuer.settings.is_openid else "metadata"),
        "secret": _secret(found, issuer),
        "redirect_uris": found.redirect_uris,
        "scopes": [{"name": name, "words": words} for name, words in offered.items() if name in found.scopes],
        "people": _people(found),
        "registered": found.created_at,
        "change_url": _url(issuer, "change_app", found) if _may_change(found, issuer) else "",
        "secret_url": _url(issuer, "app_secret", found) if found.is_active and uses_secret(found, issuer) else "",
        "delete_url": _url(issuer, "delete_app", found) if _may_delete(found) else "",
    }
    return _page(http, issuer, "own_app", context)


@_for_developers
def change_app(http: HttpRequest, issuer: Issuer, app: int) -> HttpResponse:
    """What was asked when it was registered may be said anew."""
    found = _own(http, issuer, app)
    kind = kind_of_app(found, issuer)
    if kind is None or not found.is_active:
        return _back(
            http, issuer, _("This app can only be changed by an administrator of this site."), messages.WARNING
        )
    form = OwnAppForm(found, kind, issuer, http.POST if http.method == "POST" else None)
    if not form.is_valid():
        return _form_page(http, issuer, form, kind, _url(issuer, "own_app", found))
    secret = store_app(found, form.metadata, issuer)
    messages.success(http, _("The app has been changed."), fail_silently=True)
    return _show_once(http, issuer, found, secret) if secret else redirect(_url(issuer, "own_app", found))


@_for_developers
def app_secret(http: HttpRequest, issuer: Issuer, app: int) -> HttpResponse:
    """Ask once whether the old one goes at once. Whoever sends the form twice has replaced it before."""
    found = _own(http, issuer, app)
    if not found.is_active or not uses_secret(found, issuer):
        raise Http404
    if http.method == "POST":
        asked = NewSecretForm(http.POST)
        if not asked.is_valid() or asked.cleaned_data["replaces"] != secret_mark(found):
            said = _("This secret has already been replaced. No new secret was generated.")
            messages.warning(http, said, fail_silently=True)
            return redirect(_url(issuer, "own_app", found))
        secret = new_secret(found, issuer, timezone.now(), at_once=asked.cleaned_data["at_once"])
        return _show_once(http, issuer, found, secret)
    until = timezone.now() + issuer.settings.client_secret_overlap
    context = {
        "app": _described(found, issuer),
        "until": date_format(local(until), "DATETIME_FORMAT"),
        "replaces": secret_mark(found),
        "back_url": _url(issuer, "own_app", found),
    }
    return _page(http, issuer, "own_app_secret", context)


@_for_developers
def app_secret_shown(http: HttpRequest, issuer: Issuer, app: int) -> HttpResponse:
    """The only page that ever holds the secret. It is gone from the browser then."""
    found = _own(http, issuer, app)
    known = handed_over(http, found, issuer.settings)
    if known is None:
        said = _("This secret has already been shown. It cannot be shown again.")
        messages.warning(http, said, fail_silently=True)
        response: HttpResponse = redirect(_url(issuer, "own_app", found))
    else:
        context = {
            "app": _described(found, issuer),
            "secret": known["secret"],
            "back_url": _url(issuer, "own_app", found),
        }
        response = _page(http, issuer, "own_app_secret_shown", context, script=True)
    forget(response, http)
    return response


@_for_developers
def delete_app(http: HttpRequest, issuer: Issuer, app: int) -> HttpResponse:
    """Ask once; then it is gone, with all that people allowed it."""
    found = _own(http, issuer, app)
    if not _may_delete(found):
        raise Http404
    if http.method == "POST":
        name = found.name
        delete_client(found, timezone.now())
        return _back(http, issuer, _("%(app)s has been deleted.") % {"app": name}, messages.SUCCESS)
    people = people_using([found])
    ends = ngettext(
        "%(n)s person will be signed out of this app.", "%(n)s people will be signed out of this app.", people
    )
    context = {
        "app": _described(found, issuer),
        "ends": ends % {"n": number_format(people, force_grouping=True)} if people else "",
        "back_url": _url(issuer, "own_app", found),
    }
    return _page(http, issuer, "own_app_delete", context)


def _person(http: HttpRequest) -> AbstractBaseUser:
    assert isinstance(http.user, AbstractBaseUser)  # `login_required` saw to it
    return http.user


def _own(http: HttpRequest, issuer: Issuer, app: int) -> Client:
    """The app, where it is this person's. Raises Http404."""
    found = apps_of(_person(http), issuer.settings.issuer).filter(pk=app).first()
    if found is None:
        raise Http404
    return found


def _may_change(app: Client, issuer: Issuer) -> bool:
    return app.is_active and kind_of_app(app, issuer) is not None


def _may_delete(app: Client) -> bool:
    """What an operator registered is the operator's to end: other people's work may depend on it."""
    return app.is_active and app.registered_by == Client.RegisteredBy.PERSON


def _described(app: Client, issuer: Issuer) -> dict[str, object]:
    kind = kind_of(app, issuer)
    return {
        "client": describe_client(app, issuer),
        "client_id": app.client_id,
        "kind": kind.label if kind else "",
        "is_active": app.is_active,
        "url": _url(issuer, "own_app", app),
    }


def _secret(app: Client, issuer: Issuer) -> str:
    if not uses_secret(app, issuer):
        return _("None. This app can't keep a secret.")
    until = app.previous_secret_expires_at
    if app.previous_secret_digest and until and until > timezone.now():
        return _("Set. The previous one works until %(time)s") % {"time": date_format(local(until), "DATETIME_FORMAT")}
    return _("Set. It cannot be shown again.")


def _people(app: Client) -> str:
    people = people_using([app], _MOST_COUNTED)
    if not people:
        return _("Nobody yet")
    if people == _MOST_COUNTED:
        return _("%(n)s people or more") % {"n": number_format(people, force_grouping=True)}
    return ngettext("%(n)s person", "%(n)s people", people) % {"n": number_format(people, force_grouping=True)}


def _form_page(http: HttpRequest, issuer: Issuer, form: OwnAppForm, kind: Kind, back_url: str) -> HttpResponse:
    return _page(http, issuer, "own_app_form", {"form": form, "kind": kind, "app": form.app, "back_url": back_url})


def _show_once(http: HttpRequest, issuer: Issuer, app: Client, secret: str) -> HttpResponse:
    at = _url(issuer, "app_secret_shown", app)
    response = HttpResponseRedirect(at)
    hand_over(response, http, at, app, {"secret": secret}, issuer.settings)
    return response


def _back(http: HttpRequest, issuer: Issuer, said: str, level: int) -> HttpResponse:
    messages.add_message(http, level, said, fail_silently=True)
    return redirect(issuer.url_path("own_apps"))


def _no_more(http: HttpRequest, issuer: Issuer, most: int) -> HttpResponse:
    said = ngettext(
        "You already have %(n)d app. Delete it first.", "You already have %(n)d apps. Delete one first.", most
    )
    return _back(http, issuer, said % {"n": most}, messages.WARNING)


def _url(issuer: Issuer, name: str, app: Client) -> str:
    return issuer.url_path(name, app=app.pk)


def _page(
    http: HttpRequest, issuer: Issuer, name: str, context: dict[str, Any], *, script: bool = False
) -> HttpResponse:
    said = {"issuer_name": issuer.settings.name, "own_apps_url": issuer.url_path("own_apps"), **context}
    return render_page(http, f"oauth_server/{name}.html", said, script=script)
