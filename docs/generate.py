"""Write the reference tables from the code: `python docs/generate.py`; with `--check`, only say whether they are as the code has them.

A deployment that has components of its own gets its own tables: set DJANGO_SETTINGS_MODULE, and name a folder.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).parent))
from messages import Message
from messages import read as read_messages

if TYPE_CHECKING:
    from django_oauth_server.component import Component
    from django_oauth_server.resource.bindings.base import TokenBinding

Advice = Mapping[str, Mapping[str, str]]
FOLDER = Path(__file__).parent / "reference"
PUBLIC: Mapping[str, tuple[str, ...]] = {
    "conf": (
        "Exchange",
        "IDJAG",
        "IssuerSettings",
        "People",
        "Policy",
        "Prefix",
        "Resource",
        "Scope",
        "TrustedIssuer",
        "Workload",
    ),
    "conf.openid": ("OPENID_SCOPES",),
    "resource.requirement": ("Requirement", "requires"),
    "resource.challenge": ("Challenge",),
    "resource.admission": ("refusal_headers",),
    "resource.drf": (
        "BearerAuthentication",
        "SignedIn",
        "narrowed",
        "requires",
        "requires_by_action",
        "requires_by_method",
    ),
    "resource.spectacular": ("ProtectedSchema",),
    "resource.django": ("ProtectedResourceMixin", "open_resource", "protected_resource"),
    "resource.asgi": ("asgi_view",),
    "resource.mcp": ("protected_mcp",),
    "resource.drf_throttling": ("AuthorizationRateThrottle", "ClientRateThrottle", "UserClientRateThrottle"),
    "resource.ninja_throttling": ("AuthorizationRateThrottle", "ClientRateThrottle", "UserClientRateThrottle"),
    "resource.ninja": ("NinjaAPI", "Refused", "TokenAuth", "answer_refusals", "requires"),
    "resource.token": ("VerifiedToken",),
    "resource.actor": ("Actor",),
    "resource.bindings.dpop": ("DPoP", "DPoPSettings"),
    "resource.bindings.base": ("Call", "TokenBinding", "Unproven"),
    "resource.verifiers.base": ("AuthorizationServer", "CannotVerify", "InvalidToken", "TokenVerifier"),
    "resource.verifiers.jwks": ("JWKSVerifier",),
    "resource.verifiers.introspection": ("IntrospectionVerifier",),
    "resource.verifiers.chain": ("ChainVerifier",),
    "verifier": ("LocalVerifier",),
    "component": ("Component", "Endpoint", "Member", "Sweep", "TellsFact", "Terms"),
    "endpoints.http": ("form_parameters", "json_object", "patient", "protocol_endpoint", "query_parameters"),
    "endpoints.visit": ("come_back", "visited"),
    "protocol.answer": ("Answer",),
    "protocol.parameters": ("Parameters",),
    "clients.throttling": ("limit", "source_of"),
    "storage.failures": ("note_failure",),
    "exchange.base": ("RequestedToken",),
    "exchange.rules": ("Allowed", "Asked"),
    "exchange.presented": ("Presented",),
    "grants.base": ("GrantType", "TokenRequest", "Issuance", "OtherToken"),
    "grants.allow": ("record_consent",),
    "storage.authorizations": ("live_authorization", "revoke_authorizations"),
    "storage.writing": ("Change", "Spending"),
    "clients.sources.base": ("ClientSource",),
    "clients.self_registration": ("metadata_of_itself",),
    "clients.methods.assertion": ("AssertionMethod",),
    "clients.methods.base": ("Attempt", "ClientAuthMethod", "Credentials", "Unproven", "is_public"),
    "clients.sources.find": ("find_client",),
    "authorization.channel": ("Channel", "NothingWaits", "PendingRequest"),
    "authorization.response_types.base": ("ResponseType",),
    "authorization.request": ("AuthorizationRequest", "Granted"),
    "authorization.response_modes.base": ("ResponseMode", "Redirect", "Page"),
    "authorization.sources.base": ("Arrival", "Found", "RequestSource"),
    "authorization.checks": ("Draft", "RequestCheck", "judge"),
    "authorization.prompts.base": ("FactPrompt", "Place", "Prompt", "Situation"),
    "authorization.prompts.waiting": ("wait",),
    "authorization.session": ("Authentication", "SessionFacts", "authentication"),
    "tokens.claims": ("UserClaims",),
    "templatetags.oauth_server": ("signing_in_for",),
    "tokens.bindings.base": ("Binding", "Call", "Possession"),
    "storage.presented": ("spend",),
    "grants.confirmation": ("check_promise",),
    "tokens.formats.base": ("TokenFormat",),
    "errors": (
        "OAuthError",
        "AccessDenied",
        "UnmetAuthenticationRequirements",
        "InteractionRequired",
        "AccountSelectionRequired",
        "ConsentRequired",
        "ContentTooLarge",
        "InvalidClient",
        "InvalidClientMetadata",
        "InvalidGrant",
        "InvalidRedirectUri",
        "InvalidRequest",
        "InvalidRequestObject",
        "InvalidRequestUri",
        "InvalidScope",
        "InvalidSoftwareStatement",
        "InvalidTarget",
        "InvalidToken",
        "LengthRequired",
        "LoginRequired",
        "MethodNotAllowed",
        "MissingToken",
        "RequestNotSupported",
        "RequestUriNotSupported",
        "TemporarilyUnavailable",
        "TooManyRequests",
        "UnapprovedSoftwareStatement",
        "UnauthorizedClient",
        "UnsupportedGrantType",
        "UnsupportedResponseType",
    ),
    "signals": ("authorization_granted", "authorization_revoked"),
    "models": ("Authorization", "Client", "SigningKey", "Ticket", "Token"),
    "testing.clients": ("AsyncClient", "Client", "TokenClientMixin"),
    "testing.drf": ("APIClient",),
    "testing.ninja": ("TestAsyncClient", "TestClient"),
    "testing.facts": ("Key",),
    "testing.issuer": ("REFUSED", "FakeIssuer"),
    "testing.proofs": ("DPoPKey",),
    "testing.served": ("served_issuer",),
    "testing.tokens": ("issue_token",),
    "testing.factories": ("AuthorizationFactory", "ClientFactory", "TicketFactory", "TokenFactory", "UserFactory"),
}
"""What other code may import. All else may change in any release."""

GENERATED = "<!-- Written by docs/generate.py from the code. Change the code, and run it. -->"


def main() -> None:
    """Write, or check, every page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="where the pages are")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a page is out of date")
    arguments = parser.parse_args()
    _set_up_django()
    stale = [name for name, text in pages().items() if _read(arguments.folder / name) != text]
    if arguments.check:
        sys.exit(f"out of date: {', '.join(stale)}; run docs/generate.py" if stale else 0)
    for name in stale:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        (arguments.folder / name).write_text(pages()[name], encoding="utf-8")


def pages() -> dict[str, str]:
    """The pages of this project's settings, by file name."""
    return {
        "settings.md": settings_page(),
        "components.md": components_page(),
        "api.md": api_page(),
        "messages.md": messages_page(),
    }


def settings_page() -> str:
    from django_oauth_server.conf import (
        PROFILES,
        Exchange,
        IssuerSettings,
        People,
        Policy,
        Resource,
        Scope,
        TrustedIssuer,
    )
    from django_oauth_server.resource.conf import ResourceServerSettings, bindings

    return _page(
        "Settings",
        """
        Settings are values: they are read once, checked at the start, and never change while a process runs. Unknown
        settings raise `ImproperlyConfigured` at startup, with a suggestion.
        """,
        "## `OAUTH_SERVER`",
        """
        A dict with these names, an `IssuerSettings`, or a list of either where one project runs several issuers (the first is the default).
        Only `issuer` is required. Lifetimes are `datetime.timedelta` values.
        """,
        _table(("Name", "Type", "Default", "Meaning"), _fields(IssuerSettings)),
        *_groups(_components(), "OAUTH_SERVER"),
        "## `throttles`",
        "The limits, and what brings them. A rate is a number, a slash, and `s`, `m`, `h` or `d`.",
        _table(("Name", "Default", "Of"), _throttles(_components())),
        "## `Scope`",
        "`scopes` maps a scope to words, or to a `Scope`: `from django_oauth_server.conf import Scope`.",
        _table(("Name", "Type", "Default", "Meaning"), _fields(Scope)),
        "## `Resource`",
        "`resources` maps an identifier to a name, or to a `Resource`: `from django_oauth_server.conf import Resource`.",
        _table(("Name", "Type", "Default", "Meaning"), _fields(Resource)),
        "## `Exchange`",
        "Each of the `rules` of `token_exchange`: `from django_oauth_server.conf import Exchange`. See [Token exchange](../token-exchange.md).",
        _table(("Name", "Type", "Default", "Meaning"), _fields(Exchange)),
        "## `TrustedIssuer`",
        "Each of `issuers` in `trusted_issuers`: `from django_oauth_server.conf import TrustedIssuer`. See [its page](../trusted-issuers.md).",
        _table(("Name", "Type", "Default", "Meaning"), _fields(TrustedIssuer)),
        "## `People`",
        "What a `TrustedIssuer` is good for with `people`: `from django_oauth_server.conf import People`.",
        _table(("Name", "Type", "Default", "Meaning"), _fields(People)),
        "## Profiles and `Policy`",
        """
        `profile` names a set of rules. `policy` takes a `Policy` of your own, and a client may be bound to a profile as well: composed, the
        tighter rule wins for each member, so nothing is loosened. `allow_…` loosens, `require_…` tightens, `maximum_…` bounds, and of
        `permitted_…` what all of them permit is left. A `Policy` in `policies` is a profile under its own name.
        """,
        _table(("Member", *(f"`{name}`" for name in PROFILES), "Meaning"), _members_of(Policy, PROFILES)),
        "## `OAUTH_RESOURCE_SERVER`",
        """
        For the app `django_oauth_server.resource`. All may be left out beside the authorization server.
        [Protecting an API](../protecting.md) explains them.
        """,
        _table(("Name", "Type", "Default", "Meaning"), _fields(ResourceServerSettings)),
        *_groups(bindings().values(), "OAUTH_RESOURCE_SERVER"),
    )


def components_page() -> str:
    from django_oauth_server.component import Component
    from django_oauth_server.conf import PROFILES

    components = list(_components())
    kinds = dict.fromkeys(_kind(type(one)) for one in components)
    sections = [
        text
        for kind in kinds
        if kind is not Component
        for text in (
            f"## {_heading(kind)}",
            _question(kind),
            _table(
                ("Name", "What it is", "Parameters", "Profiles"),
                (_component_row(one, PROFILES) for one in components if _kind(type(one)) is kind),
            ),
        )
    ]
    return _page(
        "Components",
        """
        Whatever can be switched on is a component: one class that says its name, what it reads, what it brings, advertises and asks of clients.
        URLs, metadata, registration, the admin's choices and these tables follow from the components. [Extending](../extending.md) shows how to
        add one.
        """,
        "## Endpoints",
        "Below the issuer's own path, unless it is well-known.",
        _table(("Name", "Path", "What it is for", "Parameters"), _endpoints(components)),
        *sections,
        "## Demands",
        "What a `Policy` may hold in `demands`, and which component sees to it.",
        _table(("Name", "Meaning", "Of"), _demands(components)),
        "## Client metadata",
        """
        The members that a client may register (RFC 7591 section 2). Each is a flag of `createclient`, and a field in the admin. Those of
        operators are privileges that no client may give itself.
        """,
        _table(("Member", "Kind", "Who", "Meaning"), _client_members(components)),
    )


def api_page() -> str:
    return _page(
        "Public names",
        """
        What your code may import, by module. It changes only as the changelog says; any other name may change in any release. The ids on pages
        that stay are listed under [Pages](../pages.md), the URL names under [Components](components.md).
        """,
        *(
            text
            for module, names in PUBLIC.items()
            for text in (f"## `django_oauth_server.{module}`", _table(("Name", "What it is"), _names(module, names)))
        ),
    )


def messages_page() -> str:
    said, advice = _said(), advice_on_messages()
    errors = dict.fromkeys(one.of for one in said if one.kind == "told")
    return _page(
        "Messages",
        """
        Every message of the package, and what to do about it. An ellipsis stands for what is filled in. [Troubleshooting](../troubleshooting.md)
        shows how to find the message that belongs to a failed request.
        """,
        "## What clients are told",
        "By the error code (`error`), then by the description (`error_description`).",
        *(text for error in sorted(errors) for text in _told(error, said, advice)),
        "## What the log says",
        "The logger `django_oauth_server` and those below it. A reason may be part of a longer line.",
        *(
            text
            for one in said
            if one.kind == "log"
            for text in (f"### {_plain(one.text)}", advice["log"].get(one.text, ""))
        ),
        "## System checks",
        "`manage.py check` has them. A warning that you have weighed is silenced with Django's `SILENCED_SYSTEM_CHECKS`.",
        *(
            text
            for one in sorted({one.of for one in said if one.kind == "check"})
            for text in _check(one, said, advice)
        ),
        front="---\ntocdepth: 2\n---\n",
    )


def _told(error: str, said: Iterable[Message], advice: Advice) -> Iterator[str]:
    yield f"### `{error}`"
    yield advice["errors"].get(error, "")
    texts = [one.text for one in said if one.kind == "told" and one.of == error]
    if error == "invalid_client_metadata":  # a rule says itself what to do
        yield "\n".join(f"- {_plain(text)}" for text in texts)
    else:
        yield from (part for text in texts for part in (f"#### {_plain(text)}", advice["told"].get(text, "")))


def _check(identifier: str, said: Iterable[Message], advice: Advice) -> Iterator[str]:
    found = [one for one in said if one.of == identifier]
    yield f"### `{identifier}`"
    yield "\n".join(f"- {_plain(one.text)}" for one in found if one.text != "…") or "The message is the error itself."
    yield advice["check"].get(identifier) or _plain(found[0].hint)


def advice_on_messages() -> Advice:
    """What to do about each message, as docs/advice.toml has it."""
    return tomllib.loads((Path(__file__).parent / "advice.toml").read_text(encoding="utf-8"))


def _said() -> list[Message]:
    import django_oauth_server

    return read_messages(django_oauth_server)


def _plain(text: str) -> str:
    """As Markdown that shows it as it is."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#|" else sign for sign in text)


# -- values from the code ----------------------------------------------------------------------------------------------


def _components() -> Iterable[Component]:
    """All that the package brings, whatever the profile, and what this project adds."""
    from django_oauth_server.registry import all_components

    return all_components()


def _kind(component: type[Component]) -> type[Component]:
    """The public name nearest to Component, GrantType or ResponseMode …; Component itself for what is of no kind."""
    from django_oauth_server.component import Component

    public = {name for names in PUBLIC.values() for name in names}
    shapes = reversed(component.__mro__[1 : component.__mro__.index(Component)])
    return next((one for one in shapes if one.__name__ in public), Component)


def _groups(components: Iterable[Component | TokenBinding], setting: str) -> Iterator[str]:
    """A section for each group of settings that a component has in *setting*."""
    groups = {one.settings_name: one.settings_group for one in components if one.settings_group}
    for name, group in groups.items():
        yield f"## `{name}` in `{setting}`"
        yield f"{_first_line(group)} A dict under this name, or a `{group.__module__}.{group.__name__}`."
        yield _table(("Name", "Type", "Default", "Meaning"), _fields(group))


def _throttles(components: Iterable[Component]) -> Iterator[tuple[str, ...]]:
    found: dict[str, tuple[str, list[str]]] = {}
    for one in components:
        for name, rate in one.throttles.items():
            found.setdefault(name, (rate, []))[1].append(f"`{one.name}`")
    for name, (rate, of) in found.items():
        yield f"`{name}`", f"`{rate}`", ", ".join(of)


def _component_row(one: Component, profiles: Mapping[str, Any]) -> tuple[str, ...]:
    allowed = [f"`{name}`" for name, policy in profiles.items() if one.allowed(policy)]
    parameters = ", ".join(f"`{name}`" for name in sorted(one.parameters))
    return f"`{one.name}`", _first_line(type(one)), parameters or "–", ", ".join(allowed)


def _endpoints(components: Iterable[Component]) -> Iterator[tuple[str, ...]]:
    for one in components:
        for endpoint in one.endpoints:
            path = f"/.well-known/{endpoint.route}" if endpoint.well_known else f"/{endpoint.route}"
            parameters = ", ".join(f"`{name}`" for name in sorted(one.parameters))
            yield f"`oauth_server:{endpoint.name}`", f"`{path}`", _first_line(type(one)), parameters or "–"


def _demands(components: Iterable[Component]) -> Iterator[tuple[str, ...]]:
    for one in components:
        for name, words in one.demands.items():
            yield f"`{name}`", str(words), f"`{one.name}`"


def _client_members(components: Iterable[Component]) -> Iterator[tuple[str, ...]]:
    members = {member.name: member for one in components for member in one.client_metadata}
    for member in members.values():
        who = "operator" if member.operator_only else "anybody"
        yield f"`{member.name}`", member.kind, who, str(member.help)


def _names(module: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    found = import_module(f"django_oauth_server.{module}")
    for name in names:
        value = getattr(found, name)
        yield f"`{name}`", _first_line(value) if callable(value) else _docstrings_of(found)[name]


def _fields(of: type) -> Iterator[tuple[str, ...]]:
    documented = _docstrings_of(of)
    for field in fields(of):
        yield f"`{field.name}`", _code(str(field.type)), _default(field), documented[field.name]


def _members_of(of: type, profiles: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    documented = _docstrings_of(of)
    for field in fields(of):
        if field.name != "name":
            values = (_value(getattr(policy, field.name)) for policy in profiles.values())
            yield f"`{field.name}`", *values, documented[field.name]


def _docstrings_of(of: type | ModuleType) -> dict[str, str]:
    """The string that follows each name in the body of a class or module."""
    tree = ast.parse(dedent(inspect.getsource(of)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else tree.body
    return {
        _name(statement): words.value.value
        for statement, words in pairwise(body)
        if isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant) and isinstance(words.value.value, str)
    }


def _name(statement: ast.stmt) -> str:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    return target.id if isinstance(target, ast.Name) else ""


def _default(field: Field[Any]) -> str:
    if field.default is not MISSING:
        return _value(field.default)
    return "required" if field.default_factory is MISSING else _value(field.default_factory())


def _value(value: object) -> str:
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return ", ".join(map(_value, sorted(value))) or "–"
    return _code(f'"{value}"' if isinstance(value, str) else repr(value))


def _duration(value: timedelta) -> str:
    for unit, seconds in (("day", 86400), ("hour", 3600), ("minute", 60)):
        number, rest = divmod(int(value.total_seconds()), seconds)
        if number and not rest:
            return f"{number} {unit}{'s' * (number > 1)}"
    return f"{int(value.total_seconds())} seconds"


# -- Markdown ----------------------------------------------------------------------------------------------------------


def _page(title: str, *parts: str, front: str = "") -> str:
    return front + "\n\n".join([f"# {title}", GENERATED, *(_paragraph(part) for part in parts)]) + "\n"


def _paragraph(part: str) -> str:
    return part if part.startswith(("|", "- ")) else " ".join(part.split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in line) + " |" for line in lines)


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _heading(kind: type[Component]) -> str:
    """GrantType: Grant types."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).strip()
    return words[0].upper() + words[1:] + "s"


def _question(kind: type[Component]) -> str:
    return f"`{kind.__module__}.{kind.__name__}`. {_first_line(kind)}"


def _first_line(documented: Callable[..., object]) -> str:
    return (inspect.getdoc(documented) or "").partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")


# -- the run -----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _set_up_django() -> None:
    """The settings that the environment names; without any, the least that there is."""
    import django
    from django.conf import settings

    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        settings.configure(
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_oauth_server"],
            SECRET_KEY="none of its secrets is used",
            USE_TZ=True,
            OAUTH_SERVER={"issuer": "https://as.example"},
        )
    django.setup()


if __name__ == "__main__":
    main()
