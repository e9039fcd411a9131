"""A question that is compiled once answers as Django does."""

from __future__ import annotations

from threading import Thread

import pytest
from django.db import connections
from django.forms.models import model_to_dict

from django_oauth_server.models import Client, Token
from django_oauth_server.storage.question import Question
from tests.factories import ClientFactory, TokenFactory

pytestmark = pytest.mark.django_db


def joined(digest):
    return Token.objects.select_related("client", "authorization__user").filter(digest=digest)


def columns(row):
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def test_it_answers_what_django_answers(django_assert_num_queries):
    token = TokenFactory(facts={"acr": "high"})
    expected = joined(token.digest).get()
    with django_assert_num_queries(1):
        found = Question(Token, joined).answer(token.digest)
        for reached in (
            lambda one: one,
            lambda one: one.client,
            lambda one: one.authorization,
            lambda one: one.authorization.user,
        ):
            assert columns(reached(found)) == columns(reached(expected))


def test_what_is_joined_may_be_absent():
    token = TokenFactory(authorization=None, client=ClientFactory())
    assert Question(Token, joined).answer(token.digest).authorization is None


def test_nothing_is_none():
    assert Question(Token, joined).answer("unknown") is None


def test_it_is_composed_once_and_answers_anew():
    composed = []

    def ask(issuer, client_id):
        composed.append(client_id)
        return Client.objects.filter(client_id=client_id, issuer=issuer)

    one, other = ClientFactory(), ClientFactory()
    question = Question(Client, ask)
    assert [question.answer(row.issuer, row.client_id) for row in (one, other, one)] == [one, other, one]
    one.metadata = {"client_name": "Renamed"}
    one.save()
    assert model_to_dict(question.answer(one.issuer, one.client_id))["metadata"] == {"client_name": "Renamed"}
    assert len(composed) == 1


def test_parameters_are_never_part_of_the_statement():
    ClientFactory()
    question = Question(Client, lambda client_id: Client.objects.filter(client_id=client_id))
    assert question.answer("' OR 1=1 --") is None
    assert question.answer("%s") is None


def test_a_parameter_too_few_is_refused():
    with pytest.raises(ValueError):
        Question(Client, lambda issuer, client_id: Client.objects.filter(client_id=client_id)).answer("one")


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_over_its_own_connection():
    question = Question(Client, lambda client_id: Client.objects.filter(client_id=client_id))
    question.answer("unknown")
    asked = []

    def in_thread():
        connection = connections["default"]
        with connection.execute_wrapper(lambda execute, *args: asked.append(connection) or execute(*args)):
            question.answer("unknown")
        connection.close()

    thread = Thread(target=in_thread)
    thread.start()
    thread.join()
    assert asked and asked[0] is not connections["default"]
