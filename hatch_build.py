"""What a build adds to the metadata: the README, whose images and links have to work on the package index as well."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class ReadmeHook(MetadataHookInterface):
    """Makes links into the repository absolute."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute(text, metadata["urls"]["Repository"])}


def absolute(readme: str, repository: str) -> str:
    """*readme* with the addresses of its files in *repository*."""
    readme = re.sub(r'src="(?!http)', f'src="{repository}/raw/main/', readme)
    return re.sub(r"\]\((?!http|#)", f"]({repository}/blob/main/", readme)
