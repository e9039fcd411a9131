"""Who signs, who is published, and what one process knows of another's keys."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test import override_settings

from django_oauth_server.issuer import Issuer
from django_oauth_server.keys import signing
from django_oauth_server.keys.derivation import derivation_keys
from django_oauth_server.keys.rotation import rotate
from django_oauth_server.keys.signing import jwks, published_keys, signing_key, verify
from django_oauth_server.models import SigningKey
from django_oauth_server.protocol import jose
from django_oauth_server.protocol.jose import InvalidJWT, SigningKeyPair, UnknownKey, sign
from tests.keys.conftest import Clock, Process

SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.django_db


def token_of(issuer: Issuer, alg: str | None = None) -> str:
    return sign({"sub": "somebody"}, signing_key(issuer, alg), typ="at+jwt")


def kids(issuer: Issuer) -> set[object]:
    return {jwk["kid"] for jwk in jwks(issuer)["keys"]}


class TestFirstUse:
    def test_the_first_key_is_made_when_it_is_asked_for_and_stays(self, process: Process) -> None:
        first, second = process(), process()

        assert signing_key(first).kid == signing_key(second).kid
        assert kids(first) == {signing_key(first).kid}

    def test_it_is_made_when_the_key_set_is_asked_for(self, process: Process) -> None:
        assert len(jwks(process())["keys"]) == 1

    @pytest.mark.parametrize("alg", ["ES256", "RS256"])
    def test_the_setting_names_the_algorithm(self, process: Process, alg: str) -> None:
        issuer = process(signing_alg=alg)

        assert signing_key(issuer).alg == jwks(issuer)["keys"][0]["alg"] == alg

    def test_another_algorithm_has_a_key_of_its_own(self, process: Process) -> None:
        issuer = process(signing_algs=("RS256",))
        own, other = signing_key(issuer), signing_key(issuer, "RS256")

        assert (own.alg, other.alg) == ("ES256", "RS256")
        assert signing_key(issuer).kid == own.kid
        assert verify(process(), token_of(issuer, "RS256"), typ="at+jwt") == {"sub": "somebody"}

    def test_each_issuer_has_its_own(self, process: Process) -> None:
        here, there = process(), process(issuer="https://as.example/there")
        token = token_of(here)

        assert kids(here).isdisjoint(kids(there))
        with pytest.raises(InvalidJWT):
            verify(there, token, typ="at+jwt")

    def test_two_processes_that_make_it_at_once_agree_in_the_end(self, process: Process, clock: Clock) -> None:
        first, second = process(), process()
        token = token_of(first)
        SigningKey.objects.update(issuer="out of sight")
        other = token_of(second)
        SigningKey.objects.update(issuer=first.settings.issuer)

        assert verify(second, token, typ="at+jwt") == verify(first, other, typ="at+jwt")
        clock.advance(61 * SECOND)
        assert signing_key(first).kid == signing_key(second).kid == signing_key(process()).kid
        assert len(kids(first)) == 2

    def test_a_key_that_another_clock_has_made_a_little_ahead_signs(self, process: Process, clock: Clock) -> None:
        clock.advance(2 * SECOND)
        made = signing_key(process())
        clock.advance(-2 * SECOND)

        assert signing_key(process()).kid == made.kid


@pytest.mark.django_db(transaction=True)
class TestTransactions:
    def test_threads_that_make_the_first_key_at_once_all_get_one_that_is_published(self, process: Process) -> None:
        if connection.vendor == "sqlite":
            pytest.skip("SQLite in memory has one connection")
        issuers, barrier, tokens = [process() for _ in range(8)], Barrier(8), []

        def work(issuer: Issuer) -> None:
            barrier.wait()
            tokens.append(token_of(issuer))
            connection.close()

        threads = [Thread(target=work, args=[issuer]) for issuer in issuers]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

        assert [verify(issuer, token, typ="at+jwt") for issuer in issuers for token in tokens] == [
            {"sub": "somebody"}
        ] * 64

    def test_a_first_key_that_is_rolled_back_signs_nothing_later(self, process: Process) -> None:
        issuer = process()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            lost = {signing_key(issuer).kid, signing_key(issuer).kid}
            raise ZeroDivisionError

        assert signing_key(issuer).kid not in lost
        assert verify(process(), token_of(issuer), typ="at+jwt")

    def test_a_first_key_that_is_committed_is_remembered(
        self, process: Process, django_assert_num_queries: object
    ) -> None:
        issuer = process()
        with transaction.atomic():
            made = signing_key(issuer)
        assert signing_key(issuer).kid == made.kid

        with django_assert_num_queries(0):  # type: ignore[operator]
            signing_key(issuer)


class TestWithoutQueries:
    @pytest.fixture
    def issuer(self, process: Process, clock: Clock) -> Issuer:
        issuer = process()
        rotate(issuer, now=clock.now)
        signing_key(issuer)
        return issuer

    def test_what_is_remembered_makes_no_query(
        self, issuer: Issuer, clock: Clock, django_assert_num_queries: object
    ) -> None:
        clock.advance(4 * SECOND)
        with django_assert_num_queries(0):  # type: ignore[operator]
            verify(issuer, token_of(issuer), typ="at+jwt")
            assert published_keys(issuer).keys

    def test_the_key_set_is_published_as_it_is_now(
        self, issuer: Issuer, process: Process, clock: Clock, django_assert_num_queries: object
    ) -> None:
        """Whoever fetches it keeps it: it must have each key that signs, whichever process or thread made it, and however lately."""
        rotate(process(), now=clock.now, at_once=True)
        every = set(SigningKey.objects.values_list("kid", flat=True))
        with django_assert_num_queries(1):  # type: ignore[operator]
            assert len(every) > 1 and kids(issuer) == every

    def test_keys_are_read_again_within_a_minute(
        self, issuer: Issuer, clock: Clock, django_assert_num_queries: object
    ) -> None:
        clock.advance(60 * SECOND)
        with django_assert_num_queries(1):  # type: ignore[operator]
            signing_key(issuer)
            signing_key(issuer)

    def test_and_sooner_where_new_keys_are_published_for_a_short_time(
        self, process: Process, clock: Clock, django_assert_num_queries: object
    ) -> None:
        issuer = process(key_publication_lead=timedelta(seconds=80))
        rotate(issuer, now=clock.now)
        signing_key(issuer)
        clock.advance(20 * SECOND)
        with django_assert_num_queries(1):  # type: ignore[operator]
            signing_key(issuer)

    def test_tokens_that_name_unknown_keys_cause_one_query_in_some_seconds(
        self, issuer: Issuer, clock: Clock, django_assert_num_queries: object
    ) -> None:
        junk = sign({}, SigningKeyPair.generate("ES256"), typ="at+jwt")
        for _ in range(2):
            with django_assert_num_queries(1):  # type: ignore[operator]
                for _ in range(100):
                    with pytest.raises(UnknownKey):
                        verify(issuer, junk, typ="at+jwt")
            clock.advance(5 * SECOND)

    def test_a_token_of_another_type_causes_none(self, issuer: Issuer, django_assert_num_queries: object) -> None:
        token = token_of(issuer)
        with django_assert_num_queries(0), pytest.raises(InvalidJWT):  # type: ignore[operator]
            verify(issuer, token, typ="JWT")


class TestSecrets:
    def test_the_table_never_holds_a_private_key(self, process: Process) -> None:
        for alg in jose.ALGORITHMS:
            private = json.loads(signing_key(process(signing_algs=jose.ALGORITHMS), alg).dump())
            row = json.dumps(SigningKey.objects.filter(alg=alg).values().get(), default=str)

            assert not [name for name in ("d", "p", "q", "dp", "dq", "qi") if name in private and private[name] in row]
            assert f'"d": "{private["d"]}"' not in row

    def test_a_key_signs_on_after_the_secret_has_changed(self, process: Process) -> None:
        kid = signing_key(process()).kid

        with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=["yet another", _secret()]):
            assert signing_key(process()).kid == kid

    def test_a_key_made_after_the_change_needs_the_new_secret_alone(self, process: Process, clock: Clock) -> None:
        signing_key(process())
        with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[_secret()]):
            made = rotate(process(), now=clock.now, at_once=True).key.kid

        with override_settings(SECRET_KEY="another"):
            assert signing_key(process()).kid == made

    def test_a_secret_that_is_lost_costs_no_more_than_a_new_key(
        self, process: Process, caplog: pytest.LogCaptureFixture
    ) -> None:
        token = token_of(process())
        with override_settings(SECRET_KEY="another"):
            issuer = process()

            assert verify(process(), token_of(issuer), typ="at+jwt") == verify(issuer, token, typ="at+jwt")
            assert len(kids(issuer)) == 2
            assert "is not used here" in caplog.text

    def test_a_secret_of_its_own_takes_the_place_of_djangos(self, process: Process) -> None:
        kid = signing_key(process(key_encryption_key="one")).kid

        with override_settings(SECRET_KEY="another"):
            assert signing_key(process(key_encryption_key="two", key_encryption_key_fallbacks=("one",))).kid == kid

    def test_derived_keys_follow_the_secrets_in_order_and_are_not_the_secrets(self, process: Process) -> None:
        issuer = process()
        (former,) = derivation_keys(issuer)

        with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[_secret()]):
            current, fallback = derivation_keys(issuer)
        assert fallback == former != current
        assert derivation_keys(issuer) == (former,)
        assert len(former) == 32 and _secret().encode() not in former

    def test_changed_settings_forget_the_keys(self, process: Process) -> None:
        issuer = process()
        signing_key(issuer)

        with override_settings(SECRET_KEY="another"):
            assert signing_key(issuer).kid != SigningKey.objects.earliest("pk").kid


class TestFiles:
    @pytest.fixture
    def files(self, tmp_path: Path) -> dict[str, SigningKeyPair]:
        """One PEM and one JWK."""
        pairs = {
            str(tmp_path / "now.pem"): SigningKeyPair.generate("ES256"),
            str(tmp_path / "former.jwk"): SigningKeyPair.generate("RS256"),
        }
        for path, pair in pairs.items():
            Path(path).write_bytes(pair.key.as_pem(private=True) if path.endswith("pem") else pair.dump())
        return pairs

    def test_the_first_signs_and_all_are_published(
        self, process: Process, files: dict[str, SigningKeyPair], django_assert_num_queries: object
    ) -> None:
        issuer = process(signing_key_files=tuple(files))
        first, second = files.values()

        with django_assert_num_queries(0):  # type: ignore[operator]
            assert signing_key(issuer).kid == first.kid
            assert signing_key(issuer, "RS256").kid == second.kid
            assert [jwk["kid"] for jwk in jwks(issuer)["keys"]] == [first.kid, second.kid]
            assert verify(issuer, token_of(issuer, "RS256"), typ="at+jwt")
            with pytest.raises(UnknownKey):
                verify(issuer, sign({}, SigningKeyPair.generate("ES256"), typ="at+jwt"), typ="at+jwt")
        assert not SigningKey.objects.exists()

    def test_an_algorithm_without_a_file_is_a_mistake_in_the_settings(
        self, process: Process, files: dict[str, SigningKeyPair]
    ) -> None:
        with pytest.raises(ImproperlyConfigured, match="no key for RS256"):
            signing_key(process(signing_key_files=tuple(files)[:1]), "RS256")

    @pytest.mark.parametrize("content", [None, b"", b"junk"])
    def test_a_file_that_cannot_be_used_is_named(self, process: Process, tmp_path: Path, content: bytes | None) -> None:
        path = tmp_path / "key.pem"
        if content is not None:
            path.write_bytes(content)

        with pytest.raises(ImproperlyConfigured, match=r"key\.pem, which cannot be used"):
            signing_key(process(signing_key_files=(str(path),)))


def test_forgetting_reads_again(process: Process, django_assert_num_queries: object) -> None:
    issuer = process()
    signing_key(issuer)
    signing.forget()
    with django_assert_num_queries(1):  # type: ignore[operator]
        signing_key(issuer)


def _secret() -> str:
    return "tests-only-" + "x" * 50
