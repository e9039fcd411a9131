"""What the tests of clients share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from django_oauth_server.outbound import kept


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Put the clock forward by which what addresses answered is kept. By itself it stands still: seconds count here."""
    passed = 1000.0

    def put_forward(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr(kept, "monotonic", lambda: passed)
    return put_forward
