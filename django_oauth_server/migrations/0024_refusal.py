"""A table of what was refused, for whoever asks why."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0023_client_owner_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='Refusal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(max_length=8, verbose_name='reference')),
                ('refused_at', models.DateTimeField(verbose_name='refused')),
                ('expires_at', models.DateTimeField(db_index=True, editable=False)),
                ('issuer', models.CharField(max_length=255, verbose_name='issuer')),
                ('client_id', models.CharField(blank=True, max_length=255, verbose_name='client ID')),
                ('endpoint', models.CharField(max_length=255, verbose_name='endpoint')),
                ('error', models.CharField(max_length=64, verbose_name='error')),
                ('parameter', models.CharField(blank=True, max_length=64, verbose_name='parameter')),
                ('rule', models.CharField(blank=True, max_length=255, verbose_name='rule')),
                ('description', models.TextField(blank=True, verbose_name='what the client was told')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
            ],
            options={
                'verbose_name': 'refusal',
                'verbose_name_plural': 'refusals',
                'indexes': [
                    models.Index(fields=['reference'], name='oas_refusal_reference'),
                    models.Index(fields=['issuer', 'client_id'], name='oas_refusal_client'),
                ],
            },
        ),
    ]
