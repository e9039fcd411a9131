"""What a request that is pushed costs the database, beside one that is not."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from tests.budgets.test_statements import statements
from tests.factories import AuthorizationFactory, ClientFactory, UserFactory
from tests.flow import AUTHORIZE, answered
from tests.pushed.conftest import Pushing

pytestmark = pytest.mark.django_db


@pytest.fixture
def pushing(monkeypatch: pytest.MonkeyPatch) -> Pushing:
    """One whose next pushes make no room: one in a hundred does."""
    monkeypatch.setattr("django_oauth_server.storage.pushed_requests.randrange", lambda _: 1)
    user, browser = UserFactory(), Browser()
    browser.force_login(user)
    client = ClientFactory()
    AuthorizationFactory(client=client, user=user)
    return Pushing(client, browser)


def test_pushing_is_one_statement_beside_authentication(pushing: Pushing) -> None:
    pushing.push()
    with statements() as made:
        assert pushing.push().status_code == 201
    assert made == ["SELECT client", "INSERT pushedrequest"]


def test_answering_it_finds_it_and_forgets_it(pushing: Pushing) -> None:
    def answer(**params: str) -> list[str]:
        with statements() as made:
            assert "code" in answered(pushing.browser.get(AUTHORIZE, params))
        return made

    client = {"client_id": pushing.client.client_id}
    answer(**client, request_uri=pushing.reference())
    made = answer(**client, request_uri=pushing.reference())
    assert [one for one in made if "pushed" in one] == ["SELECT pushedrequest", "DELETE pushedrequest"]
