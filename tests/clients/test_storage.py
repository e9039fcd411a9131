"""A client that is found, and remembered for a moment."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from django_oauth_server.clients.registration import new_secret
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer
from django_oauth_server.storage import clients
from django_oauth_server.storage.clients import (
    check_memory,
    is_current,
    peek,
    remember_client,
    set_active,
    stored_client,
)
from django_oauth_server.storage.transaction import Conflict
from tests.factories import ClientFactory

ISSUER = "https://as.example"
LONG = timedelta(minutes=5)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    monkeypatch.setattr(clients, "_remembered", OrderedDict())


@pytest.fixture
def row():
    return ClientFactory(client_id="Notebook")


def test_the_second_time_costs_no_statement(row, django_assert_num_queries):
    with django_assert_num_queries(1):
        remember_client(ISSUER, "Notebook")
    with django_assert_num_queries(0):
        assert peek(ISSUER, "Notebook", LONG) == row


def test_what_was_only_found_is_not_remembered(row, django_assert_num_queries):
    stored_client(ISSUER, "Notebook")
    with django_assert_num_queries(0):
        assert peek(ISSUER, "Notebook", LONG) is None


def test_it_is_forgotten_after_its_lifetime(row):
    remember_client(ISSUER, "Notebook")
    assert peek(ISSUER, "Notebook", timedelta()) is None


@pytest.mark.parametrize(
    "change", [lambda row: row.save(), lambda row: row.delete(), lambda row: set_active([row], active=False)]
)
def test_a_change_is_seen_at_once(row, change):
    remember_client(ISSUER, "Notebook")
    change(row)
    assert peek(ISSUER, "Notebook", LONG) is None


def test_a_change_in_another_process_is_seen_through_the_shared_cache(
    row, monkeypatch, django_capture_on_commit_callbacks
):
    remember_client(ISSUER, "Notebook")
    here = clients._remembered
    with monkeypatch.context() as other_process, django_capture_on_commit_callbacks(execute=True):
        other_process.setattr(clients, "_remembered", OrderedDict())
        row.save()
    assert (ISSUER, "Notebook") in here
    remembered = peek(ISSUER, "Notebook", LONG)
    assert not is_current(remembered)
    with pytest.raises(Conflict):
        check_memory(remembered)


def test_another_client_that_is_saved_makes_nothing_be_done_anew(row, django_assert_num_queries):
    remember_client(ISSUER, "Notebook")
    remembered = peek(ISSUER, "Notebook", LONG)
    cache.set(clients._generation_key(ISSUER), "another")
    with django_assert_num_queries(1):
        check_memory(remembered)


def test_a_change_is_saved_where_the_cache_is_away(row, monkeypatch, django_capture_on_commit_callbacks):
    def refuse(*_):
        raise ConnectionError

    monkeypatch.setattr(cache, "set", refuse, raising=False)
    with django_capture_on_commit_callbacks(execute=True):
        set_active([row], active=False)
    assert not stored_client(ISSUER, "Notebook").is_active


def test_while_the_cache_is_away_a_process_remembers_for_no_longer_than_it_may(row, monkeypatch):
    def refuse(*_):
        raise ConnectionError

    def remembered():
        return peek(ISSUER, "Notebook", LONG)

    remember_client(ISSUER, "Notebook")
    with monkeypatch.context() as outage:
        outage.setattr(cache, "get", refuse, raising=False)
        assert not is_current(remembered())  # somebody may have saved it since it was remembered
        remember_client(ISSUER, "Notebook")
        assert is_current(remembered())
        assert peek(ISSUER, "Notebook", timedelta()) is None
    assert not is_current(remembered())


def test_the_one_unused_longest_makes_room(monkeypatch):
    monkeypatch.setattr(clients, "_MOST", 2)
    for client_id in ("first", "second"):
        ClientFactory(client_id=client_id)
        remember_client(ISSUER, client_id)
    peek(ISSUER, "first", LONG)
    ClientFactory(client_id="third")
    remember_client(ISSUER, "third")
    assert [bool(peek(ISSUER, name, LONG)) for name in ("first", "second", "third")] == [True, False, True]


@pytest.mark.parametrize("client_id", ["notebook", "NOTEBOOK", "Notebook ", "Notebóok", "", "N" * 300])
def test_an_id_that_differs_is_another_client(row, client_id):
    assert stored_client(ISSUER, client_id) is None


def test_a_client_of_another_issuer_is_not_found(row):
    assert stored_client("https://other.example", "Notebook") is None


def test_an_older_copy_brings_no_secret_back():
    client = ClientFactory()
    older = Client.objects.get()
    replaced = new_secret(Client.objects.get(), default_issuer(), timezone.now())
    older.metadata |= {"client_name": "Diary"}
    older.access_token_lifetime = timedelta(minutes=5)
    older.save()
    stored = Client.objects.get()
    assert stored.has_secret(replaced, timezone.now())
    assert not stored.has_secret(client.secret, timezone.now() + timedelta(days=30))
    assert (stored.name, stored.access_token_lifetime) == ("Diary", timedelta(minutes=5))


@pytest.mark.parametrize("fields", [None, ["is_active"]])
def test_what_is_changed_after_it_was_read_again_is_saved(fields):
    ClientFactory()
    client = Client.objects.get()
    Client.objects.update(is_active=False)
    client.refresh_from_db(fields=fields)
    client.is_active = True
    client.save()
    assert Client.objects.get().is_active


def test_a_column_that_is_read_later_is_saved_where_it_was_changed():
    ClientFactory()
    client = Client.objects.defer("profile").get()
    assert client.profile == ""
    Client.objects.update(profile="legacy")
    client.save()
    assert Client.objects.get().profile == "legacy"


def test_a_copy_is_saved_again_and_again():
    ClientFactory()
    client = Client.objects.get()
    for lifetime in (timedelta(minutes=5), None, timedelta(minutes=7)):
        client.access_token_lifetime = lifetime
        client.save()
        assert Client.objects.get().access_token_lifetime == lifetime
