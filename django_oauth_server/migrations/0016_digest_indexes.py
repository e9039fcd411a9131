"""Tokens and tickets are found by a hash index, in place of two B-trees that took a third of the room."""

from django.db import migrations, models

from django_oauth_server.migrations._beside_traffic import AddIndex, AlterField, DropFieldIndexes
from django_oauth_server.models._digest import DigestIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('django_oauth_server', '0015_pushed_request'),
    ]

    operations = [
        AddIndex(model_name='token', index=DigestIndex(fields=['digest'], name='oas_token_digest')),
        DropFieldIndexes('token', 'digest', '_like'),
        AlterField(model_name='token', name='digest', field=models.CharField(editable=False, max_length=64)),
        AddIndex(model_name='ticket', index=DigestIndex(fields=['digest'], name='oas_ticket_digest')),
        DropFieldIndexes('ticket', 'digest', '_like'),
        AlterField(model_name='ticket', name='digest', field=models.CharField(max_length=64)),
    ]
