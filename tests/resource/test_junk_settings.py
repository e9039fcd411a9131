"""Whatever stands in OAUTH_RESOURCE_SERVER, the start stops with what to mend, or the API is whole."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.resource import conf
from django_oauth_server.resource.conf import ResourceServerSettings
from tests.conf.test_junk import JUNK

GROUPS = {one.settings_name: type(one.settings) for one in conf.bindings().values() if one.settings_group}


def starts(settings: Any, said: Any) -> bool:
    settings.OAUTH_RESOURCE_SERVER = said
    try:
        conf.load()
        conf.verifier()
        conf.bindings()
        conf.audiences()
        conf.scope_rule() if conf.load().scope_covers else None
        conf.user_rule()
    except ImproperlyConfigured:
        return False
    run_checks(tags=["security"])
    return True


@pytest.mark.parametrize("name", [field.name for field in fields(ResourceServerSettings)])
def test_a_setting(settings: Any, name: str) -> None:
    started = [starts(settings, {name: junk}) for junk in JUNK]
    assert False in started or name == "name", "it is shown as a text, whatever it is"


@pytest.mark.parametrize(
    ("group", "name"), [(group, one.name) for group, kind in GROUPS.items() for one in fields(kind)]
)
def test_a_setting_of_a_binding(settings: Any, group: str, name: str) -> None:
    assert False in [starts(settings, {group: {name: junk}}) for junk in JUNK]


@pytest.mark.parametrize("junk", JUNK)
def test_all_of_it(settings: Any, junk: Any) -> None:
    assert not starts(settings, junk) or not junk
