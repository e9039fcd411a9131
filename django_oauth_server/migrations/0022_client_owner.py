"""A client may belong to a person. The column is new and empty: no row is rewritten."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('django_oauth_server', '0021_admin_searches'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='client',
            options={'permissions': [('register_own_client', 'Can register own apps')], 'verbose_name': 'client', 'verbose_name_plural': 'clients'},
        ),
        migrations.AddField(
            model_name='client',
            name='owner',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The person this app belongs to. They manage it under “Your apps” where that page is switched on.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner'),
        ),
        migrations.AlterField(
            model_name='client',
            name='registered_by',
            field=models.CharField(choices=[('operator', 'an operator'), ('itself', 'itself'), ('person', 'its owner'), ('token', 'itself, with an initial access token')], db_default='operator', default='operator', editable=False, max_length=10, verbose_name='registered by'),
        ),
    ]
