"""The words of the admin. No column changes."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0028_authorization_for_facts'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='participation',
            options={'verbose_name': 'app sign-in', 'verbose_name_plural': 'app sign-ins'},
        ),
        migrations.AlterField(
            model_name='client',
            name='registered_by',
            field=models.CharField(choices=[('operator', 'by an operator'), ('itself', 'by the client itself'), ('person', 'by its owner'), ('token', 'with an initial access token')], db_default='operator', default='operator', editable=False, max_length=10, verbose_name='registration'),
        ),
        migrations.AlterField(
            model_name='client',
            name='skip_consent',
            field=models.BooleanField(default=False, verbose_name='skip consent'),
        ),
        migrations.AlterField(
            model_name='logoutdelivery',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, verbose_name='signed out'),
        ),
        migrations.AlterField(
            model_name='logoutdelivery',
            name='retried_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='last retried'),
        ),
    ]
