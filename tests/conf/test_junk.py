"""Whatever stands in OAUTH_SERVER, the start stops with what to mend, or the server is whole: never a traceback of another kind."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any, Final

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.checks import check_issuers
from django_oauth_server.conf import IssuerSettings, Policy, Resource, Scope
from django_oauth_server.registry import all_components, default_issuer

JUNK: Final[tuple[object, ...]] = (
    *(
        None,
        True,
        0,
        -1,
        1.5,
        float("nan"),
        10**30,
        "",
        "x",
        "\0",
        "http://[",
        "https://as.example:99999",
        "a b",
        b"x",
        object(),
    ),
    *([], (), {}, set(), [None], [""], [[]], {"x": None}, {"": ""}, {7: 7}, {"x": {"x": "x"}}, {"https://[": "x"}),
    *(timedelta(), timedelta(-1), timedelta.max, Scope("x"), Resource("x"), Policy(name=""), [Policy(name="x")], int),
)
SETTINGS = [field.name for field in fields(IssuerSettings)]
GROUPS = {one.settings_name: one.settings_group for one in all_components() if one.settings_group}


def starts(settings: Any, plain: dict[str, Any], said: dict[str, Any]) -> bool:
    """Whether the server starts with what is *said*, and its checks can be made."""
    settings.OAUTH_SERVER = plain | said
    try:
        default_issuer()
    except ImproperlyConfigured:
        return False
    check_issuers()
    return True


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting(settings: Any, name: str) -> None:
    plain = settings.OAUTH_SERVER
    assert False in [starts(settings, plain, {name: junk}) for junk in JUNK]


@pytest.mark.parametrize(
    ("group", "name"), [(group, one.name) for group, kind in GROUPS.items() for one in fields(kind)]
)
def test_a_setting_of_a_component(settings: Any, group: str, name: str) -> None:
    plain = settings.OAUTH_SERVER
    assert False in [starts(settings, plain, {group: {name: junk}}) for junk in JUNK]


@pytest.mark.parametrize("name", [field.name for field in fields(Policy) if field.name != "name"])
@pytest.mark.parametrize("where", ["policy", "policies"])
def test_a_member_of_a_policy(settings: Any, where: str, name: str) -> None:
    plain = settings.OAUTH_SERVER

    def said(junk: Any) -> dict[str, Any]:
        policy = Policy(**{"name": "ours", name: junk})
        return {where: policy if where == "policy" else [policy]}

    assert False in [starts(settings, plain, said(junk)) for junk in JUNK]


@pytest.mark.parametrize("junk", JUNK)
def test_all_of_it(settings: Any, junk: Any) -> None:
    settings.OAUTH_SERVER = junk
    with pytest.raises(ImproperlyConfigured):
        default_issuer()
    settings.OAUTH_SERVER = [junk]
    with pytest.raises(ImproperlyConfigured):
        default_issuer()
