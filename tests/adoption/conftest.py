"""The tables of other authorization servers, as their newest versions make them, beside those of the test project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks.registry import registry
from django.db import connection
from django.test import override_settings

from tests.adoption.allauth import Allauth
from tests.adoption.toolkit import Toolkit

_WITHOUT_ADMIN = {"django.contrib.admin": "django.contrib.admin.apps.SimpleAdminConfig"}
"""Or the pages of every other test would have those of the other server."""


@contextmanager
def _installed(*names: str, label: str, middleware: tuple[str, ...] = ()) -> Iterator[None]:
    """A project that has the apps *names*, with the tables of the one that is called *label*."""
    installed = [_WITHOUT_ADMIN.get(name, name) for name in settings.INSTALLED_APPS]
    checks = {name: set(one) for name, one in vars(registry).items() if name.endswith("_checks")}
    with (
        override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, *middleware]),
        override_settings(INSTALLED_APPS=[*installed, *names]),
    ):
        models = list(apps.get_app_config(label).get_models())
        with connection.schema_editor() as editor:
            for model in models:
                editor.create_model(model)
        yield
        with connection.constraint_checks_disabled(), connection.schema_editor() as editor:  # two refer to each other
            for model in reversed(models):
                editor.delete_model(model)
    vars(registry).update(checks)  # those of the other server would ask for its tables


@pytest.fixture(scope="module")
def _toolkit_installed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), _installed("oauth2_provider", label="oauth2_provider"):
        yield


@pytest.fixture
def toolkit(_toolkit_installed: None, db: None) -> Toolkit:
    return Toolkit()


@pytest.fixture(scope="module")
def _allauth_installed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    names = ("allauth", "allauth.account", "allauth.idp.oidc")
    middleware = ("allauth.account.middleware.AccountMiddleware",)
    with django_db_blocker.unblock(), _installed(*names, label="allauth_idp_oidc", middleware=middleware):
        yield


@pytest.fixture
def allauth(_allauth_installed: None, db: None) -> Allauth:
    return Allauth()
