"""The contracts of pyproject.toml: which way imports go."""

from __future__ import annotations

from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

CONFIG = Path(__file__).resolve().parents[2] / "pyproject.toml"


def test_imports_go_one_way() -> None:
    assert lint_imports(config_filename=str(CONFIG), no_cache=True) == EXIT_STATUS_SUCCESS
