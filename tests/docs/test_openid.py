"""What the page about OpenID Connect has a project write, run as it stands."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Group
from django.test import Client as Browser

from tests.docs.pages import DOCS
from tests.factories import ClientFactory
from tests.flow import Flow
from tests.openid.conftest import read

MODULES = re.findall(
    r"^```python\n# (mysite)/(\w+)\.py\n(.*?)^```", (DOCS / "openid.md").read_text(encoding="utf-8"), re.S | re.M
)
MEMBERSHIP = {"membership": "see your membership"}


@pytest.fixture
def mysite(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "mysite", ModuleType("mysite"))
    for package, name, code in MODULES:
        module = ModuleType(f"{package}.{name}")
        exec(compile(code, "docs/openid.md", "exec"), module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    declared = django_settings.OAUTH_SERVER
    settings.OAUTH_SERVER = declared | {
        "scopes": {**declared["scopes"], **MEMBERSHIP},
        "claims": "mysite.claims.PersonClaims",
        "authentication": "mysite.sign_in.known_sign_in",
        "acr_values": ["urn:mysite:two-factor"],
    }
    yield


@pytest.fixture
def signed_in(mysite: None, user: Any, browser: Browser) -> Flow:
    user.email = "alice@example.com"
    user.save()
    return Flow(ClientFactory(), browser)


def test_what_the_project_says_of_a_person_arrives(signed_in: Flow, user: Any) -> None:
    claims = signed_in.userinfo(signed_in.tokens(scope="openid email profile membership")["access_token"])
    assert claims["member_since"] == user.date_joined.date().isoformat()
    assert claims["email"] == "alice@example.com"
    assert "email_verified" not in claims  # Django's own user model does not know it
    assert type(claims["updated_at"]) is int


def test_a_claim_that_is_asked_for_by_name_is_asked_in_its_words(signed_in: Flow) -> None:
    page = signed_in.authorize(scope="openid", claims=json.dumps({"userinfo": {"member_since": None}}))
    assert "See since when you are a member" in page.content.decode()


def test_how_the_person_signed_in_is_what_the_function_says(signed_in: Flow) -> None:
    assert "acr" not in read(signed_in.tokens(scope="openid")["id_token"])
    session = signed_in.browser.session
    session["otp_device_id"] = "otp_totp.totpdevice/1"
    session.save()
    assert read(signed_in.tokens(scope="openid")["id_token"])["acr"] == "urn:mysite:two-factor"


def test_claims_in_access_tokens_arrive(mysite: None, settings: Any, user: Any, browser: Browser) -> None:
    settings.OAUTH_SERVER = settings.OAUTH_SERVER | {"claims": "mysite.api_claims.ApiClaims"}
    user.groups.add(Group.objects.create(name="editors"))
    flow = Flow(ClientFactory(), browser)
    for resource, roles in (("https://api.example/notes", ["editors"]), ("https://api.example/mail", None)):
        token = flow.tokens(scope="notes:read", resource=resource)["access_token"]
        assert flow.introspect(token).get("roles") == roles
