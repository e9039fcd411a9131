"""For administrators: clients, what people allowed them, the tokens they hold, and the keys that sign."""

from django.contrib import admin

from django_oauth_server.admin.authorization import AuthorizationAdmin
from django_oauth_server.admin.client import ClientAdmin
from django_oauth_server.admin.signing_key import SigningKeyAdmin
from django_oauth_server.admin.token import TokenAdmin
from django_oauth_server.models import Authorization, Client, SigningKey, Token

admin.site.register(Client, ClientAdmin)
admin.site.register(Authorization, AuthorizationAdmin)
admin.site.register(Token, TokenAdmin)
admin.site.register(SigningKey, SigningKeyAdmin)
