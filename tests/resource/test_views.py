"""Plain Django views: what is declared, and what a cookie may not do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from django_oauth_server.resource import drf
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource
from django_oauth_server.resource.requirement import requires
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


def test_a_class_is_not_taken_for_a_function():
    with pytest.raises(TypeError, match="ProtectedResourceMixin"):
        protected_resource("notes:read")(Inside)


def test_an_async_view_behind_a_decorator_that_hides_it_is_awaited():
    async def view(request):
        return HttpResponse("in")

    async def ask():
        guarded = protected_resource("notes:read")(lambda request: view(request))
        return await guarded(RequestFactory().get("/", headers={"Authorization": "Bearer reader"}))

    response = async_to_sync(ask)()
    assert (response.content, response["Vary"]) == (b"in", "Authorization")


class Inside(View):
    def get(self, request):
        return HttpResponse("in")

    post = get


def protected(*bases: type, **declared: object) -> type:
    return type("Notes", (*bases, ProtectedResourceMixin), declared)


def test_a_class_that_declares_nothing_fails_where_it_is_routed():
    with pytest.raises(ImproperlyConfigured, match="Notes needs a requirement"):
        protected(Inside).as_view()


@pytest.mark.parametrize(
    "declared, words",
    [
        ({"required_scopes": "notes:read"}, "list or tuple"),
        (
            {"required_scopes": ["notes:read notes:write"]},
            "each scope as a string of its own: 'notes:read', 'notes:write'",
        ),
        ({"required_scopes": [""]}, "not a scope token"),
        ({"required_scopes": 5}, "list or tuple"),
        ({"requirement": "notes:read"}, "what requires"),
        ({"requirement": drf.requires("notes:read")}, "what requires"),
        ({"required_scope": ["notes:read"]}, "Did you mean required_scopes?"),
        ({"requirements": requires("notes:read")}, "Did you mean requirement?"),
        ({"scopes": ["notes:read"]}, "Did you mean required_scopes?"),
        ({"scope": "notes:read", "required_scopes": ["bare"]}, "Did you mean required_scopes?"),
        ({"bound": True, "required_scopes": ["bare"]}, "Write requirement = requires(..., bound=...)."),
        ({"audience": "https://api.example/mail", "required_scopes": ["bare"]}, "requires(..., audience=...)"),
        ({"clients": ["app"], "required_scopes": ["bare"]}, "requires(..., clients=...)"),
        ({"max_age": timedelta(minutes=5), "required_scopes": ["bare"]}, "requires(..., max_age=...)"),
    ],
    ids=str,
)
def test_a_declaration_that_means_nothing_fails_where_it_is_written(declared, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        protected(Inside, **declared)


@pytest.mark.parametrize(
    "declared", [{"required_scopes": "notes:read"}, {"requirement": "notes:read"}, {"dispatch": print}]
)
def test_so_does_one_that_is_handed_to_as_view(declared):
    with pytest.raises(TypeError):
        protected(Inside, required_scopes=["notes:read"]).as_view(**declared)


def test_scopes_and_a_requirement_are_both_required():
    class Base(ProtectedResourceMixin, Inside):
        requirement = requires(clients=["app"])

    class Narrower(Base):
        required_scopes = ["notes:read"]

    assert called(Narrower, "reader").status_code == 200
    assert called(Narrower, "bare").status_code == 403
    assert called(Base, "bare").status_code == 200


def called(kind: type, token: str = "", **initkwargs: object) -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return kind.as_view(**initkwargs)(RequestFactory().get("/", headers=headers))


class Dispatching(Inside):
    """Another package's view, which does not ask its bases."""

    def dispatch(self, request, *args, **kwargs):
        return HttpResponse("in")


class Derived(Dispatching):
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)


class Careless(Dispatching):
    def __init_subclass__(cls):
        """Asks none of its bases either."""


def _assigned():
    kind = protected(Inside, required_scopes=["notes:read"])
    kind.dispatch = Dispatching.dispatch
    return kind


@pytest.mark.parametrize(
    "make",
    [
        lambda: protected(TemplateView, required_scopes=["notes:read"], template_name="any.html"),
        lambda: protected(Dispatching, required_scopes=["notes:read"]),
        lambda: protected(Derived, required_scopes=["notes:read"]),
        lambda: type("Notes", (protected(Derived),), {"required_scopes": ["notes:read"]}),
        lambda: type("Notes", (Dispatching, protected(Inside)), {"required_scopes": ["notes:read"]}),
        lambda: protected(Inside, required_scopes=["notes:read"], dispatch=Dispatching.dispatch),
        lambda: method_decorator(never_cache, "dispatch")(protected(Dispatching, required_scopes=["notes:read"])),
    ],
    ids=["template", "itself", "inherited", "subclass", "between", "own", "decorated"],
)
def test_whatever_dispatches_the_token_is_judged_before(make):
    assert called(make()).status_code == 401
    assert called(make(), "bare").status_code == 403
    assert called(make(), "reader").status_code == 200


@pytest.mark.parametrize(
    "make", [_assigned, lambda: protected(Careless, required_scopes=["notes:read"])], ids=["assigned", "careless"]
)
def test_a_dispatch_that_could_not_be_guarded_is_refused(make):
    with pytest.raises(TypeError, match="asks for no token"):
        make().as_view()


def test_a_dispatch_of_the_class_itself_is_reached_once():
    seen = []

    class Notes(ProtectedResourceMixin, Inside):
        def get_requirement(self):
            seen.append(self.request.method)
            return requires("notes:read")

        def dispatch(self, request):
            return super().dispatch(request)

    assert called(Notes, "reader").content == b"in"
    assert seen == ["GET"]


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
