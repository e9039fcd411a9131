"""Nothing secret is kept: not in a table, not in a log line, of all that can happen, at DEBUG."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser

from django_oauth_server.clients.registration import new_secret
from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import Token
from django_oauth_server.protocol.basic import format_basic
from django_oauth_server.registry import default_issuer
from tests.assertions import assertion, key_client, proof, secret_client
from tests.factories import ClientFactory, UserFactory
from tests.flow import INTROSPECT, REVOKE, TOKEN, VERIFIER, Flow, answered

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.hostile.urls"), pytest.mark.spec("OAuth 2.1", "1.4")]

FORM = "application/x-www-form-urlencoded"
WRONG_VERIFIER = "wrong-verifier-" + "w" * 40
PASSWORD = "correct horse/battery+staple & ünïcode"


class Log(logging.Handler):
    """Every line that any logger writes, with arguments and tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [self.format(record), repr(record.args)]


@pytest.fixture
def log(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Every logger at DEBUG: the database's tells each statement with its parameters."""
    settings.DEBUG = True
    root, log = logging.getLogger(), Log()
    known = [one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    monkeypatch.setattr(root.manager, "disable", logging.NOTSET)
    for logger in (root, *known):
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        monkeypatch.setattr(logger, "disabled", False)
        monkeypatch.setattr(logger, "propagate", True)
        logger._cache.clear()
    root.addHandler(log)
    yield log
    root.removeHandler(log)
    for logger in (root, *known):
        logger._cache.clear()


class Watched(Flow):
    """A client whose every secret is noted, from whichever side it came."""

    def __init__(self, client: Any, browser: Browser) -> None:
        super().__init__(client, browser)
        self.secrets = {client.secret} if client.secret else set[str]()

    def authorize(self, **params: Any) -> HttpResponse:
        page = super().authorize(**params)
        self._note(*page.content.decode().split('name="interaction" value="')[1:2])
        return page

    def code(self, **params: Any) -> str:
        self._note(code := super().code(**params))
        return code

    def token(self, **params: Any) -> HttpResponse:
        response = super().token(**params)
        self._note(*(params.get(name) for name in ("code", "refresh_token", "code_verifier", "password")))
        self._note(*(response.json().get(name) for name in ("access_token", "refresh_token")))
        return response

    def _note(self, *secrets: object) -> None:
        for secret in filter(None, secrets):
            value = str(secret).partition('"')[0]
            self.secrets |= {value, *(value.split(".")[2:])}  # of a JWT, the signature too


def written(secret: str) -> Iterator[str]:
    """The ways in which *secret* might be written down, in a longer text as well."""
    raw = secret.encode()
    yield from (secret, ascii(secret)[1:-1], json.dumps(secret)[1:-1], quote_plus(secret), raw.hex(), raw.hex().upper())
    for offset in range(3):
        shifted = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")[offset + 1 : -1]
        yield from (shifted, shifted.replace("+", "-").replace("/", "_"))


def everything_stored() -> str:
    """Every column of every row of every table, as the database has it."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = []
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += cursor.fetchall()
    return "\n".join(map(repr, rows))


def assert_nowhere(secrets: set[str], log: Log) -> None:
    lines, tables = "\n".join(log.lines), everything_stored()
    for secret in secrets:
        for form in written(secret):
            assert form not in lines
            assert form not in tables


def assert_the_net_holds(flow: Flow, log: Log) -> None:
    """What is no secret is found in both, so that a secret would be."""
    for form in (flow.client.client_id, flow.redirect_uri):
        assert form in everything_stored()
        assert any(form in line for line in log.lines if "INSERT" in line or "SELECT" in line)


def buy_use_and_lose(flow: Watched) -> None:
    bought = flow.exchange(flow.code(prompt="consent")).json()
    flow.server.get("/api/view", headers={"Authorization": f"Bearer {bought['access_token']}"})
    for _ in range(2):  # the second is an honest retry
        refreshed = flow.refresh(bought["refresh_token"]).json()
    _ask(flow, INTROSPECT, refreshed["access_token"])
    _ask(flow, INTROSPECT, bought["refresh_token"])
    _ask(flow, REVOKE, refreshed["access_token"])
    flow.server.get("/api/rest-view", headers={"Authorization": f"Bearer {refreshed['access_token']}"})
    _ask(flow, REVOKE, refreshed.get("refresh_token", bought["refresh_token"]))


def replay(flow: Watched) -> None:
    code = flow.code()
    bought = flow.exchange(code).json()
    flow.exchange(code)
    flow.refresh(bought["refresh_token"])
    other = flow.exchange(flow.code()).json()
    flow.refresh(other["refresh_token"])
    Token.objects.filter(kind="refresh").update(superseded_at=Token.objects.latest("pk").issued_at - timedelta(days=1))
    flow.refresh(other["refresh_token"])


def fail_at_everything(flow: Watched) -> None:
    code = flow.code()
    for wrong in (
        {"code_verifier": WRONG_VERIFIER},
        {"code_verifier": None},
        {"code": "oas_ac_made-up-by-somebody"},
        {"redirect_uri": "https://client.example/elsewhere"},
        {"resource": "https://unknown.example"},
        {"authorization": format_basic(flow.client.client_id, "oas_cs_another-secret")},
        {"authorization": "Basic " + base64.b64encode(b"oas_cs_another-secret").decode()},
        {"authorization": "Basic oas_cs_another-secret"},
        {"authorization": "Bearer oas_at_made-up-by-somebody"},
        {"code": [code, code]},
        {"code_verifier": WRONG_VERIFIER + "é"},
        {"grant_type": "nonsense"},
    ):
        flow.exchange(code, **wrong)
    flow.secrets |= {WRONG_VERIFIER, "another-secret", "made-up-by-somebody"}
    flow.refresh("oas_rt_made-up-by-somebody")
    for path in (TOKEN, REVOKE, INTROSPECT):
        _ask(flow, path, "oas_at_made-up-by-somebody")
        flow.server.get(f"{path}?client_secret=oas_cs_another-secret&code={code}&token={code}")
        flow.server.post(path, f"client_secret=oas_cs_another-secret&code={code}&a=%zz", content_type=FORM)
        flow.server.post(path, {"client_secret": "oas_cs_another-secret", "code": code, "token": code})
    for header in ("Bearer oas_at_made-up-by-somebody", "Bearer made-up-by-somebody made-up-by-somebody"):
        flow.server.get("/api/view", headers={"Authorization": header})
        flow.server.get("/api/rest-view", headers={"Authorization": header})
    flow.server.post("/api/view", "access_token=oas_at_made-up-by-somebody", content_type=FORM)


def _ask(flow: Watched, path: str, token: str) -> None:
    headers, params = flow._authenticate("", {"token": token})
    flow.server.post(path, "&".join(f"{name}={value}" for name, value in params.items()), FORM, headers=headers)


@pytest.mark.parametrize("story", [buy_use_and_lose, replay, fail_at_everything])
@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
@pytest.mark.parametrize("public", [False, True], ids=["confidential", "public"])
def test_a_clients_story_leaves_no_secret_behind(
    log: Log, browser: Browser, settings: Any, story: Any, token_format: str, public: bool
) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    flow = Watched(ClientFactory(public=public), browser)
    story(flow)
    assert len(flow.secrets) > 3
    assert VERIFIER in flow.secrets
    assert_the_net_holds(flow, log)
    assert_nowhere(flow.secrets, log)


def test_a_secret_that_a_client_sends_in_the_wrong_place(log: Log, browser: Browser) -> None:
    """It is known by its prefix. At DEBUG alone the database tells of the client id that is looked for, and oauthlib of scopes."""
    log.addFilter(lambda record: not record.name.startswith(("django.db", "oauthlib")))
    flow = Watched(ClientFactory(), browser)
    code = flow.code()
    for misplaced in (flow.client.secret, code):
        for name in ("client_id", "grant_type", "resource", "scope", "redirect_uri"):
            flow.exchange(code, **{name: misplaced})
        flow.exchange(code, authorization=format_basic(misplaced, flow.client.client_id))
        for name in ("client_id", "redirect_uri", "response_type", "response_mode", "scope", "resource"):
            flow.authorize(**{name: misplaced})
    assert any("oas_cs_..." in line for line in log.lines)
    assert_nowhere(flow.secrets, log)


def test_a_page_of_the_projects_that_is_shown_for_a_refusal(
    log: Log, browser: Browser, settings: Any, tmp_path: Any
) -> None:
    """Django writes down with a traceback what a template asks for in vain, and there the refusal is the cause."""
    log.addFilter(lambda record: not record.name.startswith(("django.db", "oauthlib")))
    (tmp_path / "oauth_server").mkdir()
    (tmp_path / "oauth_server" / "error.html").write_text("{{ heading }} {{ client.home_url }}")
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    flow = Watched(ClientFactory(), browser)
    code = flow.code()
    for name in ("client_id", "redirect_uri"):
        assert flow.authorize(**{name: code}).status_code == 400
    assert any("During handling of the above exception" in line and "oas_ac_..." in line for line in log.lines)
    assert_nowhere(flow.secrets, log)


@pytest.mark.parametrize("client", [key_client, secret_client])
def test_a_clients_assertions(log: Log, client: Any) -> None:
    flow = Watched(client(), Browser())
    jwt, wrong = assertion(flow.client, jti="name-of-an-assertion"), assertion(flow.client, aud="https://other.example")
    for presented in (jwt, jwt, wrong, f"{jwt}x"):
        flow.token(authorization=None, grant_type="client_credentials", scope="email", **proof(presented))
    signatures = {part for presented in (jwt, wrong) for part in presented.split(".")[1:]}
    assert_nowhere({*flow.secrets, *signatures, "name-of-an-assertion"}, log)


@pytest.mark.parametrize("token_format", ["opaque", "at+jwt"])
def test_a_clients_own_tokens(log: Log, settings: Any, token_format: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": token_format}
    flow = Watched(ClientFactory(metadata__grant_types=["client_credentials"]), Browser())
    token = flow.token(grant_type="client_credentials", scope="email").json()["access_token"]
    for path in (INTROSPECT, REVOKE, INTROSPECT):
        _ask(flow, path, token)
    assert token in flow.secrets
    assert_nowhere(flow.secrets, log)


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
def test_the_private_key(log: Log, flow: Flow, settings: Any, alg: str) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"access_token_format": "at+jwt", "signing_alg": alg}
    flow.tokens()
    flow.server.get("/oauth/jwks")
    parts = signing_key(default_issuer()).key.as_dict(private=True)
    private = {str(parts[name]) for name in ("d", "p", "q", "dp", "dq", "qi") if name in parts}
    assert private
    assert parts["kid" if "kid" in parts else "kty"] in everything_stored()
    assert_nowhere(private, log)


@pytest.mark.parametrize("odd", ["s3cret/+&%: ü", "ключ" * 8])
def test_a_secret_that_an_operator_chose(log: Log, odd: str) -> None:
    flow = Watched(ClientFactory(secret=odd, metadata__grant_types=["client_credentials"]), Browser())
    flow.token(grant_type="client_credentials", scope="email")
    flow.token(grant_type="client_credentials", scope="email", authorization=format_basic("nobody", odd))
    flow.token(grant_type="client_credentials", authorization=None, client_id="nobody", client_secret=odd)
    assert_nowhere(flow.secrets, log)


def test_secrets_that_overlap(log: Log, client_app: Any) -> None:
    new_secret(client_app, default_issuer(), UserFactory().date_joined)
    new = new_secret(client_app, default_issuer(), UserFactory().date_joined)
    Watched(client_app, Browser()).token(authorization=format_basic(client_app.client_id, new))
    assert_nowhere({client_app.secret, new}, log)


def test_a_persons_password(log: Log, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    user = UserFactory(password=PASSWORD)
    flow = Watched(ClientFactory(metadata__grant_types=["password", "refresh_token"]), Browser())
    for password in (PASSWORD, f"{PASSWORD}, nearly"):
        flow.token(grant_type="password", username=user.username, password=password, scope="email")
    assert {PASSWORD, f"{PASSWORD}, nearly"} <= flow.secrets
    assert_nowhere(flow.secrets, log)


def test_a_token_that_is_answered_at_once(log: Log, browser: Browser, settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"profile": "legacy"}
    grants = {"metadata__grant_types": ["implicit"], "metadata__response_types": ["token"]}
    flow = Watched(ClientFactory(**grants), browser)
    answer = answered(flow.decide(flow.authorize(response_type="token")))
    assert_nowhere({*flow.secrets, answer["access_token"]}, log)
