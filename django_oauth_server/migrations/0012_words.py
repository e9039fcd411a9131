from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0011_authorization_shown'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='logoutbackoff',
            options={'verbose_name': 'logout delivery pause', 'verbose_name_plural': 'logout delivery pauses'},
        ),
        migrations.AlterField(
            model_name='authorization',
            name='scope',
            field=models.TextField(blank=True, help_text='All scopes allowed so far, separated by spaces.', verbose_name='scope'),
        ),
        migrations.AlterField(
            model_name='client',
            name='issuer',
            field=models.CharField(help_text='The authorization server this client is registered with.', max_length=255, verbose_name='issuer'),
        ),
        migrations.AlterField(
            model_name='initialaccesstoken',
            name='allow_client_credentials',
            field=models.BooleanField(default=False, help_text='Clients registered with this token may use client_credentials to get tokens that nobody was asked to allow.', verbose_name='allow client credentials'),
        ),
        migrations.AlterField(
            model_name='initialaccesstoken',
            name='expires_at',
            field=models.DateTimeField(blank=True, help_text='Leave blank to never expire.', null=True, verbose_name='expires'),
        ),
        migrations.AlterField(
            model_name='initialaccesstoken',
            name='issuer',
            field=models.CharField(help_text='The authorization server that accepts this token.', max_length=255, verbose_name='issuer'),
        ),
        migrations.AlterField(
            model_name='initialaccesstoken',
            name='label',
            field=models.CharField(help_text='Who this token was given to, and what for.', max_length=200, verbose_name='label'),
        ),
        migrations.AlterField(
            model_name='initialaccesstoken',
            name='uses',
            field=models.PositiveIntegerField(blank=True, help_text='How many clients may be registered with this token. Leave blank for no limit.', null=True, verbose_name='maximum number of clients'),
        ),
        migrations.AlterField(
            model_name='logoutdelivery',
            name='reason',
            field=models.CharField(blank=True, max_length=200, verbose_name='last error'),
        ),
        migrations.AlterField(
            model_name='logoutdelivery',
            name='retried_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='requested again'),
        ),
        migrations.AlterField(
            model_name='ticket',
            name='kind',
            field=models.CharField(choices=[('code', 'authorization code'), ('interaction', 'request waiting for consent')], max_length=20),
        ),
    ]
