"""What it costs the database that a platform vouches for a workload."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assertions import proof
from tests.budgets.test_statements import signing, statements  # noqa: F401
from tests.flow import Flow
from tests.workloads.platforms import github_token, kubernetes_token, trusted, workload_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing")]


@pytest.mark.parametrize(
    "client_id, make, cost",
    [("deploy", github_token, ["INSERT usedassertion"]), ("payments-api", kubernetes_token, [])],
    ids=["a token for one use", "a token for its hour"],
)
def test_a_workload_that_acts_for_itself(settings: Any, client_id: str, make: Any, cost: list[str]) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": trusted()}}
    flow = Flow(workload_client(client_id, access_token_format="at+jwt"), None)

    def ask() -> list[str]:
        with statements() as made:
            answer = flow.token(authorization=None, grant_type="client_credentials", **proof(make()))
        assert answer.status_code == 200, answer.content
        return made

    ask()
    assert ask() == cost
