"""Each algorithm has its own line of keys: those who keep the key set never meet a key that they do not know."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from threading import Barrier, Event, Thread

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.utils import timezone

from django_oauth_server.conf.loader import load
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.issuer import Issuer
from django_oauth_server.keys.rotation import rotate, rotate_all
from django_oauth_server.keys.signing import jwks, offered_algorithms, signing_key, verify
from django_oauth_server.models import SigningKey
from django_oauth_server.protocol.jose import ALGORITHMS, InvalidJWT, KeySet, SigningKeyPair, sign
from django_oauth_server.protocol.jose import verify as verify_with
from tests.keys.conftest import Clock, Process

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DEFAULTS = {"signing_algs": ("RS256", "ES256"), "key_publication_lead": timedelta(hours=2)}
pytestmark = pytest.mark.django_db


def kids(issuer: Issuer) -> list[object]:
    return sorted(str(jwk["kid"]) for jwk in jwks(issuer)["keys"])


def token_of(issuer: Issuer, alg: str | None = None) -> str:
    return sign({"sub": "somebody"}, signing_key(issuer, alg), typ="JWT")


class RelyingParty:
    """Keeps the key set for an hour, whatever happens, as many do."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.read_at, self.keys = clock, clock.now - 2 * HOUR, KeySet({})

    def accepts(self, token: str, issuer: Issuer) -> bool:
        if self.clock.now - self.read_at >= HOUR:
            self.read_at, self.keys = self.clock.now, KeySet.parse(jwks(issuer))
        try:
            return bool(verify_with(token, self.keys, typ="JWT"))
        except InvalidJWT:
            return False


def test_these_are_the_defaults() -> None:
    (settings,) = load()
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS


class TestFirstKeys:
    @pytest.mark.parametrize("first_used", [None, "RS256", "ES256"])
    def test_those_of_all_lines_are_made_with_the_first_that_is_used(
        self, process: Process, clock: Clock, first_used: str | None
    ) -> None:
        signing_key(process(**DEFAULTS), first_used)

        assert sorted(SigningKey.objects.values_list("alg", flat=True)) == ["ES256", "RS256"]
        assert {signing_key(process(**DEFAULTS), alg).alg for alg in ("RS256", "ES256")} == {"RS256", "ES256"}

    def test_they_are_made_in_one_statement(self, process: Process, django_assert_num_queries: object) -> None:
        with django_assert_num_queries(4):  # type: ignore[operator]  # looked for twice, made, read
            jwks(process(**DEFAULTS))

    def test_who_asks_for_the_key_set_first_knows_all_that_is_signed_after(
        self, process: Process, clock: Clock
    ) -> None:
        issuer = process(**DEFAULTS | {"signing_algs": ALGORITHMS})
        known = KeySet.parse(jwks(issuer))

        for alg in ALGORITHMS:
            assert verify_with(token_of(issuer, alg), known, typ="JWT")

    def test_rotation_makes_them_all_as_well(self, process: Process, clock: Clock) -> None:
        rotate(process(**DEFAULTS), now=clock.now, alg="ES256")

        assert signing_key(process(**DEFAULTS), "RS256")

    def test_what_is_not_offered_has_none(self, process: Process) -> None:
        with pytest.raises(ImproperlyConfigured, match="signing_algs has no PS256"):
            signing_key(process(**DEFAULTS), "PS256")


class TestALineThatComesLater:
    @pytest.fixture
    def before(self, process: Process, clock: Clock) -> KeySet:
        """The key set of an issuer that had one line, as somebody read it just before there were more."""
        return KeySet.parse(jwks(process(**DEFAULTS | {"signing_algs": ()})))

    def test_it_is_published_before_it_signs(self, process: Process, clock: Clock, before: KeySet) -> None:
        issuer = process(**DEFAULTS)

        assert len(kids(issuer)) == 2
        with pytest.raises(TemporarilyUnavailable) as refused:
            signing_key(issuer, "RS256")
        assert "rotatekeys --now --alg RS256" in refused.value.detail
        clock.advance(2 * HOUR)
        assert signing_key(issuer, "RS256").kid in kids(process(**DEFAULTS))

    def test_its_key_can_be_published_before_it_is_offered(
        self, process: Process, clock: Clock, before: KeySet
    ) -> None:
        rotate(process(**DEFAULTS | {"signing_algs": ()}), now=clock.now, alg="RS256")
        clock.advance(2 * HOUR)

        assert signing_key(process(**DEFAULTS), "RS256").kid in kids(process(**DEFAULTS))
        assert SigningKey.objects.count() == 2

    def test_access_tokens_are_signed_as_before_until_it_signs(
        self, process: Process, clock: Clock, before: KeySet
    ) -> None:
        issuer = process(**DEFAULTS | {"signing_alg": "PS256"})

        assert verify_with(token_of(issuer), before, typ="JWT")
        clock.advance(2 * HOUR)
        assert signing_key(issuer).alg == "PS256"

    def test_it_can_be_let_sign_at_once(self, process: Process, clock: Clock, before: KeySet) -> None:
        issuer, other = process(**DEFAULTS), process(**DEFAULTS)
        jwks(other)
        rotate(issuer, now=clock.now, alg="RS256", at_once=True)

        assert signing_key(issuer, "RS256").kid == signing_key(other, "RS256").kid

    def test_a_line_whose_keys_cannot_be_decrypted_is_not_new(self, process: Process, clock: Clock) -> None:
        issuer = process(**DEFAULTS)
        jwks(issuer)
        SigningKey.objects.filter(alg="RS256").update(encrypted_private_jwk="junk")

        assert signing_key(process(**DEFAULTS), "RS256")


@pytest.mark.requirement(10)
class TestRotation:
    def test_who_keeps_the_key_set_for_an_hour_never_fails(self, process: Process, clock: Clock) -> None:
        """A day of three processes and sixty relying parties, with a rotation every five hours."""
        rotate_all(process(**DEFAULTS), now=clock.now)
        processes = [process(**DEFAULTS) for _ in range(3)]
        parties = [RelyingParty(clock) for _ in range(60)]
        used = set()
        for minute in range(0, 24 * 60, 13):
            if minute % 300 < 13:
                rotate_all(processes[minute % 3], now=clock.now)
            for number in range(0, 60, 20):
                party, issuer = parties[(number + minute) % 60], processes[(number + minute) % 3]
                for alg in ("RS256", "ES256"):
                    token = token_of(issuer, alg)
                    used.add(signing_key(issuer, alg).kid)
                    assert party.accepts(token, processes[(number + minute + 1) % 3])
            clock.advance(13 * MINUTE)
        assert len(used) >= 8

    def test_nothing_is_signed_with_a_key_before_it_was_published(self, process: Process, clock: Clock) -> None:
        rotate_all(process(**DEFAULTS), now=clock.now)
        issuer, other = process(**DEFAULTS), process(**DEFAULTS)
        for _ in range(6):
            rotate_all(issuer, now=clock.now)
            published = set(kids(process(**DEFAULTS)))
            for _ in range(6):
                clock.advance(25 * MINUTE)
                assert {signing_key(one, alg).kid for one in (issuer, other) for alg in ("RS256", "ES256")} <= published

    def test_tokens_of_the_old_key_verify_as_long_as_they_live(self, process: Process, clock: Clock) -> None:
        issuer = process(**DEFAULTS, scopes={"openid": "know that it is you"}, id_token_lifetime=3 * HOUR)
        old = token_of(issuer, "RS256")
        rotate_all(issuer, now=clock.now)
        clock.advance(2 * HOUR - SECOND)
        last = token_of(issuer, "RS256")
        clock.advance(3 * HOUR)

        assert verify(process(**DEFAULTS), last, typ="JWT") == verify(process(**DEFAULTS), old, typ="JWT")
        clock.advance(5 * MINUTE)
        with pytest.raises(InvalidJWT):
            verify(process(**DEFAULTS), last, typ="JWT")

    def test_each_rotation_begins_after_the_one_before(self, process: Process, clock: Clock) -> None:
        issuer = process(**DEFAULTS)
        for _ in range(4):
            rotate_all(issuer, now=clock.now)
            clock.advance(3 * HOUR)

        for alg in ("RS256", "ES256"):
            begun = SigningKey.objects.filter(alg=alg).order_by("pk").values_list("signs_from", flat=True)
            assert all(earlier < later for earlier, later in pairwise(begun))


@pytest.mark.requirement(10)
@pytest.mark.django_db(transaction=True)
def test_under_load_everything_that_is_signed_is_published(process: Process) -> None:
    """Threads that sign, a thread that rotates without mercy, and after each signature a look at what another process publishes."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite in memory has one connection")
    issuers, barrier, ended = [process(**DEFAULTS) for _ in range(4)], Barrier(5), Event()
    refused: list[object] = []

    def work(number: int) -> None:
        barrier.wait()
        while not ended.is_set():
            for alg in ("RS256", "ES256"):
                try:
                    verify(process(**DEFAULTS), token_of(issuers[number], alg), typ="JWT")
                except Exception as exc:
                    refused.append(exc)
        connection.close()

    threads = [Thread(target=work, args=[number]) for number in range(4)]
    [thread.start() for thread in threads]
    barrier.wait()
    for _ in range(10):
        rotate_all(issuers[0], now=timezone.now(), at_once=True)
    ended.set()
    [thread.join() for thread in threads]
    assert refused == []


@pytest.mark.django_db(transaction=True)
def test_first_keys_that_are_rolled_back_sign_nothing_later(process: Process) -> None:
    issuer = process(**DEFAULTS)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        lost = {signing_key(issuer, alg).kid for alg in ("RS256", "ES256")}
        raise ZeroDivisionError

    assert lost.isdisjoint(signing_key(issuer, alg).kid for alg in ("RS256", "ES256"))
    assert verify(process(**DEFAULTS), token_of(issuer, "RS256"), typ="JWT")


def test_files_offer_the_algorithms_that_they_are_for(process: Process, tmp_path: object) -> None:
    paths = []
    for alg in ("PS256", "EdDSA", "PS256"):
        paths.append(str(tmp_path / f"{len(paths)}.jwk"))  # type: ignore[operator]
        with open(paths[-1], "wb") as file:
            file.write(SigningKeyPair.generate(alg).dump())
    issuer = process(signing_key_files=tuple(paths))

    assert offered_algorithms(issuer.settings) == ("PS256", "EdDSA")
    assert {signing_key(issuer, alg).alg for alg in ("PS256", "EdDSA")} == {"PS256", "EdDSA"}
    assert len(kids(issuer)) == 3


@pytest.mark.parametrize("setting", [{"signing_alg": "HS256"}, {"signing_algs": ["RS256", "none"]}])
def test_an_algorithm_that_there_is_not_is_a_mistake_in_the_settings(settings: object, setting: object) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | setting  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="none of the algorithms ES256, RS256, PS256, EdDSA"):
        load()


@pytest.mark.requirement(4)
@pytest.mark.spec("OpenID Connect Core", "15.1")
@pytest.mark.parametrize(("algs", "errors"), [(["RS256"], []), (["ES256"], ["oauth_server.E008"])])
def test_an_openid_provider_has_a_key_for_clients_that_chose_nothing(
    settings: object, algs: list[str], errors: list[str]
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"signing_algs": algs}  # type: ignore[attr-defined]
    assert [found.id for found in run_checks(tags=["security"]) if found.id == "oauth_server.E008"] == errors
