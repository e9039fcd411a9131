"""Three services in processes of their own call each other for a person, by token exchange."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from django_oauth_server.protocol.pkce import challenge_of
from tests.e2e.clients.person import Person
from tests.e2e.conftest import ROOT
from tests.e2e.test_remote_api import CALLBACK, VERIFIER, Served
from tests.e2e.test_start import manage
from tests.outbound.server import Answer, WebServer
from tests.waiting import PATIENCE

requests = pytest.importorskip("requests")
pytestmark = pytest.mark.e2e

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SERVICES = ("shop", "orders", "stock")
PORTS = (8011, 8012, 8013)
PAGE = ROOT / "docs/token-exchange.md"


class Chain:
    """The example project, and the three services."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.server = Served("example_project", "example.wsgi", "/.well-known/oauth-authorization-server", home / "as")
        self.services = {
            name: Served("example_project/chain", "services.wsgi", f"/{name}", home / name) for name in SERVICES
        }
        where = {f"CHAIN_{name.upper()}": one.url for name, one in self.services.items()}
        self.environment = {"OAUTH_ISSUER": self.server.url, "EXAMPLE_VAR": str(home), **where}
        self.server.environment = self.environment
        for name, one in self.services.items():
            one.environment = {**self.environment, "SERVICE": name}
        self.password = self.manage("prepare").split("Password:")[1].split()[0]

    def manage(self, *arguments: str) -> str:
        return manage(self.home, *arguments, **self.environment)

    def __enter__(self) -> Chain:
        for one in (self.server, *self.services.values()):
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self.server, *self.services.values()):
            one.stop()

    def secret(self, name: str) -> str:
        return (self.home / f"{name}_secret").read_text()

    def client_of_a_person(self) -> str:
        made = self.manage(
            *("createclient", "--json", "--public", "--client-name", "Shopper", "--redirect-uri", CALLBACK),
            *("--grant-types", "authorization_code", "--scope", "orders:read stock:read"),
        )
        return str(json.loads(made)["client_id"])

    def token(self, client_id: str, service: str, scope: str = "orders:read stock:read") -> str:
        """As the person allowed it their own app."""
        asked = {
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "prompt": "consent",
            "scope": scope,
            "resource": self.services[service].url,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        answer = Person(self.password).answer(f"{self.server.url}/oauth/authorize?{urlencode(asked)}")
        code = parse_qs(urlsplit(answer).query)["code"][0]
        form = {"client_id": client_id, "redirect_uri": CALLBACK, "code_verifier": VERIFIER, "code": code}
        return str(self.bought(form | {"grant_type": "authorization_code"})["access_token"])

    def exchanged(self, by: str, token: str, to: str, scope: str) -> requests.Response:
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "resource": self.services[to].url,
            "scope": scope,
        }
        return requests.post(f"{self.server.url}/oauth/token", form, auth=(by, self.secret(by)), timeout=PATIENCE)

    def bought(self, form: dict[str, str]) -> dict[str, object]:
        answer = requests.post(f"{self.server.url}/oauth/token", form, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def call(self, service: str, token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.services[service].url}/{service}", headers=headers, timeout=PATIENCE)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with Chain(tmp_path_factory.mktemp("chain")) as running:
        yield running
        assert not [log for one in running.services.values() if "Traceback" in (log := one.log())]


@pytest.fixture(scope="module")
def app(chain: Chain) -> str:
    return chain.client_of_a_person()


@pytest.mark.spec("MCP", "access-token-privilege-restriction")
@pytest.mark.spec("RFC 8693", "4.1")
def test_each_service_is_called_for_the_person_by_the_one_before(chain: Chain, app: str) -> None:
    answer = chain.call("shop", chain.token(app, "shop")).json()
    assert (answer["for"], answer["client"], answer["acting"]) == ("1", app, [])
    orders = answer["orders"]
    assert (orders["for"], orders["client"], orders["acting"]) == ("1", "shop", ["shop"])
    stock = orders["stock"]
    assert (stock["for"], stock["client"], stock["acting"]) == ("1", "orders", ["orders", "shop"])
    assert (stock["scopes"], stock["left"]) == (["stock:read"], 3)
    assert "called for 1 by orders, acting: orders for shop" in chain.services["stock"].log()


@pytest.mark.spec("MCP", "access-token-privilege-restriction")
def test_a_token_opens_only_the_service_that_it_is_for(chain: Chain, app: str) -> None:
    first = chain.token(app, "shop")
    second = chain.exchanged("shop", first, "orders", "orders:read stock:read").json()["access_token"]
    assert {name: chain.call(name, first).status_code for name in ("orders", "stock")} == dict.fromkeys(
        ("orders", "stock"), 401
    )
    assert {name: chain.call(name, second).status_code for name in SERVICES} == {
        "shop": 401,
        "orders": 200,
        "stock": 401,
    }


def test_a_person_who_comes_without_the_shop_is_refused_by_orders(chain: Chain, app: str) -> None:
    refused = chain.call("orders", chain.token(app, "orders"))
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")


@pytest.mark.parametrize(
    "by, to, scope, error",
    [
        ("shop", "stock", "stock:read", "invalid_target"),
        ("shop", "orders", "notes:read", "invalid_scope"),
        ("orders", "stock", "stock:read", "invalid_request"),
    ],
)
def test_no_service_exchanges_more_than_its_rule_allows(
    chain: Chain, app: str, by: str, to: str, scope: str, error: str
) -> None:
    """The last is the token of the shop, in the hands of orders."""
    refused = chain.exchanged(by, chain.token(app, "shop"), to, scope)
    assert (refused.status_code, refused.json()["error"]) == (400, error)


def test_once_the_person_takes_it_back_the_chain_is_broken(chain: Chain, app: str) -> None:
    token = chain.token(app, "shop")
    assert chain.call("shop", token).status_code == 200
    requests.post(f"{chain.server.url}/oauth/revoke", {"token": token, "client_id": app}).raise_for_status()
    answer = chain.call("shop", token)
    assert (answer.status_code, answer.json()) == (502, {"service": "shop", "error": "invalid_request"})


def elsewhere(thief: WebServer) -> Answer:
    return 302, {"Location": thief.url("/")}, b""


@pytest.mark.parametrize("away", ["stock", "issuer"])
@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(None, id="nobody"),
        pytest.param(elsewhere, id="a redirect"),
        pytest.param(lambda thief: (200, {}, b"<html>"), id="no JSON"),
        pytest.param(lambda thief: (503, {}, b"[]"), id="no object"),
    ],
)
def test_a_next_service_that_does_not_answer_is_a_bad_gateway(
    chain: Chain, app: str, away: str, answers: Callable[[WebServer], Answer] | None
) -> None:
    """It may also be the issuer, which is asked with the client secret. Where a redirect leads, nobody is asked anything."""
    thief = WebServer(None)
    try:
        breaks_the_chain(chain, app, away, answers(thief) if answers else None)
    finally:
        thief.stop()
    assert not thief.asked


@pytest.mark.parametrize("said", [b"{}", b'{"access_token": null}', b'{"access_token": ["t"]}'])
def test_an_issuer_that_answers_without_a_token_is_a_bad_gateway(chain: Chain, app: str, said: bytes) -> None:
    breaks_the_chain(chain, app, "issuer", (200, {}, said))


def breaks_the_chain(chain: Chain, app: str, away: str, answer: Answer | None) -> None:
    """That the shop says so, and no more, while *answer* comes in the place of what is *away*, or nobody does."""
    token = chain.token(app, "shop")
    assert chain.call("shop", token).status_code == 200
    gone, impostor = {**chain.services, "issuer": chain.server}[away], None
    gone.stop()
    try:
        if answer:
            impostor = WebServer(None, port=gone.port)
            impostor.pages = dict.fromkeys(("/stock", "/oauth/token"), answer)
        said = chain.call("shop", token)
    finally:
        if impostor:
            impostor.stop()
        gone.start()
    assert (said.status_code, said.json()) == (502, {"service": "shop", "error": "temporarily_unavailable"})
    assert impostor is None or impostor.asked


def answers(said: str) -> Iterator[Any]:
    """One JSON document after the other."""
    while said := said.strip():
        document, end = json.JSONDecoder().raw_decode(said)
        yield document
        said = said[end:]


def test_the_session_of_the_documentation(chain: Chain, tmp_path: Path) -> None:
    """docs/token-exchange.md, typed into one shell: only the addresses are others, and the person presses the buttons."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    here = {f"http://127.0.0.1:{port}": chain.services[name].url for port, name in zip(PORTS, SERVICES, strict=True)}
    here |= {"http://127.0.0.1:8000": chain.server.url, "example_project/var": str(chain.home)}
    asked, *rest = (reduce(lambda code, one: code.replace(*one), here.items(), block) for block in blocks)
    with subprocess.Popen(["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin and shell.stdout
        print(asked, file=shell.stdin, flush=True)
        (address,) = re.findall(r"Open (\S+), sign in", shell.stdout.readline())
        Person(chain.password).connects(address)
        said, _ = shell.communicate("\n".join(rest))
    whole, orders, *refused = answers(said)
    assert (whole["client"], whole["orders"]["stock"]["acting"]) == ("shopper", ["orders", "shop"])
    assert orders == whole["orders"]
    assert [one["error"] for one in refused] == ["invalid_token", "invalid_token", "invalid_target"]
