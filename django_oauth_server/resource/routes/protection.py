"""What stands between a stranger and a view."""

from __future__ import annotations

import re
from collections.abc import Iterable
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
class Guard:
    """One thing that is asked before a view is reached."""

    words: str
    passes: bool | None = False
    """Whether a stranger passes. None: that cannot be known."""
    requirement: Requirement | None = None

    def behind(self, what: str) -> Guard:
        """The same, if *what* calls it at all: that cannot be known."""
        return self if self.passes else replace(self, words=f"{self.words} (after {what})", passes=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What one view requires for some methods, by one mechanism or several."""

    view: str = ""
    """Its dotted name."""
    methods: tuple[str, ...] = ()
    """Empty: any."""
    operation: str = ""
    """What of it is called, where one address serves several: `tools/call delete_note`. Empty: any of them."""
    mechanism: str = ""
    words: str = ""
    """All that a caller surely needs, for the person who audits. Empty: nothing."""
    requirement: Requirement | None = None
    """What of it is asked of a token."""
    doubt: str = ""
    """What may be asked, or may not: that cannot be known."""
    note: str = ""

    def guarded(self, guards: Iterable[Guard], mechanism: str) -> Protection:
        """The same view behind *guards*. One that lets a stranger pass is no more than a note."""
        asking = [one for one in guards if not one.passes]
        requirements = [one.requirement for one in asking if one.requirement is not None]
        return Protection(
            mechanism=mechanism if asking else "",
            words=_each(one for one in asking if one.passes is False),
            requirement=requires(*requirements) if requirements else None,
            doubt=_each(one for one in asking if one.passes is None),
            note="; ".join(dict.fromkeys(one.words for one in guards if one.passes)),
        ).before(self)

    def behind(self, what: str) -> Protection:
        """The same, if *what* calls the view at all, and for the same caller: that cannot be known."""
        doubt = all_of([f"{one} (after {what})" for one in (self.words, self.doubt) if one])
        return replace(self, words="", doubt=doubt)

    def before(self, inner: Protection) -> Protection:
        """The view of *inner*, with this before it: both are needed."""
        requirements = [one for one in (self.requirement, inner.requirement) if one is not None]
        return Protection(
            view=inner.view or self.view,
            methods=inner.methods or self.methods,
            operation=inner.operation,
            mechanism=", ".join(dict.fromkeys(filter(None, (inner.mechanism, self.mechanism)))),
            words=_both(self, inner),
            requirement=requires(*requirements) if requirements else None,
            doubt=all_of(list(filter(None, (self.doubt, inner.doubt)))),
            note="; ".join(filter(None, (inner.note, self.note))),
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


def _each(guards: Iterable[Guard]) -> str:
    return all_of(list(dict.fromkeys(one.words for one in guards)))


def _methods(said: Protection, protections: list[Protection]) -> tuple[str, ...]:
    return tuple(sorted(name for one in protections if replace(one, methods=()) == said for name in one.methods))


def _both(outer: Protection, inner: Protection) -> str:
    """Any good token goes without saying where more is asked of it."""
    if inner.requirement is not None and inner.words and outer.requirement == requires():
        return inner.words
    return all_of(list(dict.fromkeys(filter(None, (outer.words, inner.words)))))
