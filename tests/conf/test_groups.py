"""A component brings its own settings: a group under its own name, checked as the others are, and its limits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, make_dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_oauth_server.component import Component
from django_oauth_server.conf import IssuerSettings
from django_oauth_server.conf.loader import load
from django_oauth_server.registry import all_components, default_issuer


@dataclass(frozen=True, kw_only=True)
class TeapotSettings:
    """How tea is made."""

    steeping: timedelta = timedelta(minutes=3)
    """How long."""
    kinds: tuple[str, ...] = ("green",)
    """Which."""
    milk: bool = False
    """Whether there is milk."""
    strength: float = 1.0
    """From nothing."""
    sugar: int = 0
    """Lumps."""
    cup: Literal["small", "large"] = "small"
    """Its size."""
    label: str | None = None
    """What is on it."""

    def __post_init__(self) -> None:
        if self.milk and "green" in self.kinds:
            raise ValueError("milk does not go into green tea.")


class Teapot(Component):
    """Makes tea."""

    name = "teapot"
    settings_name = "teapot"
    settings_group = TeapotSettings
    throttles = {"cups": "3/d"}


class Samovar(Component):
    """Has other settings, under the name of the teapot's."""

    name = "samovar"
    settings_name = "teapot"
    settings_group = type("SamovarSettings", (), {})


class Nameless(Component):
    """Has settings, and no name for them."""

    name = "nameless"
    settings_group = TeapotSettings


class Kettle(Component):
    """Keeps to the teapot's limit, and says another default."""

    name = "kettle"
    throttles = {"cups": "4/d"}


class Usurper(Component):
    """Takes a name that is the issuer's."""

    name = "usurper"
    settings_name = "scopes"
    settings_group = TeapotSettings


class Kettleless(Component):
    """Its settings have no default."""

    name = "kettleless"
    settings_name = "kettleless"
    settings_group = make_dataclass("KettlelessSettings", [("water", int)])


class Anonymous(Component):
    """Has no name."""


class Thirsty(Component):
    """Has a limit that is none."""

    name = "thirsty"
    throttles = {"sips": "often"}


TEAPOT = {"components": [f"{__name__}.Teapot"]}


@pytest.fixture
def declare(settings: Any) -> Iterator[Any]:
    plain = settings.OAUTH_SERVER

    def declare(**said: object) -> TeapotSettings:
        settings.OAUTH_SERVER = plain | TEAPOT | said
        return load()[0].group(TeapotSettings)

    yield declare


def test_the_component_finds_what_is_said(declare: Any) -> None:
    assert declare(teapot={"sugar": 2, "strength": 2, "kinds": ["black", "white"]}) == TeapotSettings(
        sugar=2, strength=2.0, kinds=("black", "white")
    )
    assert default_issuer().settings.group(TeapotSettings).sugar == 2


def test_what_is_not_said_has_its_default(declare: Any) -> None:
    assert declare() == TeapotSettings()
    assert declare(teapot={}) == TeapotSettings()


def test_a_group_may_be_a_value(declare: Any, settings: Any) -> None:
    assert declare(teapot=TeapotSettings(sugar=4)).sugar == 4
    settings.OAUTH_SERVER = IssuerSettings(
        issuer="https://as.example", components=(f"{__name__}.Teapot",), groups=(TeapotSettings(sugar=5),)
    )
    assert load()[0].group(TeapotSettings).sugar == 5


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"teapto": {}}, "OAUTH_SERVER has no 'teapto'. Did you mean 'teapot'?"),
        ({"teapot": {"sugra": 1}}, "OAUTH_SERVER: teapot has no 'sugra'. Did you mean 'sugar'?"),
        ({"teapot": 7}, "OAUTH_SERVER: teapot must be a dict or a TeapotSettings, not int."),
        (
            {"teapot": {"steeping": 180}},
            "OAUTH_SERVER: teapot: steeping must be a timedelta, not negative, and a century at most.",
        ),
        ({"teapot": {"steeping": -timedelta(1)}}, "teapot: steeping must be a timedelta, not negative"),
        (
            {"teapot": {"steeping": timedelta.max}},
            "teapot: steeping must be a timedelta, not negative, and a century at most",
        ),
        ({"teapot": {"kinds": "green"}}, "teapot: kinds must be a list or tuple."),
        ({"teapot": {"kinds": [7]}}, "teapot: kinds must be a string"),
        ({"teapot": {"milk": "no"}}, "teapot: milk must be True or False."),
        ({"teapot": {"sugar": "2"}}, "teapot: sugar must be a number, not negative."),
        ({"teapot": {"sugar": -1}}, "teapot: sugar must be a number"),
        ({"teapot": {"sugar": True}}, "teapot: sugar must be a number"),
        ({"teapot": {"cup": "huge"}}, "teapot: cup must be one of small, large."),
        ({"teapot": {"label": 7}}, "teapot: label must be a string or None."),
        ({"teapot": {"milk": True}}, "OAUTH_SERVER: teapot: milk does not go into green tea."),
        ({"teapot": TeapotSettings(sugar="many")}, "teapot: sugar must be a number"),  # type: ignore[arg-type]
        ({"groups": [TeapotSettings()]}, "OAUTH_SERVER has no 'groups'"),
        ({"components": f"{__name__}.Teapot"}, "components must be a list or tuple"),
        ({"components": [f"{__name__}.Teapot", f"{__name__}.Samovar"]}, "other settings than another component"),
        ({"components": [f"{__name__}.Usurper"]}, "Usurper needs another name for its settings than 'scopes'"),
        ({"components": [f"{__name__}.Nameless"]}, "Nameless needs another name for its settings than ''."),
        ({"components": [f"{__name__}.Teapot", f"{__name__}.Kettle"]}, "Kettle has another default than another"),
        (
            {"components": [f"{__name__}.Kettleless"]},
            "settings of Kettleless must be a dataclass with a default for each",
        ),
        ({"components": [f"{__name__}.Anonymous"]}, "test_groups.Anonymous', which has no name."),
        ({"components": [f"{__name__}.Thirsty"]}, "throttles: sips: 'often' is no rate"),
        ({"teapot": {"strength": "strong"}}, "teapot: strength must be a number, not negative."),
        ({"throttles": {"cupps": "1/m"}}, "OAUTH_SERVER: throttles has no 'cupps'. Did you mean 'cups'?"),
        ({"throttles": {"cups": "often"}}, "throttles: cups"),
    ],
)
def test_a_mistake_is_told_with_what_would_do(declare: Any, said: dict[str, Any], words: str) -> None:
    with pytest.raises(ImproperlyConfigured) as told:
        declare(**said)
    assert words in str(told.value)


def test_a_group_that_no_component_has_is_told(settings: Any) -> None:
    settings.OAUTH_SERVER = IssuerSettings(issuer="https://as.example", groups=(TeapotSettings(),))
    with pytest.raises(ImproperlyConfigured, match="a TeapotSettings, which is the settings of no component"):
        load()


def test_the_group_of_a_component_that_is_not_listed_is_unknown(settings: Any) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"teapot": {}}
    with pytest.raises(ImproperlyConfigured, match="has no 'teapot'"):
        load()


def test_one_issuer_may_have_what_another_has_not(settings: Any) -> None:
    plain = settings.OAUTH_SERVER
    settings.OAUTH_SERVER = [plain | TEAPOT | {"teapot": {"sugar": 1}}, plain | {"issuer": "https://other.example"}]
    assert [[type(group) for group in one.groups].count(TeapotSettings) for one in load()] == [1, 0]


def test_its_limits_have_their_defaults_and_can_be_set(declare: Any) -> None:
    declare()
    assert load()[0].throttles["cups"] == "3/d"
    declare(throttles={"cups": None})
    assert load()[0].throttles["cups"] is None


def test_a_settings_file_can_import_every_group() -> None:
    """Before Django is set up: a group may stand there as a value, which is typed."""
    groups = [one.settings_group for one in all_components() if one.settings_group]
    code = "\n".join(f"from {group.__module__} import {group.__name__}" for group in groups)
    subprocess.run([sys.executable, "-c", code], check=True, env={}, cwd=Path(__file__).parents[2])
