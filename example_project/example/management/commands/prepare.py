"""First start: tables, a person, the demo clients and Swagger UI's, a signing key. Running it again changes nothing."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand
from notes.models import Note
from people.models import Profile

from django_oauth_server.clients.registration import create_client
from django_oauth_server.keys.signing import signing_key
from django_oauth_server.models import Client
from django_oauth_server.registry import default_issuer
from example.secret import secret_key

DEMO_CLIENT: dict[str, object] = {
    "client_name": "Notebook",
    "client_uri": f"{settings.ISSUER}/demo/",
    "redirect_uris": [f"{settings.ISSUER}/demo/"],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "scope": "notes:read notes:write",
}
OPENID_CLIENT = DEMO_CLIENT | {
    "client_name": "Doorplate",
    "client_uri": f"{settings.ISSUER}/demo/oidc/",
    "redirect_uris": [f"{settings.ISSUER}/demo/oidc/"],
    "post_logout_redirect_uris": [f"{settings.ISSUER}/demo/oidc/"],
    "scope": "openid profile email address phone",
}
TELEVISION: dict[str, object] = {
    "client_name": "Notes on TV",
    "client_uri": f"{settings.ISSUER}/demo/tv/",
    "token_endpoint_auth_method": "none",
    "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    "response_types": [],
    "scope": "notes:read",
}
DOCS_CLIENT = DEMO_CLIENT | {
    "client_name": "Notes API documentation",
    "client_uri": f"{settings.ISSUER}/api/docs/",
    "redirect_uris": [settings.SPECTACULAR_SETTINGS["SWAGGER_UI_SETTINGS"]["oauth2RedirectUrl"]],
    "grant_types": ["authorization_code"],
}
SHOPPER = TELEVISION | {
    "client_name": "Shopper",
    "client_uri": settings.SHOP,
    "scope": "orders:read stock:read",
}

DEMO_PROFILE: dict[str, object] = {
    "nickname": "Ada",
    "picture": f"{settings.ISSUER}{settings.STATIC_URL}example/person.svg",
    "website": "https://ada.example/",
    "birthdate": "1990-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "email_verified": True,
    "phone_number": "+442079460000",
    "street_address": "12 St James's Square",
    "locality": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


class Command(BaseCommand):
    """Make what the example needs."""

    help = __doc__

    def handle(self, *args: object, **options: object) -> None:
        call_command("migrate", verbosity=0)
        signing_key(default_issuer())
        self._client("demo", DEMO_CLIENT)
        self._client("doorplate", OPENID_CLIENT)
        self._client("television", TELEVISION)
        self._client("docs", DOCS_CLIENT)
        self._client("shopper", SHOPPER)
        self._service("shop", settings.SHOP)
        self._service("orders", settings.ORDERS)
        self._person()
        self.stdout.write(f"\n  Start here:     {settings.ISSUER}/demo/")
        self.stdout.write(f"  Try the API:    {settings.ISSUER}/api/docs/")
        self.stdout.write(f"  Admin:          {settings.ISSUER}/admin/")
        self.stdout.write(f"  Metadata:       {settings.ISSUER}/.well-known/oauth-authorization-server\n")

    def _client(self, client_id: str, metadata: dict[str, object], secret: str = "") -> None:
        issuer = default_issuer()
        if not Client.objects.filter(issuer=issuer.settings.issuer, client_id=client_id).exists():
            create_client(metadata, issuer, client_id=client_id, client_secret=secret)

    def _service(self, name: str, resource: str) -> None:
        """One of chain/, which finds its secret beside the database."""
        metadata: dict[str, object] = {
            "client_name": name.capitalize(),
            "grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"],
            "response_types": [],
            "scope": "orders:read stock:read",
            "resource_identifiers": [resource],
        }
        self._client(name, metadata, secret_key(settings.VAR / f"{name}_secret"))

    def _person(self) -> None:
        people = get_user_model().objects
        if people.filter(username="demo").exists():
            self.stdout.write("\n  Sign in as demo. Forgot the password? example_project/manage.py changepassword demo")
            return
        password = secrets.token_urlsafe(9)
        person = people.create_superuser("demo", "demo@example.com", password, first_name="Ada", last_name="Example")
        Profile.objects.create(user=person, **DEMO_PROFILE)
        Note.objects.create(user=person, text="Buy oat milk")
        self.stdout.write(f"\n  Sign in as:     demo\n  Password:       {password}")
