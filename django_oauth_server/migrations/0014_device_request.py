import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0013_client_source'),
    ]

    operations = [
        migrations.CreateModel(
            name='DeviceRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('device_code_digest', models.CharField(max_length=64, unique=True)),
                ('user_code_digest', models.CharField(max_length=64, unique=True)),
                ('of', models.CharField(max_length=64)),
                ('request', models.JSONField(default=dict)),
                ('granted', models.JSONField(default=dict)),
                ('family', models.UUIDField(default=uuid.uuid4)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('interval', models.PositiveIntegerField()),
                ('polls_from', models.PositiveBigIntegerField(default=0)),
                ('decided_at', models.DateTimeField(null=True)),
                ('redeemed_at', models.DateTimeField(null=True)),
                ('authorization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='django_oauth_server.authorization')),
            ],
            options={
                'verbose_name': 'device request',
                'verbose_name_plural': 'device requests',
                'indexes': [models.Index(fields=['of', 'id'], name='oas_device_request_of')],
            },
        ),
    ]
