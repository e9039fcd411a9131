"""What a person allows is found together with the client, in one statement."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from django_oauth_server.models import Authorization, Client
from django_oauth_server.storage.authorizations import live_authorization, revoke_authorizations
from django_oauth_server.storage.clients import stored_client
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory

pytestmark = pytest.mark.django_db


def found_for(user: Any, client: Client) -> Client:
    found = stored_client(client.issuer, client.client_id, user)
    assert found == client
    return found


def test_one_statement_finds_both(django_assert_num_queries: Any) -> None:
    authorization = AuthorizationFactory(resources=["https://api.example"])
    with django_assert_num_queries(1):
        client = found_for(authorization.user, authorization.client)
        found = live_authorization(client, authorization.user)
    assert found == authorization and found.resources == authorization.resources
    assert found.client is client and found.user is authorization.user


def test_that_there_is_none_is_found_too(django_assert_num_queries: Any) -> None:
    AuthorizationFactory()
    client, user = ClientFactory(), UserFactory()
    AuthorizationFactory(client=client)
    AuthorizationFactory(user=user)
    with django_assert_num_queries(1):
        assert live_authorization(found_for(user, client), user) is None


def test_of_those_that_were_revoked_none_counts() -> None:
    authorization = AuthorizationFactory()
    revoke_authorizations([authorization], timezone.now())
    assert live_authorization(found_for(authorization.user, authorization.client), authorization.user) is None
    again = AuthorizationFactory(user=authorization.user, client=authorization.client)
    assert live_authorization(found_for(authorization.user, authorization.client), authorization.user) == again


def test_it_is_another_persons_for_nobody_else() -> None:
    authorization = AuthorizationFactory()
    client, other = found_for(authorization.user, authorization.client), UserFactory()
    assert live_authorization(client, other) is None
    assert live_authorization(client, authorization.user) == authorization


def test_who_asks_again_is_told_what_is_so_by_then() -> None:
    """Such as one who was refused by another writer, and does all anew."""
    authorization = AuthorizationFactory()
    client = found_for(authorization.user, authorization.client)
    assert live_authorization(client, authorization.user) == authorization
    Authorization.objects.update(is_live=None)
    assert live_authorization(client, authorization.user) is None


def test_a_stranger_allows_nothing() -> None:
    authorization = AuthorizationFactory()
    client = found_for(AnonymousUser(), authorization.client)
    assert live_authorization(client, authorization.user) == authorization
