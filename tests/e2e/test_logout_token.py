"""What the example's relying party takes for a logout token, and what it does not."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

import pytest
from django.core.cache import cache
from joserfc import jwt

from django_oauth_server.protocol.jose import SigningKeyPair
from tests.e2e.conftest import ROOT

pytest.importorskip("authlib")
pytestmark = [pytest.mark.e2e, pytest.mark.spec("OpenID Connect Back-Channel Logout", "2.6")]
EVENT = "http://schemas.openid.net/event/backchannel-logout"
FORMER, KEY, STRANGERS = (
    SigningKeyPair.generate("RS256"),
    SigningKeyPair.generate("RS256"),
    SigningKeyPair.generate("RS256"),
)


class Provider:
    """Stands in for Authlib's client of the provider: what it fetched before the provider's key changed, and fetches when it is made to."""

    client_id = "guestbook"

    def __init__(self) -> None:
        self.asked = 0

    def load_server_metadata(self) -> dict[str, str]:
        return {"issuer": "https://as.example"}

    def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        self.asked += force
        return {"keys": [FORMER.public_jwk(), *([KEY.public_jwk()] if force else [])]}


@pytest.fixture
def logout_token(monkeypatch: pytest.MonkeyPatch) -> Any:
    cache.clear()
    monkeypatch.syspath_prepend(str(ROOT / "example_project/relying_party"))
    return import_module("guestbook.logout_token")


def token(pair: SigningKeyPair = KEY, **said: Any) -> str:
    """A good one, but for what is *said* otherwise; None leaves a claim out."""
    now = int(time.time())
    usual = {"iss": "https://as.example", "aud": "guestbook", "sub": "ada", "sid": "s1", "jti": "j1"}
    claims = usual | {"iat": now, "exp": now + 120, "events": {EVENT: {}}} | said
    header = {"alg": "RS256", "typ": "logout+jwt", "kid": pair.kid}
    return jwt.encode(header, {name: value for name, value in claims.items() if value is not None}, pair.key)


@pytest.mark.parametrize("said", [{}, {"sub": None}, {"sid": None}, {"aud": ["guestbook", "another"]}])
@pytest.mark.parametrize("pair", [FORMER, KEY], ids=["known", "fetched"])
def test_a_logout_token_is_read(logout_token: Any, pair: SigningKeyPair, said: dict[str, Any]) -> None:
    assert logout_token.read(token(pair, **said), Provider())["iss"] == "https://as.example"


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "https://other.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"iat": None},
        {"exp": None},
        {"exp": 1},
        {"jti": None},
        {"nonce": "n"},
        {"events": None},
        {"events": {"another": {}}},
        {"events": {EVENT: "then"}},
        {"events": [EVENT]},
        {"sub": None, "sid": None},
    ],
)
def test_what_says_anything_else_is_refused(logout_token: Any, said: dict[str, Any]) -> None:
    with pytest.raises(logout_token.InvalidLogoutToken):
        logout_token.read(token(**said), Provider())


def test_what_another_has_signed_is_refused(logout_token: Any) -> None:
    with pytest.raises(logout_token.InvalidLogoutToken):
        logout_token.read(token(STRANGERS), Provider())
    with pytest.raises(logout_token.InvalidLogoutToken):
        logout_token.read(".".join([*token(FORMER).split(".")[:2], token(STRANGERS).split(".")[2]]), Provider())


def test_tokens_that_name_unknown_keys_cause_one_fetch_in_a_while(logout_token: Any) -> None:
    provider = Provider()
    for _ in range(5):
        with pytest.raises(logout_token.InvalidLogoutToken):
            logout_token.read(token(STRANGERS), provider)
    assert provider.asked == 1
    assert logout_token.read(token(FORMER), provider)["sub"] == "ada"
