"""One live authorization for a client, a user and the same facts. The new constraint is there before the old one goes."""

from typing import Any

from django.conf import settings
from django.db import migrations, models

from django.utils import timezone

from django_oauth_server.migrations._beside_traffic import AddConstraint, RemoveConstraint


def end_those_with_facts(apps: Any, schema_editor: Any) -> None:
    """The release before would take them for allowed without any, and knows one for a client and a user."""
    Authorization = apps.get_model('django_oauth_server', 'Authorization')
    live = Authorization.objects.using(schema_editor.connection.alias).filter(is_live=True).exclude(facts_digest='')
    live.update(is_live=None, revoked_at=timezone.now())


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('django_oauth_server', '0027_authorization_facts'),
    ]

    operations = [
        AddConstraint(
            model_name='authorization',
            constraint=models.UniqueConstraint(
                fields=('user', 'client', 'is_live', 'facts_digest'), name='oas_authorization_live_for_facts'
            ),
        ),
        RemoveConstraint(model_name='authorization', name='oas_authorization_one_live'),
        migrations.RunPython(migrations.RunPython.noop, end_those_with_facts),
    ]
