"""What is marked is marked once, and rows know whether they were announced. Every statement is quick, whatever the tables hold."""

from django.db import migrations, models
from django.utils import timezone

_LONG_AGO = timezone.now().replace(year=2000, month=1, day=1)
"""Earlier versions announced their rows at once. Those that they write meanwhile are NULL, and are read by all."""


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0007_database_defaults'),
    ]

    operations = [
        migrations.AddField(
            model_name='revocation',
            name='announced_at',
            field=models.DateTimeField(default=_LONG_AGO, editable=False, null=True),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name='revocation',
            name='announced_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='revocation',
            name='once',
            field=models.CharField(editable=False, max_length=64, null=True, unique=True),
        ),
        migrations.AddIndex(
            model_name='revocation',
            index=models.Index(fields=['announced_at'], name='oas_revocation_announced'),
        ),
        migrations.AddField(
            model_name='token',
            name='self_contained',
            field=models.BooleanField(editable=False, null=True),
        ),
    ]
