"""Nothing secret is kept: not in a table, not in a log line, of a full flow at DEBUG."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client as Browser

from django_oauth_server.keys.signing import signing_key
from django_oauth_server.registry import default_issuer
from tests.factories import ClientFactory, UserFactory
from tests.flow import VERIFIER, Flow

pytestmark = pytest.mark.django_db


class Kept(logging.Handler):
    """Every line that any logger wrote, arguments and tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))
        self.lines.append(repr(record.args))


@pytest.fixture
def log() -> Iterator[Kept]:
    """The root logger at DEBUG, with what oauthlib and the database say."""
    kept, root = Kept(), logging.getLogger()
    loggers = [
        root,
        *(
            logging.getLogger(name)
            for name in ("django_oauth_server", "oauthlib", "django.db.backends", "django.request")
        ),
    ]
    before = [(logger, logger.level) for logger in loggers]
    root.addHandler(kept)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(kept)
    for logger, level in before:
        logger.setLevel(level)


def everything_stored() -> str:
    """Every column of every row of every table of the package."""
    rows = (row for model in apps.get_app_config("django_oauth_server").get_models() for row in model.objects.values())
    return "\n".join(map(repr, rows))


def written(secret: str) -> set[str]:
    """The ways in which a secret might be written down."""
    raw = secret.encode()
    return {
        secret,
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


def walk(flow: Flow, secrets: set[str]) -> None:
    """All steps, well and badly made; *secrets* is filled with what nobody else may learn."""
    page = flow.authorize()
    secrets.add(page.content.decode().split('name="interaction" value="')[1].split('"')[0])
    code = flow.code()
    secrets.add(code)
    flow.exchange(code, code_verifier="w" * 43)
    bought = flow.exchange(code).json()
    secrets |= {bought["access_token"], bought["refresh_token"]}
    refreshed = flow.refresh(bought["refresh_token"]).json()
    secrets.add(refreshed["access_token"])
    secrets.add(refreshed.get("refresh_token", bought["refresh_token"]))
    flow.refresh(bought["refresh_token"], scope="unknown")
    flow.refresh("oas_rt_made_up_by_somebody")
    secrets.add("oas_rt_made_up_by_somebody")
    if not flow.client.is_public:
        flow.introspect(bought["access_token"])
    flow.revoke(refreshed["access_token"])
    again = flow.code()
    secrets.add(again)
    flow.exchange(again)
    flow.exchange(again)


@pytest.mark.spec("OAuth 2.1", "1.4")
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
@pytest.mark.parametrize("public", [False, True])
def test_a_full_flow_leaves_no_secret_behind(log: Kept, settings: Any, token_format: str, public: bool) -> None:
    settings.DEBUG = True  # the database logs its statements and their parameters
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    user, client = UserFactory(), ClientFactory(**({"public": True} if public else {}))
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(user)
    log.lines.clear()
    secrets = {VERIFIER, "w" * 43, *([client.secret] if client.secret else [])}

    walk(Flow(client, browser), secrets)
    private = signing_key(default_issuer()).key.as_dict(private=True)["d"]
    secrets.add(private)

    tables, lines = everything_stored(), "\n".join(log.lines)
    assert "UPDATE" in lines
    for secret in secrets:
        for form in written(secret):
            assert form not in tables
            assert form not in lines


def test_the_password_grant_writes_no_password(log: Kept, settings: Any) -> None:
    settings.DEBUG = True
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    user = UserFactory(password="correct horse battery staple")
    flow = Flow(ClientFactory(metadata__grant_types=["password"]), Browser())
    log.lines.clear()
    for password in ("correct horse battery staple", "a wrong guess at it"):
        flow.token(grant_type="password", username=user.username, password=password, scope="notes:read")
    for password in ("correct horse battery staple", "a wrong guess at it"):
        assert password not in "\n".join(log.lines)
        assert password not in everything_stored()
