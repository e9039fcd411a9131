"""Who the person of an assertion is: by a link, by a function of the deployment's, by a verified email address, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command

from django_oauth_server.checks import check_issuers
from django_oauth_server.conf import People
from django_oauth_server.models import Authorization
from django_oauth_server.models.linked_identity import LinkedIdentity
from django_oauth_server.resource.verifiers.base import InvalidToken
from django_oauth_server.verifier import LocalVerifier
from tests.factories import AuthorizationFactory, UserFactory
from tests.flow import told
from tests.trusted_issuers.idp import IDP, ISSUER, OTHER, OTHER_KEY, assertion, linked, trusted, trusting

pytestmark = pytest.mark.django_db
Present = Callable[..., Any]
ADDRESS = "alice@example.com"
VERIFIED = {"email": ADDRESS, "email_verified": True}
BY_EMAIL = People(scopes=("notes:read",), by_email=True)


def find(issuer: str, claims: Mapping[str, object]) -> Any:
    """What a deployment would write."""
    assert issuer == IDP
    return get_user_model().objects.filter(username=claims.get("staff")).first()


def get(issuer: str, claims: Mapping[str, object]) -> Any:
    """What a deployment would write as well."""
    return get_user_model().objects.get(username=claims["staff"])


def get_and_disable(issuer: str, claims: Mapping[str, object]) -> Any:
    """Somebody who is disabled at that moment by another process."""
    found = get(issuer, claims)
    get_user_model().objects.filter(pk=found.pk).update(is_active=False)
    return found


def get_and_change_password(issuer: str, claims: Mapping[str, object]) -> Any:
    """Somebody who is given another password at that moment by another process."""
    found = get(issuer, claims)
    get_user_model().objects.filter(pk=found.pk).update(password="another")
    return found


def name(issuer: str, claims: Mapping[str, object]) -> str:
    """A mistake."""
    return str(claims["sub"])


def refused(response: Any, words: str) -> bool:
    refusal = told(response)
    return refusal["error"] == "invalid_grant" and words in refusal["error_description"]


class TestDisabled:
    """RFC 7521 section 5.2: whom it is about may not come in."""

    @pytest.mark.spec("RFC 7523", "3")
    def test_a_disabled_person(self, present: Present, alice: Any) -> None:
        alice.is_active = False
        alice.save()
        assert refused(present(assertion(), scope="notes:read"), "account is disabled")
        assert not Authorization.objects.exists()

    @pytest.mark.parametrize("format", ["opaque", "at+jwt"])
    @pytest.mark.parametrize("find", [get_and_disable, get_and_change_password])
    def test_a_person_who_is_shut_out_while_the_assertion_is_judged(
        self,
        trust: Any,
        present: Present,
        django_capture_on_commit_callbacks: Any,
        find: Callable[..., Any],
        format: str,
    ) -> None:
        people = People(scopes=("notes:read",), find=f"{__name__}.{find.__name__}")
        trust(trusted(people=people), access_token_format=format)
        UserFactory(username="staff-7")
        with django_capture_on_commit_callbacks(execute=True):
            answer = present(assertion(staff="staff-7"), scope="notes:read")
        with pytest.raises(InvalidToken):
            LocalVerifier().verify(answer.json()["access_token"])


class TestByEmail:
    """Only where the settings let this issuer do it."""

    @pytest.fixture
    def person(self, trust: Any) -> Any:
        trust(trusted(people=BY_EMAIL), trusted(OTHER))
        return UserFactory(email=ADDRESS)

    def test_nobody_is_found_where_the_settings_do_not_say_so(self, trust: Any, present: Present) -> None:
        UserFactory(email=ADDRESS)
        assert refused(present(assertion(**VERIFIED), scope="notes:read"), "no account is linked")

    def test_another_issuer_may_not(self, person: Any, present: Present) -> None:
        refusal = present(assertion(OTHER_KEY, iss=OTHER, **VERIFIED), scope="notes:read")
        assert refused(refusal, "no account is linked")

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "3")
    @pytest.mark.parametrize("said", [ADDRESS, "Alice@Example.COM"])
    def test_a_verified_address_finds_and_links(self, person: Any, present: Present, said: str) -> None:
        assert present(assertion(**VERIFIED | {"email": said}), scope="notes:read").status_code == 200
        assert LinkedIdentity.objects.get().user == person
        assert present(assertion(), scope="notes:read").status_code == 200  # the link is enough from now on

    @pytest.mark.parametrize(
        "said",
        [
            {"email": ADDRESS},
            {"email": ADDRESS, "email_verified": False},
            {"email": ADDRESS, "email_verified": "true"},
            {"email": ADDRESS, "email_verified": 1},
            {"email": [ADDRESS], "email_verified": True},
            {"email": "", "email_verified": True},
            {"email": "a" * 300, "email_verified": True},
            {"email": "alice\n@example.com", "email_verified": True},
        ],
    )
    def test_an_address_that_is_not_verified_finds_nobody(self, person: Any, present: Present, said: Any) -> None:
        assert refused(present(assertion(**said), scope="notes:read"), "no account is linked")

    @pytest.mark.parametrize("address", ["bob@example.com", "alice@example.com ", "álice@example.com", "%@example.com"])
    def test_an_address_that_nobody_has(self, person: Any, present: Present, address: str) -> None:
        refusal = present(assertion(email=address, email_verified=True), scope="notes:read")
        assert refused(refusal, "exactly one account") and not LinkedIdentity.objects.exists()

    def test_an_address_that_two_have(self, person: Any, present: Present) -> None:
        UserFactory(email=ADDRESS.upper())
        assert refused(present(assertion(**VERIFIED), scope="notes:read"), "exactly one account")

    @pytest.mark.parametrize("alike", ["\u017fam@example.com", "\u017fAM@EXAMPLE.COM", "\uff53am@example.com"])
    def test_an_address_that_only_looks_alike_is_another_mailbox(
        self, person: Any, present: Present, alike: str
    ) -> None:
        """Databases and Unicode find more alike than mail servers do."""
        UserFactory(email="sam@example.com")
        refusal = present(assertion(email=alike, email_verified=True), scope="notes:read")
        assert refused(refusal, "exactly one account") and not LinkedIdentity.objects.exists()

    def test_letters_of_every_language_are_compared_as_they_are(self, person: Any, present: Present) -> None:
        person = UserFactory(email="jürgen@example.com")
        assert (
            present(assertion(email="jürgen@EXAMPLE.com", email_verified=True), scope="notes:read").status_code == 200
        )
        assert LinkedIdentity.objects.get().user == person

    def test_many_disabled_accounts_hide_nobody(self, person: Any, present: Present) -> None:
        get_user_model().objects.bulk_create(
            [get_user_model()(username=f"u{number}", email=ADDRESS, is_active=False) for number in range(30)]
        )
        assert present(assertion(**VERIFIED), scope="notes:read").status_code == 200
        assert LinkedIdentity.objects.get().user == person

    def test_disabled_accounts_do_not_count(self, person: Any, present: Present) -> None:
        UserFactory(email=ADDRESS, is_active=False)
        assert present(assertion(**VERIFIED), scope="notes:read").status_code == 200

    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "3")
    def test_whoever_has_the_address_later_does_not_get_the_account(self, person: Any, present: Present) -> None:
        present(assertion(**VERIFIED), scope="notes:read")
        assert refused(present(assertion(sub="mallory", **VERIFIED), scope="notes:read"), "belongs to another sub")

    def test_an_address_does_not_overrule_a_link(self, person: Any, present: Present) -> None:
        other = linked(UserFactory())
        present(assertion(**VERIFIED), scope="notes:read")
        assert Authorization.objects.get().user == other

    def test_a_request_that_is_refused_links_nobody(self, person: Any, present: Present) -> None:
        assert told(present(assertion(**VERIFIED), scope="unknown"))["error"] == "invalid_scope"
        assert not LinkedIdentity.objects.exists()


class TestFunction:
    """`find`."""

    @pytest.fixture(autouse=True)
    def _trust(self, trust: Any) -> None:
        trust(trusted(people=People(scopes=("notes:read",), find=f"{__name__}.find")))

    def test_it_is_told_the_verified_claims(self, present: Present) -> None:
        person = UserFactory(username="staff-7")
        assert present(assertion(staff="staff-7"), scope="notes:read").status_code == 200
        assert Authorization.objects.get().user == person and not LinkedIdentity.objects.exists()

    def test_it_may_know_nobody(self, present: Present) -> None:
        assert refused(present(assertion(staff="nobody"), scope="notes:read"), "no account is linked")

    @pytest.mark.parametrize("text", ["staff\0", "\ud800", "\udc00-7"], ids=ascii)
    @pytest.mark.parametrize("said", [lambda text: text, lambda text: [{"in": [text]}], lambda text: {text: 7}])
    def test_it_is_not_asked_for_what_no_database_takes(self, present: Present, said: Any, text: str) -> None:
        for claims in ({"staff": said(text)}, {"staff": "nobody", "another": said(text)}):
            answer = present(assertion(**claims), scope="notes:read")
            assert refused(answer, "it has a NUL character or an unpaired surrogate")

    def test_what_is_nested_as_deep_as_json_may_be_is_no_matter(self, present: Present) -> None:
        deep: Any = "staff-7"
        for _ in range(800):
            deep = [deep]
        assert refused(present(assertion(another=deep, staff="nobody"), scope="notes:read"), "no account is linked")

    def test_it_may_get_nobody(self, trust: Any, present: Present) -> None:
        trust(trusted(people=People(scopes=("notes:read",), find=f"{__name__}.get")))
        assert refused(present(assertion(staff="nobody"), scope="notes:read"), "no account is linked")

    def test_what_is_no_user_is_a_mistake_that_is_named(self, trust: Any, present: Present) -> None:
        trust(trusted(people=People(scopes=("notes:read",), find=f"{__name__}.name")))
        with pytest.raises(TypeError, match="name must return a user or None, not str"):
            present(assertion(), scope="notes:read")

    def test_a_link_comes_first(self, present: Present) -> None:
        UserFactory(username="staff-7")
        person = linked(UserFactory())
        present(assertion(staff="staff-7"), scope="notes:read")
        assert Authorization.objects.get().user == person


class TestCommand:
    """`manage.py linkidentity`."""

    def test_it_links_and_may_be_run_again(self, trust: Any, present: Present) -> None:
        person = UserFactory(username="carol")
        for _ in range(2):
            said = StringIO()
            call_command("linkidentity", "carol", IDP, "alice", stdout=said)
            assert said.getvalue() == "carol is linked to this subject.\n"
        assert present(assertion(), scope="notes:read").status_code == 200
        assert Authorization.objects.get().user == person

    def test_removing_a_link_ends_what_it_allowed(self, present: Present, alice: Any) -> None:
        present(assertion(), scope="notes:read")
        said = StringIO()
        call_command("linkidentity", alice.get_username(), IDP, "alice", "--remove", stdout=said)
        assert said.getvalue() == f"{alice} is no longer linked to this subject.\n"
        assert not Authorization.objects.filter(is_live=True).exists()
        assert refused(present(assertion(), scope="notes:read"), "no account is linked")

    def test_what_the_person_allowed_stays(self, present: Present, alice: Any) -> None:
        own = AuthorizationFactory(user=alice)
        present(assertion(), scope="notes:read")
        call_command("linkidentity", alice.get_username(), IDP, "alice", "--remove")
        assert Authorization.objects.get(is_live=True) == own

    def test_the_tenant_is_named_where_there_are_several(self, settings: Any) -> None:
        """Two issuers of one project, each of which trusts another tenant."""
        tenants = [trusting(trusted(tenant=one)) for one in ("acme", "umbrella")]
        hosts = [{"issuer": f"https://{one}.as.example"} for one in ("one", "two")]
        settings.OAUTH_SERVER = [settings.OAUTH_SERVER | one | more for one, more in zip(hosts, tenants, strict=True)]
        person = UserFactory(username="carol")
        with pytest.raises(CommandError, match=r"Choose one of: https://idp.example \(acme\), .*\(umbrella\)"):
            call_command("linkidentity", "carol", IDP, "alice")
        call_command("linkidentity", "carol", f"{IDP} (umbrella)", "alice")
        assert LinkedIdentity.objects.get(user=person).tenant == "umbrella"

    def test_an_issuer_that_vouches_for_no_people_has_none(self, trust: Any) -> None:
        UserFactory(username="carol")
        trust(trusted(), trusted(OTHER, people=None))
        with pytest.raises(CommandError, match=f"Choose one of: {IDP}"):
            call_command("linkidentity", "carol", OTHER, "alice")

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            (("nobody", IDP, "alice"), "There is no user nobody"),
            (("carol", "https://unknown.example", "alice"), f"Choose one of: {IDP}"),
            (("carol", IDP, "alice"), "already linked to another user"),
            (("carol", IDP, "alice", "--remove"), "not linked to this user"),
            (("carol", IDP, "b\0b"), "printable characters"),
        ],
    )
    def test_what_cannot_be(self, alice: Any, said: tuple[str, ...], words: str) -> None:
        UserFactory(username="carol")
        with pytest.raises(CommandError, match=words):
            call_command("linkidentity", *said)


class TestChecks:
    """`manage.py check` names what stands in the settings and cannot be."""

    @pytest.mark.parametrize(
        ("issuer", "people", "words"),
        [
            (IDP, {"scopes": ("notes:red",)}, "scopes that are not offered: notes:red"),
            (IDP, {"scopes": ("notes:read",), "find": "nowhere.find"}, "cannot be imported"),
            (ISSUER, {"scopes": ("notes:read",)}, "trusts itself"),
        ],
    )
    @pytest.mark.spec("Identity Assertion JWT Authorization Grant", "7.3")
    def test_a_mistake(self, trust: Any, issuer: str, people: Any, words: str) -> None:
        trust(trusted(issuer, people=People(**people)))
        told_of = [one.msg for one in check_issuers() if one.id == "oauth_server.E020"]
        assert len(told_of) == 1 and words in told_of[0]

    def test_people_without_addresses_cannot_be_found_by_them(
        self, trust: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(get_user_model(), "EMAIL_FIELD", "telegram", raising=False)
        trust(trusted(people=BY_EMAIL))
        assert any("by_email" in one.msg for one in check_issuers() if one.id == "oauth_server.E020")

    def test_no_mistake(self, trust: Any) -> None:
        assert "oauth_server.E020" not in {one.id for one in check_issuers()}
