"""What was settled when something was allowed, such as for which team. No row moves."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('django_oauth_server', '0026_adoption'),
    ]

    operations = [
        migrations.AddField(
            model_name='authorization',
            name='facts',
            field=models.JSONField(editable=False, null=True, verbose_name='settled facts'),
        ),
        migrations.AddField(
            model_name='authorization',
            name='facts_digest',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
    ]
