"""Plain Django views: what is declared, and what a cookie may not do."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory
from django.views.generic import TemplateView

from django_oauth_server.resource.django import ProtectedResourceMixin
from tests.resource.verifiers import MAIL, NOTES

pytestmark = pytest.mark.urls("tests.resource.urls")


@pytest.fixture
def person(db):
    return get_user_model().objects.create_user("bob")


@pytest.mark.parametrize("path", ["/function", "/class", "/rest-view"])
def test_a_session_opens_nothing(person, path):
    client = Client()
    client.force_login(person)
    response = client.get(path)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="api", scope="notes:read"')


@pytest.mark.parametrize("token, name", [("reader", "alice"), ("client", None)])
@pytest.mark.parametrize("path", ["/function", "/class", "/rest-view"])
def test_the_token_says_who_calls_whatever_a_cookie_says(person, path, token, name):
    client = Client(headers={"Authorization": f"Bearer {token}"})
    client.force_login(person)
    assert client.get(path).json()["user"] == name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/async-function", "/async-class"])
def test_auser_is_not_whom_a_cookie_names(path):
    client = Client(headers={"Authorization": "Bearer client"})
    client.force_login(get_user_model().objects.create_user("bob"))
    assert (client.get(path).json()["user"], client.get(path).json()["auser"]) == (None, "")


def test_a_class_that_declares_nothing_opens_for_nobody(call):
    with pytest.raises(ImproperlyConfigured, match="UndeclaredView needs a requirement"):
        Client().get("/undeclared", headers={"Authorization": "Bearer reader"})


def test_a_string_is_not_taken_for_a_list_of_scopes():
    with pytest.raises(ImproperlyConfigured, match="as a list or tuple"):
        ProtectedResourceMixin.as_view(required_scopes="a")(RequestFactory().get("/"))


def test_the_order_of_bases_does_not_matter():
    class Page(TemplateView, ProtectedResourceMixin):
        required_scopes = ["notes:read"]
        template_name = "any.html"

    assert Page.as_view()(RequestFactory().get("/")).status_code == 401


@pytest.mark.spec("RFC 9110", "15.5.6")
def test_a_method_that_a_class_lacks_is_told_to_those_who_may_call_it(call):
    assert call("/class", "DELETE").status_code == 401
    assert call("/class", "DELETE", authorization="Bearer reader").status_code == 405


@pytest.mark.spec("RFC 8707", "2")
@pytest.mark.parametrize(
    "path, token, status",
    [
        ("/mail", "mail", 200),
        ("/mail", "reader", 401),
        ("/any-token", "mail", 200),
        ("/any-token", "bare", 200),
        ("/any-token", "stranger", 401),
    ],
)
def test_a_project_may_serve_several_resources(settings, call, path, token, status):
    settings.OAUTH_RESOURCE_SERVER = settings.OAUTH_RESOURCE_SERVER | {"resource": [NOTES, MAIL]}
    assert call(path, authorization=f"Bearer {token}").status_code == status
