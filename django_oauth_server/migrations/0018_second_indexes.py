"""Indexes go that PostgreSQL gets beside each index on text, for `LIKE`, which nothing asks of digests."""

from django.db import migrations

from django_oauth_server.migrations._beside_traffic import DropFieldIndexes


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('django_oauth_server', '0017_token_held'),
    ]

    operations = [
        DropFieldIndexes('usedassertion', 'digest', '_like'),
        DropFieldIndexes('participation', 'session_digest', '_like'),
        DropFieldIndexes('pushedrequest', 'digest', '_like'),
        DropFieldIndexes('waitingrequest', 'digest', '_like'),
        DropFieldIndexes('devicerequest', 'device_code_digest', '_like'),
        DropFieldIndexes('devicerequest', 'user_code_digest', '_like'),
        DropFieldIndexes('revocation', 'once', '_like'),
        DropFieldIndexes('initialaccesstoken', 'digest', '_like'),
        DropFieldIndexes('signingkey', 'issuer', '_like'),
        DropFieldIndexes('signingkey', 'kid', '_like'),
    ]
