"""What the shape of the package promises, beyond the way that imports go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.operations import AddField, CreateModel

import django_oauth_server
from django_oauth_server.registry import BUILT_IN
from django_oauth_server.resource.bindings import BUILT_IN as TWINS

PACKAGE = Path(django_oauth_server.__file__).parent


def modules_with(pattern: str) -> Iterator[str]:
    """The modules in which a line matches, by their path in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if re.search(pattern, path.read_text(encoding="utf-8"), re.M):
            yield path.relative_to(PACKAGE).as_posix()


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("oauthlib", ("engine/",)),
        (
            "rest_framework",
            ("resource/drf", "resource/routes/rest_framework.py", "testing/"),
        ),
        ("joserfc", ("protocol/jose/",)),
        ("urllib3", ("outbound/exchange.py", "resource/verifiers/http.py")),
        (
            "ninja",
            ("resource/ninja.py", "resource/ninja_throttling.py", "resource/routes/ninja.py", "testing/ninja.py"),
        ),
        ("drf_spectacular", ("resource/spectacular.py",)),
    ],
)
def test_a_library_is_spoken_to_in_one_room(library: str, rooms: tuple[str, ...]) -> None:
    assert [module for module in modules_with(rf"^\s*(import|from) {library}\b") if not module.startswith(rooms)] == []


def test_what_is_logged_goes_through_one_place() -> None:
    assert list(modules_with(r"getLogger|logging\.(debug|info|warning|error|exception)\(")) == ["protocol/log.py"]


def test_caches_are_asked_in_one_way() -> None:
    """So that nobody forgets that one may be away. The checks look only whether an alias is there."""
    asking = modules_with(r"django\.core\.cache import .*\bcaches?\b|django\.core import .*\bcache\b")
    assert list(asking) == ["checks.py", "resource/shared_cache.py"]


def test_a_model_is_one_file() -> None:
    """Django knows the model of each file of `models/`, whether or not other code imports it."""
    files = {path.stem for path in (PACKAGE / "models").glob("[!_]*.py")}
    assert files == {
        model.__module__.rpartition(".")[2] for model in apps.get_app_config("django_oauth_server").get_models()
    }


def strategies() -> Iterator[str]:
    """The components that stand beside the `base.py` of their folder, as `grants.refresh_token`."""
    for path in (*BUILT_IN, *TWINS):
        module = path.removeprefix("django_oauth_server.").rpartition(".")[0]
        if (PACKAGE / module.replace(".", "/")).with_name("base.py").exists():
            yield module


@pytest.mark.parametrize("strategy", sorted(set(strategies())))
def test_a_strategy_is_known_by_name_to_its_own_capability_alone(strategy: str) -> None:
    """To its folder, and to other components; all else finds it among the components of an issuer."""
    folder = strategy.rpartition(".")[0].replace(".", "/")
    components = {
        path.removeprefix("django_oauth_server.").rpartition(".")[0].replace(".", "/") + ".py" for path in BUILT_IN
    }
    asking = set(modules_with(rf"^\s*(from|import) django_oauth_server\.{re.escape(strategy)}\b"))
    assert {module for module in asking - components if not module.startswith(f"{folder}/")} == set()


def test_who_a_client_is_is_asked_in_one_place() -> None:
    """Above `clients/` nobody can tell from which source one is; commands and the admin are about rows."""
    asking = {
        module for module in modules_with(r"\bstored_client\b") if not module.startswith(("clients/", "storage/"))
    }
    assert asking <= {"management/arguments.py"}


def test_whether_a_client_is_public_is_asked_in_one_place() -> None:
    """Its method says so (`is_public`). In tests a row may be asked."""
    assert list(modules_with(r"\.is_public\b")) == ["testing/factories.py"]


def test_no_row_is_locked() -> None:
    assert list(modules_with(r"select_for_update|FOR UPDATE")) == []


@pytest.mark.parametrize("manager", [r"\.objects\b", r"_default_manager\b"])
def test_questions_to_the_database_live_in_storage(manager: str) -> None:
    """Those to our tables: what a token opens of a project's own (`narrowed`) is that project's question.

    A migration asks the tables as they were then, and a source of adoption those of another app.
    """
    others = {"resource/drf.py", "adoption/oauth_toolkit.py", "adoption/allauth_idp.py"}
    asking = {module.split("/")[0] for module in modules_with(manager) if module not in others}
    assert asking <= {"storage", "admin", "tokens", "migrations"}


def test_settings_are_read_in_one_room_of_each_app() -> None:
    reading = modules_with(r"\bsettings\.(?!AUTH_USER_MODEL)[A-Z]{2}|getattr\((django_)?settings, ")
    assert {module.split("/")[0] for module in reading} <= {"conf", "resource", "migrations"}  # what a column holds


def test_texts_are_marked_by_names_under_which_makemessages_finds_them() -> None:
    """It looks for `_` and for Django's own names, and passes by a text that is marked under another."""
    assert list(modules_with(r"import .*\bn?p?gettext(_lazy)? as (?!_$)")) == []


def test_what_pages_need_is_in_the_package() -> None:
    for path in ("templates/oauth_server/consent.html", "static/oauth_server/oauth_server.css"):
        assert (PACKAGE / path).exists()


@pytest.mark.parametrize("language", ["de", "fr"])
@pytest.mark.parametrize("app", ["", "resource/"])
@pytest.mark.parametrize("kind", ["po", "mo"])
def test_each_app_brings_its_translations(app: str, language: str, kind: str) -> None:
    assert (PACKAGE / f"{app}locale/{language}/LC_MESSAGES/django.{kind}").exists()


def test_a_process_of_the_release_before_can_still_write() -> None:
    """While a deployment is upgraded, both write: what a later migration adds to a table may be left out."""
    for operation in added_columns():
        field = apps.get_model("django_oauth_server", operation.model_name)._meta.get_field(operation.name)
        assert field.null or field.has_db_default(), f"{operation.model_name}.{operation.name}"


def added_columns() -> Iterator[AddField]:
    for path in sorted((PACKAGE / "migrations").glob("0*.py")):
        migration = import_module(f"django_oauth_server.migrations.{path.stem}").Migration
        made = {operation.name for operation in migration.operations if isinstance(operation, CreateModel)}
        for operation in migration.operations:
            if isinstance(operation, AddField) and operation.model_name not in {name.lower() for name in made}:
                yield operation
