"""The user that a view finds on the request."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.apps import apps
from django.http import HttpRequest
from django.utils.module_loading import import_string

from django_oauth_server.resource.token import VerifiedToken


def attach(request: HttpRequest, token: VerifiedToken) -> None:
    """Put *token* and its user on *request*; neither `user` nor `auser` may still name whom a cookie named."""
    user = token.user if token.user is not None else nobody()

    async def auser() -> object:
        await sync_to_async(bool)(user)  # a verifier may fetch the user when it is first looked at: not in the loop
        return user

    request.auth, request.user, request.auser = token, user, auser  # type: ignore[attr-defined,assignment]


def nobody() -> Any:
    """The user of a token that names none; None in a project without users."""
    return (
        import_string("django.contrib.auth.models.AnonymousUser")()
        if apps.is_installed("django.contrib.auth")
        else None
    )
