"""What these tests share."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tests.device.walk import Device, television


@pytest.fixture
def device(browser: Browser) -> Device:
    """A device of a public client, and a person who is signed in at a browser."""
    return Device(television(), browser)


@pytest.fixture
def confidential(browser: Browser) -> Any:
    return Device(television(public=False), browser)
