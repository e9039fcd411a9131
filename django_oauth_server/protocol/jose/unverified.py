"""What a JWT says before anybody has verified it: enough to know whose keys to ask for, and good for nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from django_oauth_server.protocol.jose.keys import InvalidJWT


def unverified(token: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """The header and the claims of a signed *token*. Raises `InvalidJWT` where it is none."""
    try:
        header, claims, _ = token.split(".")
        return _object(header), _object(claims)
    except (ValueError, RecursionError) as exc:
        raise InvalidJWT("it is not a JWT with three parts") from exc


def _object(part: str) -> Mapping[str, object]:
    document = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(document, dict):
        raise InvalidJWT("its header or its claims are not a JSON object")
    return document
