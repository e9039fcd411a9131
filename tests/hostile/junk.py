"""What nobody should send."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import HealthCheck, settings

FORM = "application/x-www-form-urlencoded"
MEGABYTE = 1_000_000
BOUNDED = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def basic(raw: bytes) -> str:
    return "Basic " + base64.b64encode(raw).decode()


UNREADABLE = {
    "a lone percent sign": b"%",
    "half an escape": b"token=%4",
    "no hexadecimal escape": b"grant_type=%zz",
    "an escape of another kind": b"token=%u00fc",
    "escaped bytes that are no UTF-8": b"grant_type=%ff%fe",
    "half a character": b"token=%c3",
    "bytes that are no UTF-8": b"\xff\xfe=\xff",
    "a surrogate": b"state=%ED%A0%80",
    "NUL first": b"grant_type=%00client_credentials",
    "NUL last": b"grant_type=client_credentials%00",
    "NUL in a name": b"tok%00en=x",
    "NUL as it is": b"token=\0",
    "a megabyte": b"grant_type=" + b"x" * MEGABYTE,
    "more than Django reads": b"token=" + b"x" * 3 * MEGABYTE,
    "a megabyte of separators": b"&" * MEGABYTE,
    "a hundred thousand parameters": b"a=1&" * 100_000,
}
"""RFC 6749 appendix B: these mean nothing."""

MEANINGLESS = {
    "nothing": b"",
    "no names": b"=&=&=",
    "names alone": b"grant_type&token&client_id",
    "empty values": b"grant_type=&token=&client_id=",
    "names of another case": b"Grant_Type=client_credentials&TOKEN=x&Client_Id=x",
    "JSON": b'{"grant_type": "client_credentials", "token": "x"}',
    "a JSON list": b"[]",
    "XML": b"<grant_type>client_credentials</grant_type>",
    "semicolons": b"grant_type=client_credentials;token=x",
    "server state": b"user=1&client=1&scopes=a&facts=x&_params=x",
}
"""These can be read, and name nothing that is needed."""

WRONG_TYPES = {
    "JSON": "application/json",
    "JSON of JWT": "application/jwt",
    "multipart": "multipart/form-data; boundary=x",
    "multipart without a boundary": "multipart/form-data",
    "text": "text/plain",
    "none": "",
    "nonsense": "nonsense",
    "NUL": "\0",
    "non-ASCII": "\u00e9",
    "a long one": "x" * 5000,
    "a longer name": f"{FORM}-x",
    "as a parameter": f"text/plain; {FORM}",
}


class BrokenOff:
    """The body of a client that went away."""

    def read(self, *size: int) -> bytes:
        raise OSError("connection reset")

    readline = read


LENGTHS: dict[str, Any] = {
    "not a number": {"CONTENT_LENGTH": "abc"},
    "negative": {"CONTENT_LENGTH": "-5"},
    "empty": {"CONTENT_LENGTH": ""},
    "nought": {"CONTENT_LENGTH": "0"},
    "too short": {"CONTENT_LENGTH": "3"},
    "huge": {"CONTENT_LENGTH": "9" * 30},
    "broken off": {"wsgi.input": BrokenOff()},
}
