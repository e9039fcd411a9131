"""`manage.py rotatekeys` says what it did."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import SigningKey
from django_oauth_server.registry import default_issuer
from tests.keys.conftest import Clock

pytestmark = pytest.mark.django_db


def rotatekeys(*args: str) -> list[str]:
    out = StringIO()
    call_command("rotatekeys", *args, stdout=out)
    issuer, *lines = out.getvalue().splitlines()
    assert issuer == "Signing keys of https://as.example:"
    return lines


def test_a_rotation_from_beginning_to_end(clock: Clock) -> None:
    old = signing_key(default_issuer()).kid

    published, retired = rotatekeys("--alg", "ES256")
    new = SigningKey.objects.filter(alg="ES256").exclude(kid=old).get().kid
    assert published == f"Key {new} (ES256) is published. It starts signing at 2030-01-01 02:00:00+00:00."
    assert retired == f"Key {old} stays published until 2030-01-01 03:02:00+00:00."

    waiting, _ = rotatekeys("--alg", "ES256")
    assert waiting.startswith(
        f"Key {new} (ES256) is already published. It starts signing at 2030-01-01 02:00:00+00:00."
    )

    promoted, _ = rotatekeys("--alg", "ES256", "--now")
    assert promoted == f"Key {new} (ES256) was already published and is now used for signing."

    clock.advance(timedelta(days=1))
    assert rotatekeys("--alg", "ES256")[-1] == f"Key {old} had expired and was removed."


def test_without_an_algorithm_each_that_is_offered_is_rotated(clock: Clock) -> None:
    first = [line.partition(") ")[0].split("(")[1] for line in rotatekeys()]
    assert first == ["RS256", "ES256"]
    assert [line.partition("published ")[2] for line in rotatekeys("--now")] == [
        "and now used for signing.",
        "until 2030-01-01 01:02:00+00:00.",
    ] * 2


def test_an_algorithm_can_be_chosen(clock: Clock) -> None:
    signing_key(default_issuer())
    sentence, *_ = rotatekeys("--alg", "RS256", "--now")

    assert sentence.endswith("(RS256) is published and now used for signing.")


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_no_other_algorithm_is_taken(alg: str) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        rotatekeys("--alg", alg)


def test_an_issuer_is_named_by_its_identifier() -> None:
    assert rotatekeys("--issuer", "https://as.example")
    with pytest.raises(CommandError, match=r"no issuer https://nowhere\.example"):
        rotatekeys("--issuer", "https://nowhere.example")


@override_settings(OAUTH_SERVER={"issuer": "https://as.example", "signing_key_files": ["key.pem"]})
def test_keys_that_are_files_are_left_to_their_owner() -> None:
    with pytest.raises(CommandError, match="come from files"):
        rotatekeys()


def test_a_key_that_is_not_there_is_not_replaced() -> None:
    with pytest.raises(CommandError, match=r"^https://as\.example has no signing key to replace\.$"):
        rotatekeys("--now")
    assert not SigningKey.objects.exists()


def test_whoever_means_another_issuer_is_told_which_has_keys(settings: Any) -> None:
    signing_key(default_issuer())
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"issuer": "http://127.0.0.1:8000"}
    with pytest.raises(CommandError, match=r"This database has keys of https://as\.example\."):
        rotatekeys("--now")
    assert {key.issuer for key in SigningKey.objects.all()} == {"https://as.example"}
