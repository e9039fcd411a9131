"""Migrations of a database that an earlier version filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.transaction import atomic
from django.utils import timezone

from django_oauth_server.models import Authorization, Token
from django_oauth_server.protocol.opaque import ACCESS_TOKEN, REFRESH_TOKEN, digest, generate
from django_oauth_server.storage.authorizations import live_authorization
from tests.factories import AuthorizationFactory, ClientFactory
from tests.flow import Flow

pytestmark = pytest.mark.django_db(transaction=True)
APP = "django_oauth_server"


def migrate(*names: str) -> Any:
    """The models as they were after the migrations *names*; without any, as they are now."""
    executor = MigrationExecutor(connection)
    nodes = [(APP, name) for name in names] or executor.loader.graph.leaf_nodes()
    executor.migrate(nodes)
    return MigrationExecutor(connection).loader.project_state(nodes).apps


@pytest.fixture
def _migrated_again() -> Iterator[None]:
    yield
    migrate()


@pytest.fixture
def filled(browser: Any, user: Any, _migrated_again: None) -> Callable[..., tuple[Flow, str]]:
    """Stores a token as release 0015 did, migrates, and gives its client and its value."""

    def fill(public: bool = False, **columns: Any) -> tuple[Flow, str]:
        authorization, now = AuthorizationFactory(client=ClientFactory(public=public), user=user), timezone.now()
        value = generate(ACCESS_TOKEN if columns["kind"] == "access" else REFRESH_TOKEN)
        stored = {
            "digest": digest(value),
            "client_id": authorization.client_id,
            "authorization_id": authorization.pk,
            "family": authorization.grant_id,
            "scope": "notes:read",
            "audience": authorization.resources,
            "expires_at": now + timedelta(minutes=15),
        }
        before = migrate("0015_pushed_request").get_model(APP, "Token").objects
        before.create(**(stored | columns))
        successor = stored | {"kind": "refresh", "digest": digest(generate(REFRESH_TOKEN)), "salt": "5a" * 16}
        before.create(**successor)
        migrate()
        return Flow(authorization.client, browser), value

    return fill


def test_an_access_token_of_before_is_good(filled: Callable[..., tuple[Flow, str]]) -> None:
    flow, value = filled(kind="access")
    assert flow.is_active(value)
    assert flow.revoke(value).status_code == 200
    assert not flow.is_active(value)


@pytest.mark.parametrize("public", [True, False], ids=["public", "confidential"])
def test_a_refresh_token_of_before_is_good(filled: Callable[..., tuple[Flow, str]], public: bool) -> None:
    flow, value = filled(kind="refresh", public=public, salt="a5" * 16)
    refreshed = flow.refresh(value).json()
    assert flow.refresh(value).status_code == 200
    assert flow.refresh(refreshed["refresh_token"]).status_code == 200


def test_reuse_of_a_token_that_was_rotated_before_is_noticed(filled: Callable[..., tuple[Flow, str]]) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    flow, value = filled(kind="refresh", public=True, salt="a5" * 16, issued_at=long_ago, superseded_at=long_ago)
    assert flow.refresh(value).json()["error"] == "invalid_grant"
    assert not Token.objects.filter(revoked_at=None).exists()


def test_what_was_rotated_a_moment_before_is_answered_again(filled: Callable[..., tuple[Flow, str]]) -> None:
    flow, value = filled(kind="refresh", public=True, salt="a5" * 16)
    refreshed = flow.refresh(value).json()
    migrate("0015_pushed_request")
    migrate()
    assert flow.refresh(value).json()["refresh_token"] == refreshed["refresh_token"]


@pytest.mark.parametrize("name", ["0016_digest_indexes", "0018_second_indexes", "0019_family_index"])
def test_a_migration_that_was_interrupted_runs_again(_migrated_again: None, name: str) -> None:
    """On PostgreSQL, where what is done concurrently is done bit by bit."""
    if connection.vendor != "postgresql":
        pytest.skip("the others do all of it or nothing, or have no such indexes")
    assert import_module(f"{APP}.migrations.{name}").Migration.atomic is False
    migrate(name)
    MigrationRecorder(connection).record_unapplied(APP, name)
    migrate(name)
    migrate()
    assert "oas_token_digest" in connection.introspection.get_constraints(connection.cursor(), Token._meta.db_table)


BEFORE_FACTS, FACTS = "0027_authorization_facts", "0028_authorization_for_facts"


def test_an_authorization_of_before_is_the_one_without_facts(_migrated_again: None) -> None:
    known = AuthorizationFactory()
    row = {"client_id": known.client_id, "user_id": known.user_id, "scope": "notes:read"}
    Authorization.objects.all().delete()
    migrate(BEFORE_FACTS).get_model(APP, "Authorization").objects.create(**row)
    migrate()
    assert live_authorization(known.client, known.user) == Authorization.objects.get()
    with pytest.raises(IntegrityError), atomic():
        Authorization.objects.create(**row)
    AuthorizationFactory(client=known.client, user=known.user, facts={"team": "A"})


def test_the_constraint_of_facts_is_there_once_it_was_interrupted(_migrated_again: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the others do all of it or nothing")
    table = Authorization._meta.db_table
    migrate(BEFORE_FACTS)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX oas_authorization_live_for_facts ON {table} (scope)")
    migrate()
    MigrationRecorder(connection).record_unapplied(APP, FACTS)
    migrate()
    found = connection.introspection.get_constraints(connection.cursor(), table)
    assert found["oas_authorization_live_for_facts"]["columns"] == ["user_id", "client_id", "is_live", "facts_digest"]
    assert "oas_authorization_one_live" not in found


def test_what_was_allowed_for_facts_ends_on_the_way_back(_migrated_again: None) -> None:
    """The release before would take it for allowed without any."""
    plain = AuthorizationFactory()
    for number in range(2):
        AuthorizationFactory(client=plain.client, user=plain.user, facts={"n": number})
    migrate(BEFORE_FACTS)
    migrate()
    assert Authorization.objects.get(is_live=True) == plain


def test_a_token_that_its_client_left_behind_is_not_in_the_way_back(_migrated_again: None) -> None:
    """The database that goes back has a foreign key again."""
    left = {"kind": "access", "client_id": 2**31 - 1, "expires_at": timezone.now()}
    Token.objects.create(digest=digest("left behind"), **left)
    kept = Token.objects.create(digest=digest("kept"), **(left | {"client_id": ClientFactory().pk}))
    migrate("0015_pushed_request")
    migrate()
    assert list(Token.objects.values_list("pk", flat=True)) == [kept.pk]
