"""PostgreSQL gets an index for `LIKE` beside a unique one on text. Nothing asks it."""

from django.db import migrations

from django_oauth_server.migrations._beside_traffic import DropFieldIndexes


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('django_oauth_server', '0032_waiting_without_a_row'),
    ]

    operations = [
        DropFieldIndexes('linkedidentity', 'digest', '_like'),
    ]
