"""What is written by a statement of our own is what Django would have written."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models

from django_oauth_server.storage.writing import Insertion, Unchanged
from tests.factories import ClientFactory

pytestmark = pytest.mark.django_db


class Fixed(models.CharField):  # type: ignore[type-arg]
    """A column as older databases have them, such as the key of a project's users."""

    def db_type(self, connection: Any) -> str:
        return f"char({self.max_length})"


@pytest.fixture
def row() -> models.Model:
    class Row(models.Model):
        name = Fixed(max_length=36)

        class Meta:
            app_label = "written"
            db_table = "written_row"
            managed = False

    with connection.cursor() as cursor:
        key = {"postgresql": "bigserial PRIMARY KEY", "mysql": "bigint AUTO_INCREMENT PRIMARY KEY"}
        cursor.execute(
            f"CREATE TEMPORARY TABLE written_row (id {key.get(connection.vendor, 'INTEGER PRIMARY KEY')}, name char(36))"
        )
    return Row(name="anna")


def test_a_column_of_fixed_length_keeps_all_of_its_value(row: models.Model) -> None:
    client = ClientFactory()
    assert Insertion(type(row)).write([row], provided=Unchanged(client, ("updated_at",)))
    stored = type(row)._default_manager.get()
    assert stored.name.strip() == "anna"  # type: ignore[attr-defined]
