"""Redirect URIs and other addresses: what may be registered, what matches, and how parameters are put on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, quote, urlencode, urlsplit

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})
_URI_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")  # RFC 3986 section 2, less the fragment's
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+\-]*(?:\.[a-z0-9+\-]+)+")
_VARYING_PORT = re.compile(r"\A(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}(?=[/?]|\Z)")
"""RFC 8252 section 7.3. `localhost` is a name and must match in full (section 8.3)."""


def check_redirect_uri(uri: str, *, allow_http: bool = False) -> None:
    """Raise ValueError, with the rule, unless *uri* may be registered.

    https anywhere; http to this device alone (RFC 8252 section 7.3), or anywhere with *allow_http*; private-use schemes with a dot
    (section 7.1). Fragments never (RFC 6749 section 3.1.2).
    """
    parts = _split(uri)
    if parts.scheme == "https" or (parts.scheme == "http" and (allow_http or is_loopback(uri))):
        _check_authority(parts)
    elif parts.scheme == "http":
        raise ValueError("http is for loopback addresses (127.0.0.1, [::1], localhost); use https")
    elif not _PRIVATE_USE.fullmatch(parts.scheme):
        raise ValueError("a private-use scheme needs a dot, such as com.example.app (RFC 8252 section 7.1)")


def check_web_uri(uri: str) -> None:
    """Raise ValueError, with the rule, unless *uri* is an https address (http on loopback) fit to be shown to a person."""
    parts = _split(uri)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(uri)):
        raise ValueError("it must be an https address")
    _check_authority(parts)


def check_resource(uri: str) -> None:
    """Raise ValueError unless *uri* is absolute and has no fragment (RFC 8707 section 2)."""
    _split(uri)


def is_loopback(uri: str) -> bool:
    """Whether *uri* points to the device that the person uses."""
    return urlsplit(uri).scheme in {"http", "https"} and urlsplit(uri).hostname in _LOOPBACK_NAMES


def is_on_device(uri: str) -> bool:
    """Whether *uri* is of a native application: a private-use scheme, or http on loopback (RFC 8252 section 7)."""
    scheme = urlsplit(uri).scheme
    return scheme != "https" and (scheme != "http" or is_loopback(uri))


def proves_identity(uri: str) -> bool:
    """Whether only the registered party can receive what is sent to *uri*: https, and not this device (OAuth 2.1 section 7.3.1)."""
    return urlsplit(uri).scheme == "https" and not is_loopback(uri)


def matches(registered: str, presented: str) -> bool:
    """Exact string match (RFC 9700 section 2.1), except the port of a loopback address (RFC 8252 section 7.3)."""
    return _VARYING_PORT.sub(r"\1", registered) == _VARYING_PORT.sub(r"\1", presented)


def add_parameters(uri: str, parameters: Iterable[tuple[str, str]], component: Literal["query", "fragment"]) -> str:
    """*uri* with *parameters* in its query or fragment. *uri*, which has no fragment, stays as it was registered, byte by byte."""
    separator = "#" if component == "fragment" else "&" if "?" in uri else "?"
    return uri + separator + urlencode(list(parameters), quote_via=quote)


def destination(uri: str) -> str:
    """What a person is told of where *uri* leads: its host (and port), or its scheme, as no host in a private-use URI means anything."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


def origin(uri: str) -> str:
    """Scheme, host and port of a web address, as browsers compare them (RFC 6454 section 6.2)."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _split(uri: str) -> SplitResult:
    if "#" in uri:
        raise ValueError("it must not have a fragment")
    if not _URI_CHARACTERS.fullmatch(uri) or _BROKEN_ESCAPE.search(uri):
        raise ValueError("it has a character that a URI cannot have")
    try:
        parts = urlsplit(uri)
        _ = parts.port, parts.hostname
    except ValueError as exc:
        raise ValueError("it is not a URI") from exc
    if not parts.scheme or uri[: len(parts.scheme)] != parts.scheme:
        raise ValueError("it must be absolute, with its scheme in lower case")
    return parts


def _check_authority(parts: SplitResult) -> None:
    if not parts.hostname:
        raise ValueError("it names no host")
    if "@" in parts.netloc:
        raise ValueError("it must not have a user name")
    if "[" in parts.netloc:
        ip_address(parts.hostname)
