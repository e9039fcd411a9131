"""The tables of django-oauth-toolkit, as its newest version makes them, beside those of the test project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.checks.registry import registry
from django.db import connection
from django.test import override_settings

from tests.adoption.toolkit import Toolkit

_WITHOUT_ADMIN = {"django.contrib.admin": "django.contrib.admin.apps.SimpleAdminConfig"}
"""Or the pages of every other test would have those of the toolkit."""


@pytest.fixture(scope="module")
def _toolkit_installed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    checks = {name: set(one) for name, one in vars(registry).items() if name.endswith("_checks")}
    installed = [_WITHOUT_ADMIN.get(name, name) for name in settings.INSTALLED_APPS]
    with override_settings(INSTALLED_APPS=[*installed, "oauth2_provider"]), django_db_blocker.unblock():
        models = list(apps.get_app_config("oauth2_provider").get_models())
        with connection.schema_editor() as editor:
            for model in models:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in reversed(models):
                editor.delete_model(model)
    vars(registry).update(checks)  # the toolkit's would ask for its tables


@pytest.fixture
def toolkit(_toolkit_installed: None, db: None) -> Toolkit:
    return Toolkit()
