"""How rows are found by a digest."""

from __future__ import annotations

from typing import Any

from django.db import models


class DigestIndex(models.Index):
    """For digests of random values, which are asked for one by one: a hash index where the database has them (PostgreSQL), a third of a B-tree.

    It keeps nothing unique: two values of 256 random bits never meet.
    """

    def create_sql(self, model: type[models.Model], schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        return super().create_sql(model, schema_editor, using=using or " USING hash", **kwargs)
