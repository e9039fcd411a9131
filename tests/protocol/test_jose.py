"""JWTs that are signed and verified, and everything that is refused (RFC 7515, 7517, 7519, 8725)."""

from __future__ import annotations

import base64
import contextlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from django_oauth_server.protocol import jose
from django_oauth_server.protocol.jose import InvalidJWT, KeySet, SigningKeyPair, UnknownKey, sign, verify

CLAIMS = {"iss": "https://as.example", "sub": "somebody", "jti": "an id"}
PAIRS = {alg: SigningKeyPair.generate(alg) for alg in jose.ALGORITHMS}
KEYS = KeySet.parse({"keys": [pair.public_jwk() for pair in PAIRS.values()]})
PAIR = PAIRS["ES256"]
GOOD = sign(CLAIMS, PAIR, typ="at+jwt")
EVERY = jws.JWSRegistry(
    algorithms=["none", "HS256", "ES256", "RS256", "PS256", "ES384", "EdDSA", "Ed25519"], strict_check_header=False
)


def forged(header: dict[str, object], payload: bytes = b"{}", key: object = PAIR.key) -> str:
    """A token as a stranger's library makes it."""
    return jws.serialize_compact({"typ": "at+jwt", "kid": PAIR.kid} | header, payload, key, registry=EVERY)  # type: ignore[arg-type]


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def with_header(**members: object) -> str:
    """The good token with members of its header changed or, where None, taken away; the signature no longer fits."""
    header = {"alg": "ES256", "typ": "at+jwt", "kid": PAIR.kid} | members
    return ".".join(
        [segment({name: value for name, value in header.items() if value is not None}), *GOOD.split(".")[1:]]
    )


def resigned(**members: object) -> str:
    """The same, with a signature that fits."""
    signing_input = with_header(**members).rpartition(".")[0]
    signature = jws.JWSRegistry(algorithms=["ES256"]).get_alg("ES256").sign(signing_input.encode(), PAIR.key)
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def hmac_signed(secret: bytes, **members: object) -> str:
    """By hand, as the library itself will not take a public key for a secret."""
    signing_input = with_header(alg="HS256", **members).rpartition(".")[0]
    mac = hmac.digest(secret, signing_input.encode(), "sha256")
    return f"{signing_input}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


@pytest.mark.parametrize("alg", jose.ALGORITHMS)
@pytest.mark.filterwarnings("error")
def test_what_one_key_signs_its_public_half_verifies(alg: str) -> None:
    assert verify(sign(CLAIMS, PAIRS[alg], typ="at+jwt"), KEYS, typ="at+jwt") == CLAIMS


@pytest.mark.spec("RFC 7515", "4.1.9")
@pytest.mark.parametrize(
    ("said", "asked"), [("AT+JWT", "at+jwt"), ("application/at+jwt", "at+jwt"), ("at+jwt", "application/AT+jwt")]
)
def test_a_type_is_compared_without_case_and_prefix(said: str, asked: str) -> None:
    assert verify(sign(CLAIMS, PAIR, typ=said), KEYS, typ=asked) == CLAIMS


@pytest.mark.spec("RFC 7515", "4")
def test_a_header_member_that_nobody_knows_is_ignored() -> None:
    assert verify(resigned(unheard_of=1), KEYS, typ="at+jwt") == CLAIMS


def test_signing_leaves_the_claims_as_they_were() -> None:
    claims = dict(CLAIMS)
    sign(claims, PAIR, typ="JWT")
    assert claims == CLAIMS


REFUSED: dict[str, Callable[[], object]] = {
    "not a string": lambda: None,
    "a number": lambda: 7,
    "bytes": lambda: b"\xff\xfe",
    "empty": lambda: "",
    "a word": lambda: "junk",
    "dots": lambda: "..",
    "five parts": lambda: GOOD + ".a.b",
    "two parts": lambda: GOOD.rpartition(".")[0],
    "NUL": lambda: GOOD + "\0",
    "not ASCII": lambda: "é" + GOOD,
    "a lone surrogate": lambda: "\ud800" + GOOD,
    "padding": lambda: GOOD + "=",
    "a megabyte": lambda: GOOD + "A" * 2**20,
    "header: a list": lambda: with_header().replace(with_header().partition(".")[0], segment(["alg"])),
    "header: a string": lambda: f"{segment('alg')}.e30.AA",
    "header: null": lambda: f"{segment(None)}.e30.AA",
    "header: deep": lambda: base64.urlsafe_b64encode(b"[" * 380).rstrip(b"=").decode() + ".e30.AA",
    "alg: none, signed by nobody": lambda: forged({"alg": "none"}),
    "alg: none, other letters": lambda: with_header(alg="nOnE"),
    "alg: absent": lambda: with_header(alg=None),
    "alg: a list": lambda: with_header(alg=["ES256"]),
    "alg: another curve": lambda: forged({"alg": "ES384"}, key=ECKey.generate_key("P-384")),
    "alg: of another key type": lambda: with_header(alg="RS256"),
    "alg: EdDSA with an EC key": lambda: with_header(alg="EdDSA"),
    "alg: EdDSA on another curve": lambda: forged({"alg": "EdDSA", "kid": "448"}, key=OKPKey.generate_key("Ed448")),
    "alg: Ed25519, which nobody published": lambda: forged(
        {"alg": "Ed25519", "kid": PAIRS["EdDSA"].kid}, key=PAIRS["EdDSA"].key
    ),
    "alg: PS256 by the key for RS256": lambda: forged(
        {"alg": "PS256", "kid": PAIRS["RS256"].kid}, key=PAIRS["RS256"].key
    ),
    "alg: RS256 by the key for PS256": lambda: forged(
        {"alg": "RS256", "kid": PAIRS["PS256"].kid}, key=PAIRS["PS256"].key
    ),
    "HS256 with the public PEM of RSA as its secret": lambda: hmac_signed(
        PAIRS["RS256"].key.as_pem(private=False), kid=PAIRS["RS256"].kid
    ),
    "HS256 with the public PEM as its secret": lambda: hmac_signed(PAIR.key.as_pem(private=False)),
    "HS256 with the public JWK as its secret": lambda: hmac_signed(json.dumps(PAIR.public_jwk()).encode()),
    "kid: absent": lambda: resigned(kid=None),
    "kid: empty": lambda: resigned(kid=""),
    "kid: a list": lambda: resigned(kid=[PAIR.kid]),
    "kid: unknown": lambda: resigned(kid="unknown"),
    "kid: of another key": lambda: resigned(kid=PAIRS["RS256"].kid),
    "typ: absent": lambda: resigned(typ=None),
    "typ: of an ID token": lambda: resigned(typ="JWT"),
    "typ: a number": lambda: resigned(typ=1),
    "its own key in the header": lambda: forged(
        {"alg": "ES256", "kid": "mine", "jwk": STRANGER.public_jwk()}, key=STRANGER.key
    ),
    "another's signature": lambda: forged({"alg": "ES256"}, key=STRANGER.key),
    "crit": lambda: resigned(crit=["exp"], exp=1),
    "crit: a number": lambda: resigned(crit=1),
    "crit: b64": lambda: resigned(crit=["b64"], b64=False),
    "b64 without crit": lambda: resigned(b64=False),
    "payload: changed": lambda: ".".join([GOOD.split(".")[0], segment(CLAIMS | {"sub": "root"}), GOOD.split(".")[2]]),
    "payload: a list": lambda: forged({"alg": "ES256"}, b"[]"),
    "payload: not JSON": lambda: forged({"alg": "ES256"}, b"\xff"),
    "payload: deep": lambda: forged({"alg": "ES256"}, b"[" * 90_000),
    "payload: a huge number": lambda: forged({"alg": "ES256"}, b'{"exp": ' + b"9" * 5000 + b"}"),
    "signature: none": lambda: GOOD.rpartition(".")[0] + ".",
    "signature: cut": lambda: GOOD[:-4],
    "signature: zeros": lambda: GOOD.rpartition(".")[0] + "." + "A" * 86,
}
STRANGER = SigningKeyPair.generate("ES256")


def test_the_tools_that_make_the_refused_make_good_ones_too() -> None:
    for token in (resigned(), forged({"alg": "ES256"}, json.dumps(CLAIMS).encode())):
        assert verify(token, KEYS, typ="at+jwt") == CLAIMS


@pytest.mark.spec("RFC 8725", "3")
@pytest.mark.filterwarnings("ignore:JWS algorithm", "ignore:EdDSA")
@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_refused(make: Callable[[], str]) -> None:
    with pytest.raises(InvalidJWT):
        verify(make(), KEYS, typ="at+jwt")


@pytest.mark.spec("RFC 8725", "3.1")
def test_an_algorithm_that_is_not_on_the_callers_list_is_refused() -> None:
    with pytest.raises(InvalidJWT):
        verify(GOOD, KEYS, algs=["RS256"], typ="at+jwt")


def test_an_empty_list_of_algorithms_allows_none() -> None:
    with pytest.raises(InvalidJWT):
        verify(GOOD, KEYS, algs=[], typ="at+jwt")


def test_an_unknown_key_can_be_told_from_other_refusals() -> None:
    with pytest.raises(UnknownKey):
        verify(GOOD, KeySet.parse({"keys": []}), typ="at+jwt")


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_raises_anything_else(token: str) -> None:
    with pytest.raises(InvalidJWT):
        verify(token, KEYS, typ="at+jwt")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "jku"]), json_values),
    json_values,
)
def test_no_header_and_payload_raise_anything_else(header: dict[str, object], payload: object) -> None:
    for alg in (*jose.ALGORITHMS, header.get("alg")):
        with pytest.raises(InvalidJWT):
            verify(
                f"{segment({'kid': PAIR.kid, 'typ': 'at+jwt'} | header | {'alg': alg})}.{segment(payload)}.{'A' * 86}",
                KEYS,
                typ="at+jwt",
            )


@given(
    json_values
    | st.fixed_dictionaries(
        {
            "keys": st.lists(
                json_values
                | st.dictionaries(
                    st.sampled_from(["kty", "kid", "crv", "x", "y", "n", "e", "d", "use", "alg", "key_ops"]),
                    json_values | st.sampled_from(["EC", "RSA", "OKP", "oct", "P-256", "Ed25519", "sig"]),
                )
            )
        }
    )
)
def test_a_jwk_set_of_junk_has_no_keys_or_is_a_value_error(document: object) -> None:
    with contextlib.suppress(ValueError):
        assert not KeySet.parse(document).keys


@pytest.mark.spec("RFC 7515", "4.1.6")
def test_a_chain_of_certificates_in_the_header_is_no_hindrance_and_names_no_key() -> None:
    chain = [base64.b64encode(bytes(1_800)).decode()] * 3

    assert verify(resigned(x5c=chain), KEYS, typ="at+jwt") == CLAIMS
    with pytest.raises(InvalidJWT, match="does not name a key"):
        verify(resigned(x5c=chain, kid=None), KEYS, typ="at+jwt")
    with pytest.raises(InvalidJWT):
        verify(resigned(x5c=chain * 2), KEYS, typ="at+jwt")


@pytest.mark.spec("RFC 7517", "5")
@pytest.mark.parametrize(
    "passed_over",
    [
        PAIR.public_jwk() | {"use": "enc"},
        PAIR.public_jwk() | {"key_ops": ["encrypt"]},
        PAIR.public_jwk() | {"alg": "ES384"},
        PAIR.public_jwk() | {"kty": "AKP"},
        PAIR.public_jwk() | {"y": PAIR.public_jwk()["x"]},
        {name: value for name, value in PAIR.public_jwk().items() if name != "kid"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": PAIR.kid},
        "junk",
    ],
)
def test_a_published_key_that_cannot_be_used_is_passed_over(passed_over: object) -> None:
    keys = KeySet.parse({"keys": [passed_over, PAIRS["RS256"].public_jwk()]})

    assert set(keys.keys) == {(PAIRS["RS256"].kid, "RS256")}


@pytest.mark.spec("RFC 7518", "3.3")
@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_rsa_key_is_passed_over() -> None:
    short = RSAKey.generate_key(1024, {"kid": "short"})

    assert not KeySet.parse({"keys": [short.as_dict(private=False)]}).keys


@pytest.mark.spec("RFC 7517", "4.1")
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_public_jwk_holds_nothing_private(pair: SigningKeyPair) -> None:
    published = pair.public_jwk()

    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & published.keys()
    assert (published["kid"], published["alg"], published["use"]) == (pair.kid, pair.alg, "sig")


@pytest.mark.spec("RFC 7638", "3.1")
def test_the_key_id_is_the_thumbprint() -> None:
    jwk = {
        "kty": "RSA",
        "n": (
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
            "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
            "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
            "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        ),
        "e": "AQAB",
    }
    assert RSAKey.import_key(jwk).thumbprint() == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert PAIR.kid == PAIR.key.thumbprint()


@pytest.mark.parametrize(
    ("alg", "form"),
    [(alg, SigningKeyPair.dump) for alg in PAIRS]
    + [(alg, lambda pair: pair.key.as_pem(private=True)) for alg in ("ES256", "RS256", "EdDSA")],
)
def test_a_key_is_loaded_as_it_was_saved(alg: str, form: Callable[[SigningKeyPair], bytes]) -> None:
    pair = PAIRS[alg]
    loaded = SigningKeyPair.load(form(pair))

    assert (loaded.kid, loaded.alg) == (pair.kid, pair.alg)
    assert verify(sign(CLAIMS, loaded, typ="JWT"), KEYS, typ="JWT") == CLAIMS


def test_an_rsa_key_of_a_pem_is_for_the_algorithm_that_all_understand() -> None:
    assert SigningKeyPair.load(PAIRS["PS256"].key.as_pem(private=True)).alg == "RS256"


def test_a_key_of_before_algorithms_were_saved_is_loaded() -> None:
    old = json.dumps(PAIRS["RS256"].key.as_dict(private=True)).encode()
    assert (SigningKeyPair.load(old).alg, SigningKeyPair.load(old).kid) == ("RS256", PAIRS["RS256"].kid)


def test_a_traditional_pem_is_loaded() -> None:
    native = PAIRS["RS256"].key.private_key
    assert native is not None
    pem = native.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert SigningKeyPair.load(pem).kid == PAIRS["RS256"].kid


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither a PEM"),
        (b"{", "neither a PEM"),
        (b'{"kty": "EC"}', "neither a PEM"),
        (b'{"kty": "oct", "k": "c2VjcmV0"}', "neither a PEM"),
        (b"\xff\xfe", "neither a PEM"),
        (PAIR.key.as_pem(private=False), "public key"),
        (json.dumps(PAIR.public_jwk()).encode(), "public key"),
        (ECKey.generate_key("P-384").as_pem(private=True), "fits no algorithm"),
        (json.dumps(PAIR.key.as_dict(private=True, alg="ES512")).encode(), "fits no algorithm"),
        (PAIR.key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), "passphrase"),
    ],
    ids=["nothing", "broken JSON", "half a JWK", "a secret", "bytes", "a public PEM", "a public JWK", "P-384", "ES512", "a passphrase"],
)  # fmt: skip
def test_a_file_that_cannot_sign_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SigningKeyPair.load(data)


def test_a_key_pair_does_not_show_its_key() -> None:
    assert str(PAIR.key.as_dict(private=True)["d"]) not in repr(replace(PAIR))


# -- keys and tokens of clients ------------------------------------------------------------------------------------------


def client_jwk(alg: str, **members: object) -> dict[str, object]:
    """As a client may publish it: without a name, for any algorithm that it fits, unless *members* say otherwise."""
    return {**PAIRS[alg].key.as_dict(private=False), **members}


def client_signed(alg: str, **header: object) -> str:
    return jws.serialize_compact(
        {"alg": alg} | header,
        json.dumps(CLAIMS).encode(),
        PAIRS[alg].key,
        registry=EVERY,  # type: ignore[arg-type]
    )


@pytest.mark.spec("OpenID Connect Core", "10.1")
@pytest.mark.filterwarnings("ignore:EdDSA")
@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_a_client_whose_only_fitting_key_has_no_name_need_not_name_it(alg: str) -> None:
    other = client_jwk("ES256" if alg != "ES256" else "EdDSA")
    keys = KeySet.of_client({"keys": [other, client_jwk(alg)]})
    assert verify(client_signed(alg), keys, typ="") == CLAIMS


@pytest.mark.spec("OpenID Connect Core", "10.1")
def test_a_client_with_two_keys_that_fit_names_one() -> None:
    second = SigningKeyPair.generate("ES256").public_jwk()
    keys = KeySet.of_client({"keys": [client_jwk("ES256", kid="first"), second]})
    assert verify(client_signed("ES256", kid="first"), keys, typ="") == CLAIMS
    with pytest.raises(InvalidJWT, match="does not name a key"):
        verify(client_signed("ES256"), keys, typ="")


def test_a_key_for_encryption_does_not_count() -> None:
    keys = KeySet.of_client({"keys": [client_jwk("RS256", use="enc"), client_jwk("PS256")]})
    assert verify(client_signed("PS256"), keys, typ="") == CLAIMS


def test_a_client_without_a_fitting_key_may_have_published_one_since() -> None:
    for token in (client_signed("ES256"), client_signed("ES256", kid="new")):
        with pytest.raises(UnknownKey):
            verify(token, KeySet.of_client({"keys": [client_jwk("RS256")]}), typ="")


def test_an_issuers_only_key_must_be_named() -> None:
    with pytest.raises(InvalidJWT, match="does not name a key"):
        verify(resigned(kid=None), KeySet.parse({"keys": [PAIR.public_jwk()]}), typ="at+jwt")


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_key_of_a_client_may_verify_both_and_only_what_it_says_where_it_does(alg: str) -> None:
    jwk = client_jwk(alg, kid="rsa")
    other = {"RS256": "PS256", "PS256": "RS256"}[alg]
    assert verify(client_signed(alg, kid="rsa"), KeySet.of_client({"keys": [jwk]}), typ="") == CLAIMS
    with pytest.raises(UnknownKey):
        verify(client_signed(alg, kid="rsa"), KeySet.of_client({"keys": [jwk | {"alg": other}]}), typ="")


@pytest.mark.spec("RFC 8725", "3.11")
@pytest.mark.parametrize(
    ("typ", "accepted"), [(None, True), ("JWT", True), ("oauth-authz-req+jwt", True), ("at+jwt", False)]
)
def test_one_of_several_types_is_enough(typ: str | None, accepted: bool) -> None:
    keys = KeySet.of_client({"keys": [client_jwk("ES256")]})
    token = client_signed("ES256", **({"typ": typ} if typ else {}))
    with contextlib.nullcontext() if accepted else pytest.raises(InvalidJWT, match="its type is not"):
        assert verify(token, keys, typ=("", "JWT", "oauth-authz-req+jwt")) == CLAIMS


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_no_text_raises_anything_else_for_a_client(token: str) -> None:
    with pytest.raises(InvalidJWT):
        verify(token, KeySet.of_client({"keys": [client_jwk("ES256")]}), typ="")


@pytest.mark.spec("RFC 7519", "7.2")
@pytest.mark.parametrize("payload", [[], [1], "text", 1, None, True])
def test_claims_that_are_no_object_are_refused_whatever_the_library_makes_of_them(
    payload: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "s3cret-" * 5
    of_key = forged({"alg": "ES256"}, json.dumps(payload).encode())
    of_secret = forged({"alg": "HS256"}, json.dumps(payload).encode(), OctKey.import_key(secret.encode()))
    for _ in range(2):
        with pytest.raises(InvalidJWT):
            verify(of_key, KEYS, typ="at+jwt")
        with pytest.raises(InvalidJWT):
            jose.verify_with_secret(of_secret, secret, typ="at+jwt")
        monkeypatch.setattr(jwt, "decode", lambda *args, **kwargs: jwt.Token({}, payload))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("modulus", "exponent", "known"), [(3072, 65537, True), (3072, 2**32 + 1, False), (8200, 65537, False)]
)
def test_a_key_that_takes_many_times_as_long_as_others_is_passed_over(modulus: int, exponent: int, known: bool) -> None:
    def b64(number: int) -> str:
        return base64.urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()

    jwk = {"kty": "RSA", "kid": "one", "n": b64(2**modulus - 1), "e": b64(exponent)}
    keys = KeySet.of_client({"keys": [jwk]})
    assert (("one", "RS256") in keys.keys) is known
    assert jose.is_costly(jwk) is not known
