"""The life of a key: published, signing, retired, removed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_oauth_server.conf import Resource
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.rotation import KeysAreFiles, rotate, rotate_all, withdraw
from django_oauth_server.keys.signing import jwks, signing_key, verify
from django_oauth_server.models import Client, SigningKey
from django_oauth_server.protocol.jose import InvalidJWT, sign
from django_oauth_server.storage.lifetimes import longest_token_lifetime
from tests.keys.conftest import Clock, Process

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
pytestmark = pytest.mark.django_db


def kids(issuer: Issuer) -> set[object]:
    return {jwk["kid"] for jwk in jwks(issuer)["keys"]}


def token_of(issuer: Issuer) -> str:
    return sign({"sub": "somebody"}, signing_key(issuer), typ="at+jwt")


def test_the_next_key_is_known_to_every_process_before_it_signs(process: Process, clock: Clock) -> None:
    busy, idle = process(), process()
    old = signing_key(busy).kid
    assert signing_key(idle).kid == old

    new = rotate(process(), now=clock.now).key.kid

    clock.advance(MINUTE)
    assert kids(busy) == kids(idle) == {old, new}
    clock.advance(59 * MINUTE - SECOND)
    assert signing_key(busy).kid == signing_key(idle).kid == old
    clock.advance(SECOND)
    assert signing_key(busy).kid == signing_key(idle).kid == new


def test_the_old_key_verifies_until_its_last_token_is_dead_and_is_then_removed(process: Process, clock: Clock) -> None:
    issuer = process()
    signing_key(issuer)
    rotate(issuer, now=clock.now)
    clock.advance(HOUR - SECOND)
    last_token = token_of(issuer)
    old = signing_key(issuer).kid

    clock.advance(issuer.settings.access_token_lifetime)
    assert verify(process(), last_token, typ="at+jwt")

    clock.advance(3 * MINUTE)
    assert old not in kids(process())
    with pytest.raises(InvalidJWT):
        verify(process(), last_token, typ="at+jwt")

    assert [key.kid for key in rotate(issuer, now=clock.now).removed] == [old]
    assert not SigningKey.objects.filter(kid=old).exists()


def test_it_outlives_the_longest_token_of_any_client_and_resource(process: Process, clock: Clock) -> None:
    issuer = process(resources={"https://api.example": Resource("API", access_token_lifetime=2 * HOUR)})
    assert longest_token_lifetime(issuer.settings) == 2 * HOUR

    Client.objects.create(issuer=issuer.settings.issuer, client_id="long", access_token_lifetime=5 * HOUR)
    Client.objects.create(issuer="https://other.example", client_id="longer", access_token_lifetime=9 * HOUR)
    assert longest_token_lifetime(issuer.settings) == 5 * HOUR

    signing_key(issuer)
    (retired,) = rotate(issuer, now=clock.now).retired
    assert retired.expires_at is not None
    assert 6 * HOUR < retired.expires_at - clock.now < 6 * HOUR + 5 * MINUTE


def test_a_new_key_can_sign_at_once_and_the_old_stays_published(process: Process, clock: Clock) -> None:
    issuer, other = process(), process()
    old = token_of(issuer)
    verify(other, old, typ="at+jwt")

    rotation = rotate(issuer, now=clock.now, at_once=True)

    assert (rotation.outcome, signing_key(issuer).kid) == ("signs", rotation.key.kid)
    assert verify(other, token_of(issuer), typ="at+jwt") == verify(other, old, typ="at+jwt")
    late = token_of(other)
    clock.advance(issuer.settings.access_token_lifetime + MINUTE)
    assert verify(issuer, late, typ="at+jwt"), "a process that had not noticed yet signed it with the old key"
    assert signing_key(other).kid == rotation.key.kid


def test_a_second_call_makes_no_second_key_while_one_waits(process: Process, clock: Clock) -> None:
    issuer = process()
    signing_key(issuer)
    waiting = rotate(issuer, now=clock.now)
    clock.advance(59 * MINUTE)

    again = rotate(issuer, now=clock.now)

    assert (waiting.outcome, again.outcome) == ("published", "waiting")
    assert again.key.kid == waiting.key.kid
    assert SigningKey.objects.count() == 2


def test_the_waiting_key_is_promoted_at_once_when_asked(process: Process, clock: Clock) -> None:
    issuer = process()
    old = token_of(issuer)
    waiting = rotate(issuer, now=clock.now).key.kid
    clock.advance(MINUTE)

    rotation = rotate(issuer, now=clock.now, at_once=True)

    assert (rotation.outcome, rotation.key.kid) == ("promoted", waiting)
    assert signing_key(issuer).kid == signing_key(process()).kid == waiting
    assert verify(process(), old, typ="at+jwt")
    assert SigningKey.objects.count() == 2


def test_the_first_key_has_nothing_to_wait_for(process: Process, clock: Clock) -> None:
    rotation = rotate(process(), now=clock.now)

    assert rotation.outcome == "signs"
    assert signing_key(process()).kid == rotation.key.kid


def test_each_algorithm_has_its_own_line(process: Process, clock: Clock) -> None:
    issuer = process(signing_algs=("RS256",))
    kept, old = signing_key(issuer).kid, signing_key(issuer, "RS256").kid

    rotation = rotate(issuer, now=clock.now, at_once=True, alg="RS256")

    assert (rotation.key.alg, [key.kid for key in rotation.retired]) == ("RS256", [old])
    assert signing_key(issuer).kid == kept
    assert signing_key(issuer, "RS256").kid == rotation.key.kid


def test_all_lines_are_rotated_together(process: Process, clock: Clock) -> None:
    issuer = process(signing_algs=("RS256",))
    first = rotate_all(issuer, now=clock.now)
    assert [(one.key.alg, one.outcome, one.retired) for one in first] == [
        ("RS256", "signs", ()),
        ("ES256", "signs", ()),
    ]

    for outcome, at_once in [("published", False), ("waiting", False), ("promoted", True), ("signs", True)]:
        rotations = rotate_all(issuer, now=clock.now, at_once=at_once)
        assert [one.outcome for one in rotations] == [outcome, outcome]
        clock.advance(SECOND)
    assert [signing_key(issuer, one.key.alg).kid for one in rotations] == [one.key.kid for one in rotations]


def test_two_rotations_at_once_never_retire_the_key_that_signs_last(
    process: Process, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = process()
    signing_key(issuer)
    seen = [*SigningKey.objects.all()]  # neither has seen the other's
    monkeypatch.setattr("django_oauth_server.keys.rotation.signing_keys", lambda _: seen)
    first, second = (rotate(issuer, now=clock.now, at_once=True) for _ in range(2))
    monkeypatch.undo()

    ends = dict(SigningKey.objects.values_list("kid", "expires_at"))
    assert ends[first.key.kid] is not None
    assert ends[second.key.kid] is None


def test_rotating_for_years_leaves_a_handful_of_keys(process: Process, clock: Clock) -> None:
    issuer = process()
    for _ in range(30):
        rotate(issuer, now=clock.now)
        clock.advance(timedelta(days=30))
        assert verify(issuer, token_of(issuer), typ="at+jwt")

    assert SigningKey.objects.count() <= 2


def test_keys_that_are_files_are_not_rotated_here(process: Process, clock: Clock) -> None:
    with pytest.raises(KeysAreFiles):
        rotate(process(signing_key_files=("key.pem",)), now=clock.now)
    assert not SigningKey.objects.exists()


def row(kid: str) -> SigningKey:
    return SigningKey.objects.get(kid=kid)


def test_where_the_key_that_signs_is_withdrawn_the_waiting_one_takes_over(process: Process, clock: Clock) -> None:
    issuer = process()
    old = signing_key(issuer).kid
    signed = token_of(issuer)
    waiting = rotate(issuer, now=clock.now).key.kid

    successor = withdraw(row(old), issuer, now=clock.now)

    assert successor is not None and successor.kid == waiting
    assert kids(process()) == {waiting}
    assert signing_key(process()).kid == waiting
    with pytest.raises(InvalidJWT):
        verify(process(), signed, typ="at+jwt")


def test_where_no_key_waits_a_new_one_takes_over(process: Process, clock: Clock) -> None:
    issuer = process()
    old = signing_key(issuer).kid

    successor = withdraw(row(old), issuer, now=clock.now)

    assert successor is not None and successor.kid != old
    assert kids(process()) == {successor.kid}
    assert signing_key(process()).kid == successor.kid


def test_where_the_waiting_key_is_withdrawn_the_one_that_signs_goes_on(process: Process, clock: Clock) -> None:
    issuer = process()
    old = signing_key(issuer).kid
    waiting = rotate(issuer, now=clock.now).key.kid

    assert withdraw(row(waiting), issuer, now=clock.now) is None

    clock.advance(timedelta(days=30))
    assert kids(process()) == {old}
    assert signing_key(process()).kid == old


def test_a_retired_key_that_is_withdrawn_leaves_the_others_as_they_are(process: Process, clock: Clock) -> None:
    issuer = process()
    old = signing_key(issuer).kid
    new = rotate(issuer, now=clock.now, at_once=True).key.kid
    clock.advance(MINUTE)

    assert withdraw(row(old), issuer, now=clock.now) is None

    assert kids(process()) == {new}
    assert row(new).expires_at is None


def test_keys_that_are_files_are_not_withdrawn_here(process: Process, clock: Clock) -> None:
    signing_key(process())
    with pytest.raises(KeysAreFiles):
        withdraw(SigningKey.objects.all()[0], process(signing_key_files=("key.pem",)), now=clock.now)
