"""Through the front door: protected views whose tokens are verified elsewhere, and the same views when nobody there answers."""

from __future__ import annotations

import pytest

from tests.resource.verifying.server import AUDIENCE, INTROSPECT, JWKS, failing

pytestmark = pytest.mark.urls("tests.resource.urls")

VIEWS = ["/function", "/class", "/rest-view", "/async-function", "/async-class"]


@pytest.fixture(params=[JWKS, INTROSPECT])
def trusted(request, settings, jwks, introspection):
    """The path on which verifying depends."""
    verifier = jwks if request.param == JWKS else introspection
    settings.OAUTH_RESOURCE_SERVER = {"verifier": verifier, "resource": AUDIENCE}
    return request.param


def token(server, path, *, audience: str = AUDIENCE) -> str:
    if path == JWKS:
        return server.issuer.token("notes:read", audience=audience)
    server.allow("opaque", aud=audience)
    return "opaque"


@pytest.mark.parametrize("path", VIEWS)
def test_a_good_token_opens_the_view(call, server, trusted, path):
    response = call(path, authorization=f"Bearer {token(server, trusted)}")
    assert (response.status_code, response.json()["client"]) == (200, "app")


@pytest.mark.spec("RFC 9700", "2.3")
@pytest.mark.parametrize("path", VIEWS)
def test_a_token_for_another_resource_does_not(call, server, trusted, path):
    presented = token(server, trusted, audience="https://elsewhere.example")
    response = call(path, authorization=f"Bearer {presented}")
    assert response.status_code == 401
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.spec("RFC 9110", "10.2.3")
@pytest.mark.parametrize("path", VIEWS)
def test_while_nobody_can_tell_no_token_is_called_bad(call, server, trusted, path):
    server.tricks[trusted] = failing(500)
    response = call(path, authorization=f"Bearer {token(server, trusted)}")
    assert response.status_code == 503
    assert int(response["Retry-After"]) >= 1
    assert not response.has_header("WWW-Authenticate")
