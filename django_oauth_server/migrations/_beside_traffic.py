"""Operations for tables of a hundred million rows, to which others write meanwhile.

PostgreSQL builds and drops indexes concurrently, outside of a transaction, so a migration of these is not atomic. One that was interrupted can be
run again. SQLite and MariaDB do as Django does.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.transaction import atomic


class AddIndex(migrations.AddIndex):
    """Build an index while others write."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if model := _on_postgresql(self, app_label, schema_editor, to_state):
            _drop(schema_editor, self.index.name)  # an interrupted run leaves one that is not valid
            schema_editor.add_index(model, self.index, concurrently=True)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if _on_postgresql(self, app_label, schema_editor, from_state):
            _drop(schema_editor, self.index.name)
        else:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class AddConstraint(migrations.AddConstraint):
    """Have some columns be unique, by an index that is built while others write. Only the last step, which moves no row, locks the table."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if model := _on_postgresql(self, app_label, schema_editor, to_state):
            _add_unique(schema_editor, model, self.constraint)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if model := _on_postgresql(self, app_label, schema_editor, from_state):
            _drop_unique(schema_editor, model, self.constraint)
        else:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class RemoveConstraint(migrations.RemoveConstraint):
    """The opposite, which going back builds the same way."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if model := _on_postgresql(self, app_label, schema_editor, from_state):
            _drop_unique(schema_editor, model, self._of(from_state, app_label))
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if model := _on_postgresql(self, app_label, schema_editor, to_state):
            _add_unique(schema_editor, model, self._of(to_state, app_label))
        else:
            super().database_backwards(app_label, schema_editor, from_state, to_state)

    def _of(self, state: Any, app_label: str) -> Any:
        return state.models[app_label, self.model_name_lower].get_constraint_by_name(self.name)


class AlterField(migrations.AlterField):
    """Change what the database knows of a column, all of it or nothing, where it can. For changes that move no row."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        connection = schema_editor.connection
        with atomic(connection.alias) if connection.features.can_rollback_ddl else nullcontext():
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class DropFieldIndexes(Operation):
    """Drop the indexes that Django made for a column of itself: the one of `db_index`, and the one for `LIKE` that PostgreSQL gets beside each index
    on text. What only a constraint can drop, `AlterField` does."""

    atomic = False
    reduces_to_sql = True

    def __init__(self, model_name: str, name: str, *suffixes: str) -> None:
        self.model_name, self.name, self.suffixes = model_name, name, suffixes

    def deconstruct(self) -> tuple[str, list[str], dict[str, Any]]:
        return type(self).__name__, [self.model_name, self.name, *self.suffixes], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Models do not know of them."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if model := _on_postgresql(self, app_label, schema_editor, to_state):
            column = model._meta.get_field(self.name).column
            for suffix in self.suffixes:
                _drop(schema_editor, schema_editor._create_index_name(model._meta.db_table, [column], suffix=suffix))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing asked them."""

    def describe(self) -> str:
        return f"Drop the indexes on {self.model_name}.{self.name} that nothing asks"


class LeaveRoom(Operation):
    """Have PostgreSQL leave room in each new page of a table, for the next version of a row whose indexed columns stay as they are: such an update
    writes no index. No row moves."""

    reduces_to_sql = True

    def __init__(self, model_name: str, percent: int) -> None:
        self.model_name, self.percent = model_name, percent

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.model_name, self.percent], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Models do not know of it."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._alter(app_label, schema_editor, to_state, f"SET (fillfactor = {100 - self.percent})")

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._alter(app_label, schema_editor, from_state, "RESET (fillfactor)")

    def describe(self) -> str:
        return f"Leave {self.percent} % of each page of {self.model_name} to updates"

    def _alter(self, app_label: str, schema_editor: Any, state: Any, how: str) -> None:
        if model := _on_postgresql(self, app_label, schema_editor, state):
            schema_editor.execute(f"ALTER TABLE {schema_editor.quote_name(model._meta.db_table)} {how}")


def _on_postgresql(operation: Any, app_label: str, schema_editor: Any, state: Any) -> Any:
    """The model as *state* has it, where PostgreSQL keeps its table. None: Django does what is to be done."""
    alias, vendor = schema_editor.connection.alias, schema_editor.connection.vendor
    model = state.apps.get_model(app_label, operation.model_name)
    return model if vendor == "postgresql" and operation.allow_migrate_model(alias, model) else None


def _add_unique(schema_editor: Any, model: Any, constraint: Any) -> None:
    """Unless it is there, from an interrupted run."""
    quote = schema_editor.quote_name
    table, name = quote(model._meta.db_table), quote(constraint.name)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_constraint WHERE conname = %s AND conrelid = %s::regclass", [constraint.name, table])
        if cursor.fetchone():
            return
    columns = ", ".join(quote(model._meta.get_field(field).column) for field in constraint.fields)
    _drop(schema_editor, constraint.name)
    schema_editor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns})")
    schema_editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")


def _drop_unique(schema_editor: Any, model: Any, constraint: Any) -> None:
    quote = schema_editor.quote_name
    schema_editor.execute(f"ALTER TABLE {quote(model._meta.db_table)} DROP CONSTRAINT IF EXISTS {quote(constraint.name)}")


def _drop(schema_editor: Any, index: str) -> None:
    schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(index)}")
