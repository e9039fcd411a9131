"""The example's own pages speak German and French, too."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "example_project/example"
TEXT = re.compile(r"""{% translate ["'](.*?)["'](?: context "(.*?)")? %}|_\("(.*?)"\)""")
BLOCK = re.compile(r"{% blocktranslate(?: trimmed)?(?: with [^%]*)? %}(.*?){% endblocktranslate %}", re.DOTALL)


def texts() -> set[tuple[str, str]]:
    """Each with its context."""
    found = set()
    for template in (EXAMPLE / "templates").rglob("*.html"):
        source = template.read_text(encoding="utf-8")
        found |= {(one or other, context) for one, context, other in TEXT.findall(source)}
        found |= {(re.sub(r"{{ (\w+) }}", r"%(\1)s", words), "") for words in BLOCK.findall(source)}
    return {(words.replace("%s", "%%s"), context) for words, context in found}


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_text_of_the_example_is_translated(language: str) -> None:
    with (EXAMPLE / f"locale/{language}/LC_MESSAGES/django.mo").open("rb") as compiled:
        catalogue = gettext.GNUTranslations(compiled)._catalog
    keys = {f"{context}\x04{words}" if context else words for words, context in texts()}
    assert len(keys) > 200 and keys - catalogue.keys() == set()
