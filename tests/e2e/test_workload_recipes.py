"""The commands of workloads.md, as a job and a pod run them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import DOCS
from tests.docs.snippets import of_page
from tests.trusted_issuers.idp import JWT_BEARER
from tests.workloads.platforms import github_token, kubernetes_token, trusted, workload_client

COMMANDS = [one for one in of_page(DOCS / "workloads.md") if one.language == "sh"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("one", COMMANDS, ids=str)
def test_a_workload_gets_a_token(live_server: Any, settings: Any, tmp_path: Path, one: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"trusted_issuers": {"issuers": trusted()}}
    for client_id in ("deploy", "payments-api"):
        workload_client(client_id, metadata__grant_types=["client_credentials", JWT_BEARER])
    projected = tmp_path / "token"
    projected.write_text(kubernetes_token(), encoding="ascii")
    code = one.code.replace("/var/run/secrets/oauth/token", str(projected))

    environment = os.environ | {"SITE": live_server.url, "ASSERTION": github_token()}
    run = subprocess.run(["sh", "-ec", code], env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["scope"] == "notes:read"
