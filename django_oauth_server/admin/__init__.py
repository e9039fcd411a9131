"""For administrators: clients, who may register them, what people allowed them, the tokens they hold,
what they were refused, and the keys that sign."""

from django.contrib import admin

from django_oauth_server.admin.authorization import AuthorizationAdmin
from django_oauth_server.admin.client import ClientAdmin
from django_oauth_server.admin.document_host import DocumentHostAdmin
from django_oauth_server.admin.initial_access_token import InitialAccessTokenAdmin
from django_oauth_server.admin.linked_identity import LinkedIdentityAdmin
from django_oauth_server.admin.logout import LogoutDeliveryAdmin, ParticipationAdmin
from django_oauth_server.admin.refusal import RefusalAdmin
from django_oauth_server.admin.signing_key import SigningKeyAdmin
from django_oauth_server.admin.token import TokenAdmin
from django_oauth_server.models import Authorization, Client, SigningKey, Token
from django_oauth_server.models.document_host import DocumentHost
from django_oauth_server.models.initial_access_token import InitialAccessToken
from django_oauth_server.models.linked_identity import LinkedIdentity
from django_oauth_server.models.logout_delivery import LogoutDelivery
from django_oauth_server.models.participation import Participation
from django_oauth_server.models.refusal import Refusal

admin.site.register(Client, ClientAdmin)
admin.site.register(DocumentHost, DocumentHostAdmin)
admin.site.register(InitialAccessToken, InitialAccessTokenAdmin)
admin.site.register(Authorization, AuthorizationAdmin)
admin.site.register(LinkedIdentity, LinkedIdentityAdmin)
admin.site.register(Participation, ParticipationAdmin)
admin.site.register(LogoutDelivery, LogoutDeliveryAdmin)
admin.site.register(Token, TokenAdmin)
admin.site.register(Refusal, RefusalAdmin)
admin.site.register(SigningKey, SigningKeyAdmin)
