"""Which hosts of client ID metadata documents are blocked or vouched for; and clients that a document describes. No table that exists changes."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0029_admin_words'),
    ]

    operations = [
        migrations.CreateModel(
            name='DocumentHost',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=255, verbose_name='issuer')),
                ('host', models.CharField(max_length=253, verbose_name='host')),
                ('verdict', models.CharField(choices=[('blocked', 'blocked'), ('vouched', 'vouched for')], max_length=10, verbose_name='verdict')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='updated')),
            ],
            options={
                'verbose_name': 'document host',
                'verbose_name_plural': 'document hosts',
                'constraints': [models.UniqueConstraint(fields=['issuer', 'host'], name='oas_document_host_issuer_host')],
            },
        ),
        migrations.AlterField(
            model_name='client',
            name='registered_by',
            field=models.CharField(choices=[('operator', 'by an operator'), ('itself', 'by the client itself'), ('person', 'by its owner'), ('token', 'with an initial access token'), ('document', 'by its document')], db_default='operator', default='operator', editable=False, max_length=10, verbose_name='registration'),
        ),
    ]
