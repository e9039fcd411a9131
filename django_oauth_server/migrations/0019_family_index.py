"""Families are asked for with their authorization. Processes of the release before ask without: let none be left when this runs on a large table."""

from django.db import migrations, models

from django_oauth_server.migrations._beside_traffic import AlterField, DropFieldIndexes


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('django_oauth_server', '0018_second_indexes'),
    ]

    operations = [
        DropFieldIndexes('token', 'family', ''),
        AlterField(model_name='token', name='family', field=models.UUIDField(blank=True, editable=False, null=True)),
    ]
