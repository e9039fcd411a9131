"""What was revoked long ago is found by an index of what was revoked; and `last_used_at` is written without a write to any index."""

from django.db import migrations

from django_oauth_server.migrations._beside_traffic import AddIndex, LeaveRoom
from django_oauth_server.models._sparse import SparseIndex


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('django_oauth_server', '0019_family_index'),
    ]

    operations = [
        AddIndex(model_name='token', index=SparseIndex(fields=['revoked_at'], name='oas_token_revoked')),
        AddIndex(model_name='authorization', index=SparseIndex(fields=['revoked_at'], name='oas_authorization_revoked')),
        LeaveRoom('authorization', 10),
    ]
