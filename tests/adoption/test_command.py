"""`manage.py adopt`, without a source."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.adoption.toolkit import adopt


def test_an_unknown_source_is_refused(db: None):
    with pytest.raises(CommandError, match="no source nowhere"):
        call_command("adopt", "nowhere", stdout=StringIO())


def test_a_source_that_is_not_installed_is_refused(db: None):
    with pytest.raises(CommandError, match="INSTALLED_APPS"):
        adopt()
