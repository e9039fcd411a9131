import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('django_oauth_server', '0025_former_call'),
    ]

    operations = [
        migrations.CreateModel(
            name='ForeignSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('encoded', models.TextField(editable=False)),
                ('client', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='django_oauth_server.client', verbose_name='client')),
            ],
            options={
                'verbose_name': 'adopted secret',
                'verbose_name_plural': 'adopted secrets',
            },
        ),
        migrations.CreateModel(
            name='Adoption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=255, verbose_name='issuer')),
                ('source', models.CharField(max_length=50, verbose_name='source')),
                ('adopted_until', models.DateTimeField(verbose_name='adopted until')),
                ('left_out', models.JSONField(blank=True, default=list, verbose_name='left out')),
            ],
            options={
                'verbose_name': 'adoption',
                'verbose_name_plural': 'adoptions',
                'constraints': [models.UniqueConstraint(fields=('issuer', 'source'), name='oas_adoption_issuer_source')],
            },
        ),
    ]
