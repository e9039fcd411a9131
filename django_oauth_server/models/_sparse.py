"""How the few rows are found that have a value in a column."""

from __future__ import annotations

from typing import Any

from django.db import models


class SparseIndex(models.Index):
    """For a column that is NULL in nearly every row: an index of the others alone, where the database has such (PostgreSQL, SQLite).

    A condition of Django's own would have MariaDB warn at each migration that it ignores it.
    """

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        index = models.Index(fields=self.fields, name=self.name)
        if schema_editor.connection.features.supports_partial_indexes:
            index.condition = models.Q(**{f"{self.fields[0]}__isnull": False})
        return index.create_sql(model, schema_editor, using, **kwargs)
