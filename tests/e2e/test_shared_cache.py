"""With a cache that the workers share (Redis), a change of a client reaches all of them at once, even where no statement is made."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.conftest import started
from tests.e2e.test_start import manage

pytestmark = pytest.mark.e2e


def test_a_disabled_client_is_refused_by_every_worker_at_once(tmp_path: Path) -> None:
    requests = pytest.importorskip("requests")
    redis = os.environ.get("TEST_REDIS_URL")
    if not redis:
        pytest.skip("TEST_REDIS_URL names no server")
    # Stateless tokens, so that the remembered client is all that a worker looks at.
    environment = {"CACHE_URL": redis, "OAUTH_TOKEN_FORMAT": "at+jwt"}
    with started(tmp_path, **environment) as example:
        environment["OAUTH_ISSUER"] = example.url
        document = json.dumps(
            {"client_name": "A service", "grant_types": ["client_credentials"], "scope": "notes:read"}
        )
        client = json.loads(manage(tmp_path, "createclient", "--json", "--metadata", document, **environment))
        credentials = (client["client_id"], client["client_secret"])

        def ask() -> int:
            answer = requests.post(f"{example.url}/oauth/token", {"grant_type": "client_credentials"}, auth=credentials)
            return int(answer.status_code)

        assert {ask() for _ in range(40)} == {200}
        disable = (
            "from django_oauth_server.models import Client; from django_oauth_server.storage.clients import set_active; "
            f"set_active(Client.objects.filter(client_id={client['client_id']!r}), active=False)"
        )
        manage(tmp_path, "shell", "-c", disable, **environment)
        assert {ask() for _ in range(20)} == {401}  # as many as may fail in a minute
