"""JWTs that are encrypted and decrypted, and everything that is refused (RFC 7516, RFC 7518 sections 4 and 5, RFC 8725)."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from django_oauth_server.protocol.jose import (
    CONTENT_ENCRYPTION,
    KEY_MANAGEMENT,
    DecryptionKeyPair,
    EncryptionKeySet,
    InvalidJWT,
    SigningKeyPair,
    UnknownKey,
    decrypt,
    encrypt,
)

PLAIN = '{"sub": "somebody, ключ"}'
PAIRS = {alg: DecryptionKeyPair.generate(alg) for alg in KEY_MANAGEMENT}
RSA, EC = PAIRS["RSA-OAEP-256"], PAIRS["ECDH-ES"]
KEYS = EncryptionKeySet.parse({"keys": [pair.public_jwk() for pair in PAIRS.values()]})
GOOD = encrypt(PLAIN, KEYS, alg="RSA-OAEP-256", enc="A256GCM")
AGREED = encrypt(PLAIN, KEYS, alg="ECDH-ES", enc="A128GCM")
EVERY = jwe.JWERegistry(
    algorithms=["RSA1_5", "RSA-OAEP", "RSA-OAEP-256", "dir", "A128GCM", "A192GCM", "A256GCM", "DEF"],
    strict_check_header=False,
)
EVERY.max_ciphertext_length = 10**7


def header_of(token: str) -> dict[str, object]:
    segment = token.partition(".")[0]
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))  # type: ignore[no-any-return]


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_header(token: str = GOOD, **members: object) -> str:
    """*token* with members of its header changed or, where None, taken away; the tag no longer fits."""
    header = {name: value for name, value in (header_of(token) | members).items() if value is not None}
    return ".".join([segment(header), *token.split(".")[1:]])


def made(plain: bytes = b"{}", key: object = RSA.key, **members: object) -> str:
    """A token as a stranger's library makes it."""
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": RSA.kid} | members
    return jwe.encrypt_compact(header, plain, key, registry=EVERY)  # type: ignore[arg-type]


def changed(part: int, value: str | None = None, token: str = GOOD) -> str:
    parts = token.split(".")
    parts[part] = ("A" if parts[part][:1] != "A" else "B") + parts[part][1:] if value is None else value
    return ".".join(parts)


@pytest.mark.parametrize("enc", CONTENT_ENCRYPTION)
@pytest.mark.parametrize("alg", KEY_MANAGEMENT)
def test_what_is_encrypted_for_a_key_its_private_half_decrypts(alg: str, enc: str) -> None:
    token = encrypt(PLAIN, KEYS, alg=alg, enc=enc)
    assert decrypt(token, PAIRS.values()) == PLAIN
    assert {name: header_of(token)[name] for name in ("alg", "enc", "kid", "cty")} == {
        "alg": alg,
        "enc": enc,
        "kid": PAIRS[alg].kid,
        "cty": "JWT",
    }


def test_what_is_no_jwt_inside_does_not_say_that_it_is() -> None:
    assert "cty" not in header_of(encrypt(PLAIN, KEYS, alg="ECDH-ES", enc="A128GCM", cty=""))


@pytest.mark.parametrize("curve", ["P-384", "P-521", "X25519"])
def test_a_client_may_have_a_key_on_another_curve(curve: str) -> None:
    key = OKPKey.generate_key("X25519") if curve == "X25519" else ECKey.generate_key(curve)  # type: ignore[arg-type]
    pair = DecryptionKeyPair.load(json.dumps(key.as_dict(private=True)).encode())
    keys = EncryptionKeySet.parse({"keys": [pair.public_jwk()]})
    assert decrypt(encrypt(PLAIN, keys, alg="ECDH-ES", enc="A128CBC-HS256"), [pair]) == PLAIN


class TestWhichKey:
    def jwk(self, of: str = "RSA-OAEP", /, **members: object) -> dict[str, object]:
        return {**PAIRS[of].key.as_dict(private=False), **members}

    def chosen(self, *jwks: object, alg: str = "RSA-OAEP") -> object:
        return header_of(encrypt(PLAIN, EncryptionKeySet.parse({"keys": list(jwks)}), alg=alg, enc="A128GCM")).get(
            "kid"
        )

    def test_one_without_a_use_will_do(self) -> None:
        assert self.chosen(self.jwk(kid="any")) == "any"

    def test_one_without_a_name_is_not_named(self) -> None:
        assert self.chosen(self.jwk()) is None

    def test_one_of_the_right_type_is_taken(self) -> None:
        assert self.chosen(self.jwk("ECDH-ES", kid="ec"), self.jwk(kid="rsa"), self.jwk(kid="next")) == "rsa"
        assert self.chosen(self.jwk(kid="rsa"), self.jwk("ECDH-ES", kid="ec"), alg="ECDH-ES+A128KW") == "ec"

    @pytest.mark.filterwarnings("ignore:Key size")
    @pytest.mark.parametrize(
        "unfit",
        [
            lambda self: self.jwk(use="sig"),
            lambda self: self.jwk(alg="RSA-OAEP-256"),
            lambda self: self.jwk(key_ops=["verify"]),
            lambda self: self.jwk("ECDH-ES"),
            lambda self: RSAKey.generate_key(1024).as_dict(private=False),
            lambda self: SigningKeyPair.generate("EdDSA").key.as_dict(private=False),
            lambda self: {"kty": "oct", "k": "c2VjcmV0"},
            lambda self: "junk",
        ],
    )
    def test_none_that_is_for_something_else(self, unfit: Callable[[object], object]) -> None:
        with pytest.raises(LookupError, match="no key is for encryption with RSA-OAEP"):
            self.chosen(unfit(self))
        assert self.chosen(unfit(self), self.jwk(kid="good")) == "good"

    @pytest.mark.parametrize("document", [None, [], {}, {"keys": None}])
    def test_what_is_no_jwk_set_is_said_to_be_none(self, document: object) -> None:
        with pytest.raises(ValueError, match="JWK Set"):
            EncryptionKeySet.parse(document)


REFUSED: dict[str, Callable[[], object]] = {
    "not a string": lambda: None,
    "bytes": lambda: b"\xff\xfe",
    "empty": lambda: "",
    "dots": lambda: "....",
    "a signed one": lambda: ".".join(GOOD.split(".")[:3]),
    "six parts": lambda: GOOD + ".a",
    "not ASCII": lambda: "é" + GOOD,
    "a lone surrogate": lambda: "\ud800" + GOOD,
    "a megabyte": lambda: GOOD + "A" * 2**20,
    "a long plaintext": lambda: made(b"x" * 2**17),
    "header: a list": lambda: ".".join([segment(["alg"]), *GOOD.split(".")[1:]]),
    "header: null": lambda: ".".join([segment(None), *GOOD.split(".")[1:]]),
    "header: deep": lambda: ".".join([base64.urlsafe_b64encode(b"[" * 700).rstrip(b"=").decode(), "", "", "", ""]),
    "alg: RSA1_5": lambda: made(alg="RSA1_5"),
    "alg: none": lambda: with_header(alg="none"),
    "alg: dir": lambda: made(alg="dir", key=OctKey.generate_key(256)),
    "alg: absent": lambda: with_header(alg=None),
    "alg: a list": lambda: with_header(alg=["RSA-OAEP-256"]),
    "alg: that the key is not for": lambda: made(alg="RSA-OAEP"),
    "enc: that is not allowed": lambda: made(enc="A192GCM"),
    "enc: absent": lambda: with_header(enc=None),
    "enc: a list": lambda: with_header(enc=["A256GCM"]),
    "zip": lambda: made(b"0" * 2**20, zip="DEF"),
    "crit": lambda: with_header(crit=["exp"], exp=1),
    "kid: absent, and two keys fit": lambda: with_header(AGREED, kid=None),
    "kid: unknown": lambda: with_header(kid="unknown"),
    "kid: a list": lambda: with_header(kid=[RSA.kid]),
    "header: changed": lambda: with_header(cty="json"),
    "key: changed": lambda: changed(1),
    "key: cut": lambda: changed(1, "AAAA"),
    "key: where it is agreed upon": lambda: changed(1, "AAAA", AGREED),
    "iv: changed": lambda: changed(2),
    "iv: empty": lambda: changed(2, ""),
    "ciphertext: changed": lambda: changed(3),
    "ciphertext: empty": lambda: changed(3, ""),
    "tag: changed": lambda: changed(4),
    "tag: cut": lambda: GOOD[:-8],
    "tag: empty": lambda: changed(4, ""),
    "epk: absent": lambda: with_header(AGREED, epk=None),
    "epk: a string": lambda: with_header(AGREED, epk="junk"),
    "epk: not on the curve": lambda: with_header(
        AGREED, epk={"kty": "EC", "crv": "P-256", "x": segment(1), "y": segment(1)}
    ),
    "epk: on another curve": lambda: with_header(AGREED, epk=ECKey.generate_key("P-384").as_dict(private=False)),
    "plaintext: not UTF-8": lambda: made(b"\xff"),
    "for another key": lambda: made(key=DecryptionKeyPair.generate("RSA-OAEP-256").key),
}


@pytest.mark.spec("RFC 8725", "3")
@pytest.mark.filterwarnings("ignore:JWE algorithm")
@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_refused(make: Callable[[], str]) -> None:
    with pytest.raises(InvalidJWT):
        decrypt(make(), [RSA, EC, DecryptionKeyPair.generate("ECDH-ES")])


def test_the_tools_that_make_the_refused_make_good_ones_too() -> None:
    assert decrypt(made(), [RSA]) == "{}"


@pytest.mark.parametrize("allowed", [{"algs": ["ECDH-ES"]}, {"encs": ["A128GCM"]}, {"algs": []}])
def test_what_is_not_on_the_callers_list_is_refused(allowed: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidJWT, match="not allowed here"):
        decrypt(GOOD, [RSA], **allowed)


def test_the_only_key_need_not_be_named() -> None:
    assert decrypt(made(kid=RSA.kid), [RSA]) == "{}"
    header = {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
    assert decrypt(jwe.encrypt_compact(header, b"{}", RSA.key, registry=EVERY), [RSA, EC]) == "{}"  # type: ignore[arg-type]


def test_an_unknown_key_can_be_told_from_other_refusals() -> None:
    with pytest.raises(UnknownKey):
        decrypt(GOOD, [])


@pytest.mark.spec("RFC 7517", "4.2")
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_public_jwk_is_for_encryption_and_holds_nothing_private(pair: DecryptionKeyPair) -> None:
    published = pair.public_jwk()
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & published.keys()
    assert (published["kid"], published["alg"], published["use"]) == (pair.kid, pair.alg, "enc")


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_key_is_loaded_as_it_was_saved(pair: DecryptionKeyPair) -> None:
    loaded = DecryptionKeyPair.load(pair.dump())
    assert (loaded.kid, loaded.alg) == (pair.kid, pair.alg)


def test_a_key_that_signs_does_not_decrypt() -> None:
    with pytest.raises(ValueError, match="fits no algorithm"):
        DecryptionKeyPair.load(SigningKeyPair.generate("RS256").dump())


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_raises_anything_else(token: str) -> None:
    with pytest.raises(InvalidJWT):
        decrypt(token, [RSA, EC])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["alg", "enc", "kid", "cty", "crit", "zip", "epk", "apu", "apv"]), json_values),
    st.sampled_from([GOOD, AGREED]),
)
def test_no_header_raises_anything_else(header: dict[str, object], token: str) -> None:
    with contextlib.suppress(InvalidJWT):
        assert decrypt(with_header(token, **header), [RSA, EC]) == PLAIN
