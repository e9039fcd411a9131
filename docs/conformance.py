"""Write `docs/conformance.md` from the tests: `python docs/conformance.py`; with `--check`, only say whether it is as the tests have it.

A test names what it shows: `@pytest.mark.requirement(19)`. Nothing is run: the tests are, by all that runs them.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"

REQUIREMENTS: Mapping[str, Mapping[int, str]] = {
    "Discovery and keys": {
        1: "metadata is JSON over https, and its issuer is the URL that it was fetched from",
        2: "every endpoint is https",
        3: "only registered metadata names",
        4: "ID tokens with RS256, and with one of PS256, ES256, EdDSA",
        5: "response types and grant types for dynamic registration",
        6: "scopes, claims, subject types and the userinfo endpoint are told",
        7: "the authentication methods that clients use are told",
        8: "request objects with RS256, and never `none`",
        9: "each key has a name of its own, no private part, and is strong enough",
        10: "a new key appears while the old one stays",
        11: "code challenge methods are told",
    },
    "Authorization endpoint": {
        12: "GET and POST, from any site, without a CSRF token",
        13: "what is unknown or merely wished for is no error",
        14: "an unregistered redirect URI gets a page, never a redirect",
        15: "a missing response type is told",
        16: "state comes back as it was sent, in errors too",
        17: "error descriptions keep to their characters",
        18: "a nonce is needed where an ID token travels in the browser",
        19: "`prompt=none` succeeds in silence or says why not",
        20: "`prompt=login` and `max_age` have a person sign in again",
        21: "`id_token_hint` with `prompt=none` succeeds in silence",
        22: "the order of scopes and parameters means nothing",
        23: "implicit and hybrid answers travel in the fragment, or in a form",
        24: "the `claims` parameter brings what it asks for, where it asks for it",
        25: "request objects are processed or refused, never ignored",
    },
    "Tokens": {
        26: "codes and tokens cannot be guessed",
        27: "a code works once; a second use takes back what it bought",
        28: "token responses are JSON that nobody keeps",
        29: "ID tokens say what they must",
        30: "no profile claims in an ID token that did not ask for them",
        31: "secrets work in the header and in the body, with any characters",
        32: "any client may use PKCE",
        33: "refreshing works, and says the same of the person",
        34: "`private_key_jwt` with either audience; a rotated client key is noticed within a minute",
    },
    "UserInfo": {
        35: "GET, POST with a header, POST with a form",
        36: "all standard claims of a person who has them",
        37: "signed responses",
    },
    "Dynamic registration": {
        38: "what fits is stored, and returned as registered",
        39: "a registration can be read and deleted",
        40: "what does not fit is refused with its error",
        41: "logo, policy and terms are shown where people sign in and agree",
        42: "`sector_identifier_uri` is fetched and compared",
    },
    "Logout": {
        43: "the way back needs a valid hint; otherwise there is a page",
        44: "a bad hint gets an error or a question",
        45: "without parameters a person is signed out, and told",
        46: "afterwards `prompt=none` fails",
        47: "front-channel iframes with issuer and session",
        48: "back-channel logout tokens",
        49: "all of it is told in the metadata",
    },
    "FAPI 2.0": {
        50: "pushed authorization requests",
        51: "no request but a pushed one",
        52: "PKCE with S256 alone",
        53: "response type code alone",
        54: "`iss` in every response",
        55: "client assertions for the issuer alone",
        56: "codes that live a minute",
        57: "DPoP",
        58: "mutual TLS",
        59: "refresh tokens that still work when the answer was lost",
        60: "protected resources",
    },
}


class Shown(NamedTuple):
    """A test, and a requirement that it shows."""

    number: int
    test: str
    skipped: bool


def page() -> str:
    """The page, as the tests are now."""
    shown: dict[int, list[Shown]] = {}
    for one in found():
        shown.setdefault(one.number, []).append(one)
    parts = [
        "# Conformance",
        "<!-- Written by docs/conformance.py from the tests. Mark a test, and run it. -->",
        "What the OpenID Foundation's certification looks at, in a line each, and the tests that show it: through the front door.\n"
        "*shown*: by tests that pass in every run of `.ci/run`. *not shown*: by no test; there is no FAPI 2.0 profile yet.",
    ]
    for heading, requirements in REQUIREMENTS.items():
        rows = [_row(number, words, shown.get(number, [])) for number, words in requirements.items()]
        parts += [
            f"## {heading}",
            "\n".join(["| # | Requirement | Status | Tests |", "| --- | --- | --- | --- |", *rows]),
        ]
    return "\n\n".join(parts) + "\n"


@cache
def found() -> tuple[Shown, ...]:
    """Every mark of every test."""
    return tuple(_found())


def _found() -> Iterator[Shown]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test_"):
                marks = [_mark(decorator) for decorator in function.decorator_list]
                skipped = any(name in {"skip", "xfail"} for name, _ in marks)
                test = f"{path.relative_to(ROOT)}::{function.name}"
                yield from (Shown(number, test, skipped) for name, number in marks if name == "requirement" and number)


def _mark(decorator: ast.expr) -> tuple[str, int]:
    call = decorator if isinstance(decorator, ast.Call) else None
    target = call.func if call else decorator
    name = target.attr if isinstance(target, ast.Attribute) else ""
    argument = call.args[0] if call and call.args else None
    return name, argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, int) else 0


def _row(number: int, words: str, shown: list[Shown]) -> str:
    status = "not shown" if not shown else "shown" if not any(one.skipped for one in shown) else "in part"
    return f"| {number} | {words} | {status} | {'<br>'.join(f'`{one.test}`' for one in shown) or '–'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is out of date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("out of date: conformance.md; run docs/conformance.py")


if __name__ == "__main__":
    main()
