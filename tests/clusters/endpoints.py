"""One request to each endpoint, each as good as any: where the database is there, it is answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any

from tests.clusters.workers import Gunicorn, Prepared
from tests.device.walk import Device
from tests.flow import Flow
from tests.pushed.conftest import Pushing
from tests.races.doors import HttpAnswer, HttpBrowser

JSON = "application/json"
ALWAYS = frozenset(
    {"metadata", "OpenID metadata", "metadata of the resource", "JWKS", "client_credentials of a remembered client"}
)
"""What is answered without a database: from the settings, or from what the process remembers."""


def requests_to(place: Gunicorn, prepared: Prepared, session: str) -> dict[str, Callable[[], HttpAnswer]]:
    """By the name of what is asked. What each needs, such as a code, is there already."""

    def browser() -> HttpBrowser:
        return HttpBrowser(place.port, SimpleCookie({"sessionid": session}))

    def walk(name: str, kind: type[Flow] = Flow) -> Any:
        flow = kind(prepared.clients[name], browser())
        flow.server = HttpBrowser(place.port, SimpleCookie())
        return flow

    flow, public, service = walk("confidential"), walk("public"), walk("service")
    bought, jwt = flow.tokens(scope="openid notes:read"), walk("jwt").tokens(scope="openid notes:read")
    first = public.tokens()
    page, code, to_revoke = flow.authorize(prompt="consent"), flow.code(), flow.tokens()
    device, pushing = walk("device", Device), walk("confidential", Pushing)
    codes, reference = device.codes(), pushing.reference()
    server = flow.server
    client = server.post(
        "/oauth/register", json.dumps({"redirect_uris": ["https://client.example/callback"]}), JSON
    ).json()
    managed = client["registration_client_uri"].removeprefix("https://as.example")
    as_client = {"Authorization": f"Bearer {client['registration_access_token']}"}

    def bearer(path: str, token: str) -> HttpAnswer:
        return server.generic("GET", path, headers={"Authorization": f"Bearer {token}"})

    return {
        "health": lambda: server.get("/oauth/health"),
        "metadata": lambda: server.get("/.well-known/oauth-authorization-server"),
        "OpenID metadata": lambda: server.get("/.well-known/openid-configuration"),
        "metadata of the resource": lambda: server.get("/.well-known/oauth-protected-resource"),
        "JWKS": lambda: server.get("/oauth/jwks"),
        "authorize": flow.authorize,
        "authorize, a page": lambda: flow.authorize(prompt="consent"),
        "decision": lambda: flow.decide(page),
        "code": lambda: flow.exchange(code),
        "refresh": lambda: flow.refresh(bought["refresh_token"]),
        "refresh that rotates": lambda: public.refresh(first["refresh_token"]),
        "client_credentials": lambda: service.token(grant_type="client_credentials", scope="notes:read"),
        "device_code": lambda: device.token(
            grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=codes["device_code"]
        ),
        "introspect": lambda: server.post(
            "/oauth/introspect", {"token": bought["access_token"]}, headers=flow._authenticate("", {})[0]
        ),
        "revoke": lambda: flow.revoke(to_revoke["refresh_token"]),
        "userinfo": lambda: bearer("/oauth/userinfo", bought["access_token"]),
        "userinfo with a JWT": lambda: bearer("/oauth/userinfo", jwt["access_token"]),
        "protected view": lambda: bearer("/notes", bought["access_token"]),
        "device_authorization": device.ask,
        "device, the page": lambda: device.type(codes["user_code"]),
        "par": pushing.push,
        "authorize what was pushed": lambda: pushing.go(reference),
        "register": lambda: server.post(
            "/oauth/register", json.dumps({"redirect_uris": ["https://client.example/callback"]}), JSON
        ),
        "registered client": lambda: server.generic("GET", managed, headers=as_client),
        "connected apps": lambda: browser().get("/oauth/connected-apps/"),
        "end_session": lambda: browser().get("/oauth/end-session", {"id_token_hint": bought["id_token"]}),
    }
