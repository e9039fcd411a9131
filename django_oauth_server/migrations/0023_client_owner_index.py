"""A person's own clients are found by an index of the few that belong to somebody."""

from django.conf import settings
from django.db import migrations

from django_oauth_server.migrations._beside_traffic import AddIndex
from django_oauth_server.models._sparse import SparseIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('django_oauth_server', '0022_client_owner'),
    ]

    operations = [
        AddIndex(model_name='client', index=SparseIndex(fields=['owner'], name='oas_client_owner')),
    ]
