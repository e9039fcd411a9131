"""A token that is stored no longer locks the row of its client, and one that is held says so in a column. A moment's lock for each."""

import django.db.models.deletion
from django.db import migrations, models


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
        migrations.AddField(
            model_name='token',
            name='held',
            field=models.IntegerField(db_default=0, default=0, editable=False),
        ),
    ]
