"""What is remembered of JWTs whose signature was good."""

from __future__ import annotations

import pytest

from django_oauth_server.protocol.jose import InvalidJWT, KeySet, SigningKeyPair, UnknownKey, sign, signatures
from django_oauth_server.resource.verifiers import signed
from django_oauth_server.resource.verifiers.signed import SignedTokens

PAIR, OTHER = SigningKeyPair.generate("ES256"), SigningKeyPair.generate("ES256")
CLAIMS = {
    "iss": "https://as.example",
    "aud": "https://api.example",
    "sub": "alice",
    "client_id": "app",
    "iat": 1_790_000_000,
    "exp": 4_000_000_000,
    "jti": "one",
}
GOOD = sign(CLAIMS, PAIR, typ="at+jwt")


def published(*pairs: SigningKeyPair) -> KeySet:
    return KeySet.parse({"keys": [pair.public_jwk() for pair in pairs]})


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signatures were looked at."""
    found: list[str] = []
    decode = signatures.jwt.decode
    monkeypatch.setattr(
        signatures.jwt, "decode", lambda token, *args, **kw: found.append(token) or decode(token, *args, **kw)
    )
    return found


def test_a_signature_that_was_good_is_not_looked_at_again(looked_at: list[str]) -> None:
    tokens, keys = SignedTokens(), published(PAIR)
    assert tokens.read(GOOD, keys).token() == tokens.read(GOOD, keys).token()
    assert looked_at == [GOOD]


def test_another_set_of_keys_begins_anew(looked_at: list[str]) -> None:
    tokens = SignedTokens()
    tokens.read(GOOD, published(PAIR, OTHER))
    with pytest.raises(UnknownKey):
        tokens.read(GOOD, published(OTHER))
    assert looked_at == [GOOD, GOOD]


def test_the_same_keys_read_again_are_no_other_set(looked_at: list[str]) -> None:
    tokens, keys = SignedTokens(), published(PAIR)
    tokens.read(GOOD, keys)
    tokens.read(GOOD, KeySet.parse({"keys": [PAIR.public_jwk()]}, keys))
    assert looked_at == [GOOD]


def test_what_was_refused_is_looked_at_again(looked_at: list[str]) -> None:
    tokens, keys = SignedTokens(), published(PAIR)
    for _ in range(2):
        with pytest.raises(InvalidJWT):
            tokens.read(GOOD[:-4] + "AAAA", keys)
    assert len(looked_at) == 2


def test_an_id_token_is_no_access_token() -> None:
    with pytest.raises(InvalidJWT, match="type"):
        SignedTokens().read(sign(CLAIMS, PAIR, typ="JWT"), published(PAIR))


def test_an_algorithm_that_is_not_allowed_is_refused() -> None:
    with pytest.raises(InvalidJWT, match="algorithm"):
        SignedTokens(["RS256"]).read(GOOD, published(PAIR))


@pytest.mark.spec("RFC 9068", "2.2")
@pytest.mark.parametrize("absent", CLAIMS)
def test_a_token_that_lacks_a_claim_is_refused(absent: str) -> None:
    token = sign({name: value for name, value in CLAIMS.items() if name != absent}, PAIR, typ="at+jwt")
    with pytest.raises(InvalidJWT, match=f"lacks the claims {absent}"):
        SignedTokens().read(token, published(PAIR))


@pytest.mark.parametrize("further", [{}, {"cnf": {"jkt": "a"}}], ids=["flat", "nested"])
def test_nobody_changes_what_another_caller_sees(further: dict[str, object]) -> None:
    tokens, keys = SignedTokens(), published(PAIR)
    token = sign(CLAIMS | further, PAIR, typ="at+jwt")
    for _ in range(2):
        seen = tokens.read(token, keys).token()
        assert seen.claims == CLAIMS | further
        assert seen.confirmation == further.get("cnf", {})
        seen.claims["sub"] = "mallory"  # type: ignore[index]
        seen.confirmation["jkt"] = "b"  # type: ignore[index]


def test_no_token_is_kept_and_not_more_than_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signed, "_MOST_KEPT", 3)
    tokens, keys = SignedTokens(), published(PAIR)
    for number in range(5):
        tokens.read(sign(CLAIMS | {"jti": str(number)}, PAIR, typ="at+jwt"), keys)
    tokens.read(GOOD, keys)
    assert len(tokens._known) == 3
    assert GOOD not in repr(list(tokens._known.items()))
