"""WCAG 2.2 AA: the colours of the stylesheet, in light and in dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import django_oauth_server

STYLESHEET = (Path(django_oauth_server.__file__).parent / "static/oauth_server/oauth_server.css").read_text()
TEXT = [  # 4.5 : 1 (WCAG 2.2 section 1.4.3)
    ("text", "card"),
    ("text", "page"),
    ("muted", "card"),
    ("muted", "page"),
    ("accent", "card"),
    ("danger", "card"),
    ("on-accent", "accent"),
    ("on-danger", "danger"),
    ("on-tint", "tint"),
    ("on-notice", "notice"),
    ("on-done", "done"),
]
CONTROLS = [("control", "card"), ("accent", "card"), ("accent", "page")]  # 3 : 1 (sections 1.4.11 and 2.4.13)


def palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", STYLESHEET, re.DOTALL)
    return {
        scheme: dict(re.findall(r"--([a-z-]+): ([#\w]+);", block))
        for scheme, block in zip(("light", "dark", "forced"), blocks, strict=True)
    }


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_words_can_be_read(scheme: str, front: str, back: str) -> None:
    palette = palettes()[scheme]
    assert contrast(palette[front], palette[back]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), CONTROLS)
def test_controls_and_focus_can_be_seen(scheme: str, front: str, back: str) -> None:
    palette = palettes()[scheme]
    assert contrast(palette[front], palette[back]) >= 3


def test_every_colour_is_a_custom_property_at_the_top() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLESHEET, flags=re.DOTALL)
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", rules)


def test_dark_and_forced_colours_set_each_colour_that_light_sets() -> None:
    light, dark, forced = palettes().values()
    assert light.keys() == dark.keys() == forced.keys()


def test_forced_colours_are_the_persons() -> None:
    assert set(palettes()["forced"].values()) <= {"Canvas", "CanvasText", "LinkText"}
