"""What ends a sign-in session, wherever in the project it happens."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_save, pre_delete
from django.http import HttpRequest

from django_oauth_server.authorization.session import session_id
from django_oauth_server.conf.cookies import session_key
from django_oauth_server.logout.ending import end, end_at_any_rate, end_session
from django_oauth_server.models import Client
from django_oauth_server.protocol.opaque import digest
from django_oauth_server.storage.logout_deliveries import resume_if_moved
from django_oauth_server.storage.participations import of_django_session, of_person, of_session
from django_oauth_server.storage.people import was_shut_out


def note_users() -> None:
    """Notice, from now on, users who are disabled, deleted or given another password: Django ends their sessions."""
    post_save.connect(_user_saved, sender=get_user_model(), dispatch_uid="oauth_server.logout.user_saved")
    pre_delete.connect(_user_deleted, sender=get_user_model(), dispatch_uid="oauth_server.logout.user_deleted")


def _signed_out(sender: object, request: HttpRequest | None, user: AbstractBaseUser | None = None, **_: object) -> None:
    """Runs before Django empties the session, which still says which it is; and is committed before, so that no crash leaves an app untold.

    It never raises: Django would leave the person signed in.
    """
    if request is not None and hasattr(request, "session") and (sid := session_id(request)):
        end_at_any_rate(partial(end_session, user, sid) if user else lambda: end(of_session(sid)))


def _signed_in(sender: object, request: HttpRequest | None, **_: object) -> None:
    """Another person signed in over the session: Django has emptied it, and it has no key yet, but the browser came with the former one."""
    if request is None or not hasattr(request, "session") or request.session.session_key is not None:
        return
    if former := session_key(request.COOKIES):
        end_at_any_rate(lambda: end(of_django_session(digest(former))))


def _user_saved(
    instance: AbstractBaseUser,
    created: bool,
    raw: bool = False,
    update_fields: Collection[str] | None = None,
    **_: object,
) -> None:
    if was_shut_out(instance, created=created, raw=raw, update_fields=update_fields):
        end(of_person(instance))


def _user_deleted(instance: AbstractBaseUser, **_: object) -> None:
    end(of_person(instance))


def _client_saved(instance: Client, created: bool, raw: bool = False, **_: object) -> None:
    if not created and not raw:
        resume_if_moved(instance)


user_logged_out.connect(_signed_out, dispatch_uid="oauth_server.logout.signed_out")
user_logged_in.connect(_signed_in, dispatch_uid="oauth_server.logout.signed_in")
post_save.connect(_client_saved, sender=Client, dispatch_uid="oauth_server.logout.client_saved")
