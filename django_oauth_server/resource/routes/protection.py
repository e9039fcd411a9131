"""What stands between a stranger and a view."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from django_oauth_server.resource.requirement import Requirement, requires

AT_RUN_TIME: Final = "decided at run time"
"""What a view says whose code needs a real request to tell what it requires."""
NO_BEARER: Final = "no token gets in: it lacks BearerAuthentication"
"""What is noted of a REST framework view that asks for a token and reads none."""

_PARENTHESES = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What one view requires for some methods, by one mechanism or several."""

    view: str = ""
    """Its dotted name."""
    methods: tuple[str, ...] = ()
    """Empty: any."""
    mechanism: str = ""
    words: str = ""
    """All that a caller needs, for the person who audits. Empty: nothing."""
    requirement: Requirement | None = None
    """What of it is asked of a token."""
    note: str = ""

    def behind(self, outer: Protection) -> Protection:
        """The same view, with *outer* before it: both are needed."""
        requirements = [one for one in (outer.requirement, self.requirement) if one is not None]
        return replace(
            self,
            methods=self.methods or outer.methods,
            mechanism=", ".join(dict.fromkeys(filter(None, (self.mechanism, outer.mechanism)))),
            words=_both(outer, self),
            requirement=requires(*requirements) if requirements else None,
            note="; ".join(filter(None, (self.note, outer.note))),
        )


def grouped(protections: list[Protection]) -> list[Protection]:
    """The methods of which the same is said together."""
    said: list[Protection] = []
    for one in (replace(each, methods=()) for each in protections):
        if one not in said:
            said.append(one)
    return [replace(one, methods=_methods(one, protections)) for one in said]


def all_of(words: list[str]) -> str:
    """*words*, each of which is needed."""
    return " & ".join(f"({one})" if len(words) > 1 and " | " in _PARENTHESES.sub("", one) else one for one in words)


def dotted(view: Any) -> str:
    """The name by which a person finds *view* in the code."""
    while isinstance(view, partial):
        view = view.func
    named = view if hasattr(view, "__qualname__") else type(view)
    path = str(named.__qualname__)  # of what was made inside a function, or renamed, it is none
    own = path if path.endswith(named.__name__) and "<locals>" not in path else named.__name__
    return f"{named.__module__}.{own}"


def _methods(said: Protection, protections: list[Protection]) -> tuple[str, ...]:
    return tuple(sorted(name for one in protections if replace(one, methods=()) == said for name in one.methods))


def _both(outer: Protection, inner: Protection) -> str:
    """Any good token goes without saying where more is asked of it."""
    if inner.requirement is not None and outer.requirement == requires():
        return inner.words
    return all_of(list(dict.fromkeys(filter(None, (outer.words, inner.words)))))
