"""An administrator's browser."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser

from tests.factories import UserFactory


@pytest.fixture
def admin(db: None) -> Browser:
    browser = Browser()
    browser.force_login(UserFactory(username="root", is_staff=True, is_superuser=True))
    return browser


@pytest.fixture
def staff(db: None) -> Any:
    """Makes the browser of somebody who holds only the permissions named."""

    def sign_in(*codenames: str) -> Browser:
        person = UserFactory(is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        browser = Browser()
        browser.force_login(person)
        return browser

    return sign_in
