"""The admin finds whom an app was to be told of by an index. A person's authorizations are found by that of the constraint, without a second one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from django_oauth_server.migrations._beside_traffic import AddIndex, AlterField, DropFieldIndexes


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('django_oauth_server', '0020_revoked_indexes'),
    ]

    operations = [
        AddIndex(model_name='logoutdelivery', index=models.Index(fields=['person'], name='oas_logout_delivery_person')),
        DropFieldIndexes('authorization', 'user', ''),
        AlterField(
            model_name='authorization',
            name='user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
    ]
