"""Tables whose rows anybody can make, so that their number is bounded: the newest stay."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet


def keep_newest(rows: QuerySet[Any], most: int) -> None:
    """Delete all of *rows* but the *most* that were made last."""
    too_many = rows.order_by("-pk").values_list("pk", flat=True)[most : most + 1]
    if last := list(too_many):
        rows.filter(pk__lte=last[0]).delete()
