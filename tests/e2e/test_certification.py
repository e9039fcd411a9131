"""The page on certification, walked command by command: an OpenID Provider behind nginx, judged over HTTPS."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.e2e.clients.person import Person
from tests.e2e.conftest import ROOT, free_port
from tests.e2e.test_loadclients import DOCUMENT
from tests.outbound.server import WebServer, as_json
from tests.waiting import PATIENCE, until, until_served

requests = pytest.importorskip("requests")
pytestmark = pytest.mark.e2e

PAGE = (ROOT / "docs/certification.md").read_text(encoding="utf-8")
INSTALL, *COMMANDS, LOOK, ROTATE = re.findall(r"^```sh\n(.*?)^```", PAGE, re.S | re.M)
CALLBACK = "https://suite.example:8443/callback"


@dataclass
class Provider:
    """The provider that the page has set up, as the outside sees it."""

    folder: Path
    port: int
    behind: int
    discovery: dict[str, Any] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"https://op.example:{self.port}"

    def as_walked(self, *blocks: str) -> str:
        """The page's commands, with ports that are free here."""
        walked = "".join(blocks).replace("9443", str(self.port)).replace("8000", str(self.behind))
        return walked.replace("suite.example:8443", "127.0.0.1")  # a name that this machine's resolver knows

    def run(self, block: str) -> str:
        script = self.as_walked(COMMANDS[0], block)
        done = subprocess.run(
            ["bash", "-euc", script], cwd=self.folder, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # neither its proxies nor its authorities
        session.verify = str(self.folder / "ca.pem")
        return session

    def person(self) -> Person:
        person = Person("wonderland-1", "alice")
        person.browser = self.session()
        return person

    def get(self, name: str) -> requests.Response:
        return self.session().get(self.discovery[name])

    def ask(self, **params: str) -> str:
        """The authorization request of basic-1."""
        asked = {"client_id": "basic-1", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", **params}
        return f"{self.discovery['authorization_endpoint']}?{urlencode(asked)}"

    def tokens(self, person: Person, **params: str) -> dict[str, Any]:
        """For the code that *person* allowed."""
        code = parse_qs(urlsplit(person.answer(self.ask(prompt="consent", **params))).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        auth = ("basic-1", DOCUMENT["clients"][0]["client_secret"])
        answer = self.session().post(self.discovery["token_endpoint"], form, auth=auth)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def read(self, id_token: str) -> jwt.Token:
        return jwt.decode(id_token, KeySet.import_key_set(self.get("jwks_uri").json()), algorithms=["RS256"])


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("clone")
    (folder / "example_project").symlink_to(ROOT / "example_project")
    (folder / ".venv").symlink_to(sys.prefix)  # in place of the first command, which is the README's
    provider = Provider(folder, free_port(), free_port())
    unsupported = {"client_id": "sp-1", "profile": "fapi2", "redirect_uris": [CALLBACK]}
    document = copy.deepcopy(DOCUMENT)
    document |= {"issuer": provider.issuer, "clients": [*document["clients"], unsupported]}
    (folder / "clients.json").write_text(json.dumps(document))
    with (folder / "output").open("w") as sink:
        script = provider.as_walked(f"export EXAMPLE_VAR={folder}\n", *COMMANDS, "wait\n")
        walk = subprocess.Popen(
            ["bash", "-euc", script],
            cwd=folder,
            env=environment(),
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        provider.discovery = json.loads(_looked(provider, walk))
        with pytest.MonkeyPatch.context() as patch:
            _resolve_here(patch)
            yield provider
    finally:
        os.killpg(walk.pid, signal.SIGTERM)
        walk.wait(PATIENCE)


def _looked(provider: Provider, walk: subprocess.Popen[bytes]) -> str:
    """What the page's own look shows, once the servers have started."""
    here = ("127.0.0.1", provider.port)
    until_served(lambda: socket.create_connection(here).close(), walk, (provider.folder / "output").read_text)
    return provider.run(LOOK)


def _resolve_here(patch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    at = {"op.example": "127.0.0.1"}
    patch.setattr(socket, "getaddrinfo", lambda host, *more, **named: resolve(at.get(host, host), *more, **named))


def test_the_first_command_is_the_one_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert INSTALL.strip() in readme


def test_the_document_is_loaded_and_what_was_left_out_is_said(provider: Provider) -> None:
    said = (provider.folder / "output").read_text()
    for line in ("created user alice", "created client basic-1", "skipped sp-1: clients[2].profile: 'fapi2' is not"):
        assert line in said


def test_what_is_written_into_the_clone_is_ignored(provider: Provider) -> None:
    own = {
        "example_project",
        ".venv",
        "output",
        "db.sqlite3",
        "db.sqlite3-shm",
        "db.sqlite3-wal",
        "secret_key",
        "pairwise_salt",
        "shop_secret",
        "orders_secret",
        "suite.key",  # another test's
        "suite.pem",
    }
    written = sorted({path.name for path in provider.folder.iterdir()} - own)
    assert {"op.env", "op.pem", "ca.key", "nginx.conf", "clients.json"} <= set(written)
    asked = [f"{name}/" if (provider.folder / name).is_dir() else name for name in written]
    known = subprocess.run(["git", "check-ignore", "--no-index", *asked], cwd=ROOT, capture_output=True, text=True)
    assert known.stdout.split() == asked


def test_a_shell_without_the_set_up_replaces_no_key(provider: Provider) -> None:
    script = provider.as_walked(f"export EXAMPLE_VAR={provider.folder}\n", ROTATE)
    done = subprocess.run(
        ["bash", "-euc", script], cwd=provider.folder, env=environment(), capture_output=True, text=True
    )
    assert done.returncode != 0
    assert f"This database has keys of {provider.issuer}." in done.stderr


@pytest.mark.requirement(1)
def test_discovery_is_found_at_the_issuer_that_it_names(provider: Provider) -> None:
    answer = provider.session().get(f"{provider.issuer}/.well-known/openid-configuration")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["issuer"] == provider.issuer


@pytest.mark.requirement(2)
def test_every_endpoint_is_https_at_the_issuer(provider: Provider) -> None:
    addresses = {
        name: url for name, url in provider.discovery.items() if name.endswith(("_endpoint", "_uri", "_iframe"))
    }
    assert len(addresses) >= 7
    assert all(url.startswith(f"{provider.issuer}/") for url in addresses.values()), addresses


@pytest.mark.requirement(29)
@pytest.mark.requirement(36)
def test_a_person_signs_in_allows_and_is_known(provider: Provider) -> None:
    tokens = provider.tokens(
        provider.person(), scope="openid profile email address phone", nonce="n-1", state="s" * 128
    )
    read = provider.read(tokens["id_token"])
    assert (read.claims["iss"], read.claims["aud"], read.claims["nonce"]) == (provider.issuer, "basic-1", "n-1")
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    address, session = provider.discovery["userinfo_endpoint"], provider.session()
    by_get, by_post = session.get(address, headers=bearer), session.post(address, headers=bearer)
    by_form = session.post(address, {"access_token": tokens["access_token"]})
    expected = DOCUMENT["users"][0]["claims"] | {"sub": read.claims["sub"]}
    assert [answer.json() for answer in (by_get, by_post, by_form)] == [expected] * 3


@pytest.mark.requirement(13)
@pytest.mark.spec("OpenID Connect Core", "3.1.2.1")
def test_how_they_signed_in_is_as_it_was_asked_for(provider: Provider) -> None:
    """With all that the metadata lists, or "1 2" where it lists nothing: whoever asks should be told one of them."""
    listed = provider.discovery.get("acr_values_supported", ["1", "2"])
    tokens = provider.tokens(provider.person(), acr_values=" ".join(listed))
    assert provider.read(tokens["id_token"]).claims.get("acr") in listed


def test_wrong_credentials_are_asked_for_again(provider: Provider) -> None:
    person = provider.person()
    person.password = "wrong"
    page = person.browser.get(provider.ask(login_hint="alice"))
    assert urlsplit(page.url).path == "/accounts/login/"
    assert 'value="alice"' in page.text
    again = person._submit(page, username="alice", password="wrong")
    assert (again.status_code, 'id="login"' in again.text, 'role="alert"' in again.text) == (200, True, True)


def test_consent_is_at_the_authorization_endpoint_and_deny_is_an_answer(provider: Provider) -> None:
    person = provider.person()
    page = person._submit(person.browser.get(provider.ask(prompt="consent")), username="alice", password="wonderland-1")
    assert page.url.startswith(f"{provider.discovery['authorization_endpoint']}?")
    assert 'id="allow"' in page.text
    assert 'id="deny"' in page.text
    answer = person._submit(page, follow=False, decision="deny").headers["Location"]
    assert parse_qs(urlsplit(answer).query)["error"] == ["access_denied"]


@pytest.mark.requirement(45)
@pytest.mark.requirement(46)
def test_signing_out_is_confirmed_and_ends_the_session(provider: Provider) -> None:
    person = provider.person()
    provider.tokens(person)
    assert "code=" in person.browser.get(provider.ask(prompt="none"), allow_redirects=False).headers["Location"]
    question = person.browser.get(provider.discovery["end_session_endpoint"])
    assert 'id="logout-confirm"' in question.text
    person._submit(question, decision="sign_out")
    silent = person.browser.get(provider.ask(prompt="none"), allow_redirects=False).headers["Location"]
    assert parse_qs(urlsplit(silent).query)["error"] == ["login_required"]


@pytest.mark.requirement(38)
def test_a_client_registers_itself_and_goes(provider: Provider) -> None:
    session = provider.session()
    made = session.post(provider.discovery["registration_endpoint"], json={"redirect_uris": [CALLBACK]})
    assert made.status_code == 201, made.text
    headers = {"Authorization": f"Bearer {made.json()['registration_access_token']}"}
    assert session.delete(made.json()["registration_client_uri"], headers=headers).status_code == 204


@pytest.fixture
def suite(provider: Provider) -> Iterator[WebServer]:
    """The host from which everything is judged, under the same private authority."""
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=suite -keyout suite.key -out suite.pem -CA ca.pem -CAkey ca.key "
        "-addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE && cat suite.key >>suite.pem"
    )
    subprocess.run(["bash", "-euc", command], cwd=provider.folder, capture_output=True, check=True)
    server = WebServer(provider.folder / "suite.pem")
    server.pages["/logout"] = (200, {}, b"")
    yield server
    server.stop()


@pytest.mark.requirement(25)
@pytest.mark.requirement(34)
@pytest.mark.requirement(48)
def test_the_suites_own_host_is_asked_for_keys_and_requests_and_told_of_the_end(
    provider: Provider, suite: WebServer
) -> None:
    key = RSAKey.generate_key(2048, {"kid": "suite-1", "alg": "RS256", "use": "sig"})
    suite.pages["/jwks"] = as_json({"keys": [key.as_dict(private=False)]})
    session, now = provider.session(), int(time.time())
    said = {
        "redirect_uris": [CALLBACK],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": suite.url("/jwks"),
        "request_uris": [suite.url("/request")],
        "request_object_signing_alg": "RS256",
        "backchannel_logout_uri": suite.url("/logout"),
    }
    made = session.post(provider.discovery["registration_endpoint"], json=said)
    assert made.status_code == 201, made.text
    me = made.json()["client_id"]

    def signed(**claims: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": "suite-1"}, {"iss": me, "aud": provider.issuer, **claims}, key)

    wish = {
        "client_id": me,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "nonce": "by reference",
    }
    suite.pages["/request"] = (200, {"Content-Type": "application/oauth-authz-req+jwt"}, signed(**wish).encode())
    asked = {"client_id": me, "response_type": "code", "scope": "openid", "request_uri": suite.url("/request")}
    person = provider.person()
    answer = person.answer(f"{provider.discovery['authorization_endpoint']}?{urlencode(asked)}")
    proof = signed(sub=me, aud=provider.discovery["token_endpoint"], jti="1", iat=now, exp=now + 60)
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(answer).query)["code"][0],
        "redirect_uri": CALLBACK,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": proof,
    }
    bought = session.post(provider.discovery["token_endpoint"], form)
    assert bought.status_code == 200, bought.text
    signed_in = provider.read(bought.json()["id_token"]).claims
    assert signed_in["nonce"] == "by reference"

    question = person.browser.get(provider.discovery["end_session_endpoint"])
    person._submit(question, decision="sign_out")
    until(lambda: suite.forms)
    told = provider.read(suite.forms[0]["logout_token"]).claims
    assert (told["sub"], told["sid"], told["aud"]) == (signed_in["sub"], signed_in["sid"], me)


@pytest.mark.requirement(42)
def test_a_site_of_several_hosts_proves_that_they_are_its_own(provider: Provider, suite: WebServer) -> None:
    said = {"redirect_uris": [CALLBACK], "subject_type": "pairwise", "sector_identifier_uri": suite.url("/sector")}
    suite.pages["/sector"] = as_json(["https://other.example/callback"])
    refused = provider.session().post(provider.discovery["registration_endpoint"], json=said)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    suite.pages["/sector"] = as_json(["https://other.example/callback", CALLBACK])
    made = provider.session().post(provider.discovery["registration_endpoint"], json=said)
    assert (made.status_code, made.json()["subject_type"]) == (201, "pairwise")


@pytest.mark.requirement(10)
def test_a_new_key_signs_at_once_and_the_former_stays(provider: Provider) -> None:
    former = {key["kid"] for key in provider.get("jwks_uri").json()["keys"]}
    provider.run(f"export EXAMPLE_VAR={provider.folder}\n{ROTATE}")
    time.sleep(6)
    now = {key["kid"] for key in provider.get("jwks_uri").json()["keys"]}
    assert former < now
    assert provider.read(provider.tokens(provider.person())["id_token"]).header["kid"] in now - former


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest.mark.requirement(60)
@pytest.mark.parametrize(
    ("version", "ciphers", "accepted"),
    [
        (ssl.TLSVersion.TLSv1_3, "DEFAULT", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-GCM-SHA256", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES256-GCM-SHA384", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-RSA-AES128-SHA256", False),
        (ssl.TLSVersion.TLSv1_2, "AES128-GCM-SHA256", False),
        (ssl.TLSVersion.TLSv1_2, "DHE-RSA-AES128-GCM-SHA256", False),
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", False),
    ],
)
def test_the_port_opens_with_what_bcp_195_has(
    provider: Provider, version: ssl.TLSVersion, ciphers: str, accepted: bool
) -> None:
    context = ssl.create_default_context(cafile=str(provider.folder / "ca.pem"))
    context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", provider.port)) as plain:
        try:
            context.wrap_socket(plain, server_hostname="op.example").close()
            opened = True
        except ssl.SSLError:
            opened = False
    assert opened == accepted
