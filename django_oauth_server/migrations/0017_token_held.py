"""A token that is stored no longer locks the row of its client, and one that is held says so in a column. A moment's lock for each."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def remove_orphans(apps: Any, schema_editor: Any) -> None:
    """On the way back: tokens of clients that are gone, which the constraint does not allow."""
    alias = schema_editor.connection.alias
    token, client = (apps.get_model('django_oauth_server', name) for name in ('Token', 'Client'))
    there = client.objects.using(alias).filter(pk=models.OuterRef('client_id'))
    token.objects.using(alias).filter(~models.Exists(there)).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0016_digest_indexes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='token',
            name='client',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='django_oauth_server.client', verbose_name='client'),
        ),
        migrations.RunPython(migrations.RunPython.noop, remove_orphans),
        migrations.AddField(
            model_name='token',
            name='held',
            field=models.IntegerField(db_default=0, default=0, editable=False),
        ),
    ]
