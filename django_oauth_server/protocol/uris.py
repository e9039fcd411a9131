"""Redirect URIs and other addresses: what may be registered, what matches, and how parameters are put on."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Set
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import SplitResult, quote, unquote_plus, urlencode, urlsplit

RESPONSE_PARAMETERS: Final = frozenset(
    {
        "access_token",
        "code",
        "error",
        "error_description",
        "error_uri",
        "expires_in",
        "id_token",
        "iss",
        "response",
        "scope",
        "session_state",
        "state",
        "token_type",
    }
)
"""What an authorization response may carry, by the registry "OAuth Parameters" (RFC 6749 section 11.2)."""
_DEFAULT_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})
_URI_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")  # RFC 3986 section 2, less the fragment's
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+\-]*(?:\.[a-z0-9+\-]+)+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*")
_VARYING_PORT = re.compile(r"\A(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}(?=[/?]|\Z)")
"""RFC 8252 section 7.3."""
_VARYING_PORT_OF_LOCALHOST = re.compile(r"\A(http://localhost):[0-9]{1,5}(?=[/?]|\Z)")
"""RFC 9700 section 2.1: of native apps. Elsewhere `localhost` is a name and must match in full (RFC 8252 section 8.3)."""
_LOCALHOST_WITHOUT_PORT = re.compile(r"\Ahttp://localhost(?=[/?]|\Z)")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST_OF_THREE_LABELS = re.compile(rf"(?!xn--)(?!.{{254}})(?:{_LABEL.pattern}\.){{2,}}(?![0-9]){_LABEL.pattern}")
"""RFC 1123 section 2.1. What ends in a number is an address, and `xn--` begins a name that was encoded as a whole (RFC 5890)."""
_UNDERSCORED = re.compile(r"[ .\[]")
_NOT_PRIVATE = frozenset({
    "about", "blob", "chrome", "cid", "data", "edge", "file", "filesystem", "ftp", "ftps", "git", "http", "https", "imap", "intent", "irc", "jar",
    "javascript", "ldap", "ldaps", "magnet", "mailto", "mid", "news", "resource", "rtsp", "sftp", "sip", "sips", "smb", "sms", "ssh", "tel",
    "telnet", "urn", "vbscript", "view-source", "webcal", "ws", "wss", "xmpp",
})  # fmt: skip
"""Schemes that a browser, or an app that everybody has, handles itself: what is sent there goes to somebody else, or is run."""


def check_redirect_uri(uri: str, *, allow_http: bool = False, private_schemes: Collection[str] = ()) -> None:
    """Raise ValueError, with the rule, unless *uri* may be registered.

    https anywhere; http to this device alone (RFC 8252 section 7.3), or anywhere with *allow_http*; private-use schemes with a dot
    (section 7.1), and *private_schemes*, which an operator allows. Fragments never (RFC 6749 section 3.1.2).
    """
    parts = _split(uri)
    if parts.scheme == "https" or (parts.scheme == "http" and (allow_http or is_loopback(uri))):
        _check_authority(parts)
    elif parts.scheme == "http":
        raise ValueError("http is for loopback addresses (127.0.0.1, [::1], localhost); use https")
    elif parts.scheme not in private_schemes and not _PRIVATE_USE.fullmatch(parts.scheme):
        raise ValueError(
            "a private-use scheme needs a dot, such as com.example.app (RFC 8252 section 7.1), unless an operator of this server allows it"
        )


def check_private_scheme(scheme: str) -> None:
    """Raise ValueError, with the rule, unless an operator may allow *scheme* although it has no dot."""
    if not _SCHEME.fullmatch(scheme):
        raise ValueError("it is not the name of a scheme in lower case (RFC 3986 section 3.1), such as cursor")
    if scheme in _NOT_PRIVATE:
        raise ValueError("browsers or well-known apps handle this scheme, so it is nobody's own")


def check_has_none_of(names: Set[str], uri: str) -> None:
    """Raise ValueError, with the rule, if the query of *uri* has a parameter of *names*: whoever reads the answer would find it there twice.

    As the laxest of them reads it: some frameworks split at semicolons, take `code[]` for `code`, `id.token` for `id_token`, or capital letters
    for small ones.
    """
    for name in _names_in_query(uri.replace(";", "&")):
        if name in names:
            raise ValueError(f"it must not have the parameter {name}, which answers carry")


def check_web_uri(uri: str) -> None:
    """Raise ValueError, with the rule, unless *uri* is an https address (http on loopback) fit to be shown to a person."""
    parts = _split(uri)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(uri)):
        raise ValueError("it must be an https address")
    _check_authority(parts)


def check_resource(uri: str) -> None:
    """Raise ValueError unless *uri* is absolute and has no fragment (RFC 8707 section 2)."""
    _split(uri)


def comparable(resource: str) -> str:
    """The identifier *resource* as it is compared: `https://host` and `https://host/` are one, and so are `HTTPS://Host:443` (RFC 3986
    section 6.2.3). Nothing else is: `/api` and `/api/` may be two."""
    try:
        parts = urlsplit(resource)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or resource[-1] in "?#":
            return resource
        return parts._replace(netloc=urlsplit(origin(resource)).netloc, path=parts.path or "/").geturl()
    except ValueError:
        return resource


def names_one_of(audience: Collection[str], resources: Collection[str]) -> bool:
    """Whether *audience* has one of *resources*. Nearly always they are written alike."""
    if any(one in resources for one in audience):
        return True
    return not {comparable(one) for one in audience}.isdisjoint(comparable(one) for one in resources)


def is_loopback(uri: str) -> bool:
    """Whether *uri* points to the device that the person uses."""
    return urlsplit(uri).scheme in {"http", "https"} and urlsplit(uri).hostname in _LOOPBACK_NAMES


def proves_identity(uri: str) -> bool:
    """Whether only the registered party can receive what is sent to *uri*: https, and not this device (OAuth 2.1 section 7.3.1)."""
    return urlsplit(uri).scheme == "https" and not is_loopback(uri)


def matches(registered: str, presented: str, *, any_port_of_localhost: bool = False) -> bool:
    """Exact string match (RFC 9700 section 2.1), except the port of a loopback address (RFC 8252 section 7.3).

    `http://localhost` without a port stands for every port, as no app on a person's device answers at port 80: editors and agents say so of
    themselves without saying that they are native apps.
    """
    any_port_of_localhost = any_port_of_localhost or _LOCALHOST_WITHOUT_PORT.match(registered) is not None
    varying = (_VARYING_PORT, _VARYING_PORT_OF_LOCALHOST) if any_port_of_localhost else (_VARYING_PORT,)
    return any(port.sub(r"\1", registered) == port.sub(r"\1", presented) for port in varying)


def check_preview_host(host: str) -> None:
    """Raise ValueError, with the rule, unless any name may stand for the `*` in *host*."""
    if "*" not in host.partition(".")[0] or not _HOST_OF_THREE_LABELS.fullmatch(host.replace("*", "x", 1)):
        raise ValueError(
            "it must be a host with one * in its first label and two labels or more behind it, such as *.preview.example.com"
        )


def is_preview_of(registered: str, presented: str) -> bool:
    """Whether *presented* is *registered* with a label of a host, or a part of one, in place of its `*`: no dot, slash or other delimiter."""
    before, _, after = registered.partition("*")
    varying = presented[len(before) : len(presented) - len(after)]
    return presented == before + varying + after and _LABEL.fullmatch(varying) is not None


def add_parameters(uri: str, parameters: Iterable[tuple[str, str]], component: Literal["query", "fragment"]) -> str:
    """*uri* with *parameters* in its query or fragment. All else in *uri*, which has no fragment, stays as it was registered, byte by byte.

    No parameter is there twice: one that the query of *uri* has already gives way.
    """
    added = list(parameters)
    if component == "query":
        uri = without_parameters(uri, {name for name, _ in added})
    separator = "#" if component == "fragment" else "&" if "?" in uri else "?"
    return uri + separator + urlencode(added, quote_via=quote)


def without_parameters(uri: str, names: Set[str]) -> str:
    """*uri* without those parameters of its query that have one of *names*."""
    if names.isdisjoint(_names_in_query(uri)):
        return uri
    path, _, query = uri.partition("?")
    kept = "&".join(one for one in query.split("&") if _name_of(one) not in names)
    return f"{path}?{kept}" if kept else path


def destination(uri: str) -> str:
    """What a person is told of where *uri* leads: its host (and port), or its scheme, as no host in a private-use URI means anything."""
    parts = urlsplit(uri)
    return origin(uri).partition("://")[2] if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


def origin(uri: str) -> str:
    """Scheme, host and port of a web address, as browsers compare them: in small letters, without the default port (RFC 6454 section 6.2)."""
    parts = urlsplit(uri)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def site(uri: str) -> str:
    """The host that stands for whoever is behind *uri*. Empty on people's own devices: a private-use URI names no host, whatever stands in it."""
    on_the_web = urlsplit(uri).scheme in {"http", "https"} and not is_loopback(uri)
    return (urlsplit(uri).hostname or "") if on_the_web else ""


def _names_in_query(uri: str) -> list[str]:
    return [_name_of(one) for one in uri.partition("?")[2].split("&")]


def _name_of(parameter: str) -> str:
    """PHP ends a name at a NUL or at the bracket that begins an index, and has an underscore for a space, a dot and a bracket that begins none."""
    name = unquote_plus(parameter.partition("=")[0]).partition("\0")[0].strip().lower()
    bare = name.partition("[")[0] if "]" in name else name
    return _UNDERSCORED.sub("_", bare)


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
    if "%" in parts.netloc:
        raise ValueError("its host must be written without percent escapes")
    if "[" in parts.netloc:
        ip_address(parts.hostname)
