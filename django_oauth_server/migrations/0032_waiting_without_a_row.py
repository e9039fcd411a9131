"""A request that waits for a person may be that of a client without a row: a column may be NULL from now on, and no row is rewritten. Rows of clients
that another source than the table describes are found by an index, which is built beside traffic."""

import django.db.models.deletion
from django.db import migrations, models

from django_oauth_server.migrations._beside_traffic import AddIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('django_oauth_server', '0031_linked_identity'),
    ]

    operations = [
        migrations.AlterField(
            model_name='ticket',
            name='client',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='django_oauth_server.client'),
        ),
        AddIndex(
            model_name='client',
            index=models.Index(fields=['source', 'updated_at'], name='oas_client_source'),
        ),
    ]
