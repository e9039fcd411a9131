from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0010_waiting_request'),
    ]

    operations = [
        migrations.AddField(
            model_name='authorization',
            name='sector',
            field=models.TextField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='authorization',
            name='presentation',
            field=models.JSONField(editable=False, null=True),
        ),
    ]
