"""A token's scopes beside what Django and django-guardian say that the person may do: all must allow it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]

ALLOWED, FORBIDDEN, TOLD_THE_SCOPE = [200, False], [403, False], [403, True]


@pytest.fixture(scope="module")
def answers() -> dict[str, list[object]]:
    command = [sys.executable, "-m", "tests.e2e.guardian_walk"]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=PATIENCE).stdout)


@pytest.mark.parametrize(
    "case, expected",
    [
        ("objects allowed mine", ALLOWED),
        ("objects allowed other", FORBIDDEN),
        ("objects narrow mine", TOLD_THE_SCOPE),
        ("objects stranger mine", FORBIDDEN),
        ("models allowed other", ALLOWED),
        ("models narrow other", TOLD_THE_SCOPE),
        ("models stranger other", FORBIDDEN),
    ],
)
def test_the_token_and_the_person_must_both_be_allowed(answers, case, expected):
    assert answers[case] == expected
