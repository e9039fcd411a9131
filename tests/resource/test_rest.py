"""Requirements as REST framework permission classes, beside ordinary ones."""

from __future__ import annotations

import gc
import operator

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_oauth_server.resource import drf, ninja, requirement
from django_oauth_server.resource.drf import (
    BearerAuthentication,
    SignedIn,
    narrowed,
    requires,
    requires_by_action,
    requires_by_method,
)
from tests.resource.verifiers import Person, make_token

pytestmark = pytest.mark.urls("tests.resource.urls")

BARE = 'Bearer realm="api"'
READ, WRITE = requires("notes:read"), requires("notes:write")


class Deny(BasePermission):
    message = "No."

    def has_permission(self, request, view):
        return False


class DenyObject(BasePermission):
    def has_object_permission(self, request, view, obj):
        return False


class ByHeader(BaseAuthentication):
    """Another authentication, whose callers hold no token."""

    def authenticate(self, request):
        return (Person(), None) if "X-Person" in request.headers else None


class Note(APIView):
    authentication_classes = [BearerAuthentication, ByHeader]

    def get(self, request):
        return Response("milk")


class NoteObject(Note):
    def get(self, request):
        self.check_object_permissions(request, object())
        return Response("milk")


def ask(*permissions: object, token: str = "", view: type[APIView] = Note, **initkwargs: object) -> HttpResponse:
    headers = {"Authorization": f"Bearer {token}"} if token and token != "person" else {}
    headers |= {"X-Person": "alice"} if token == "person" else {}
    request = APIRequestFactory().get("/", headers=headers)
    return view.as_view(permission_classes=list(permissions), **initkwargs)(request)


def insufficient(scopes: str = "") -> str:
    told = f'{BARE}, error="insufficient_scope", error_description="The access token does not allow this request."'
    return told + (f', scope="{scopes}"' if scopes else "")


@pytest.mark.parametrize(
    "permission, token",
    [
        (READ, "reader"),
        (READ & WRITE, "writer"),
        (WRITE | READ, "reader"),
        (~WRITE, "reader"),
        (READ & IsAuthenticated, "reader"),
        (IsAuthenticated & READ, "reader"),
        (IsAuthenticated | READ, "client"),
        (READ | IsAuthenticated, "client"),
        (WRITE | IsAuthenticated, "reader"),
        (WRITE | IsAuthenticated, "person"),
        (IsAuthenticated | WRITE, "person"),
        ((WRITE & Deny) | IsAuthenticated, "person"),
        ((WRITE | Deny) | AllowAny, "reader"),
        ((IsAdminUser & IsAuthenticated) | READ, "reader"),
        ((IsAdminUser | WRITE) | READ, "reader"),
        (AllowAny & (WRITE | READ) & IsAuthenticated, "reader"),
        (~(WRITE & IsAdminUser), "reader"),
        (~(Deny | WRITE), "reader"),
        (requirement.requires("notes:read") & READ, "reader"),
        (READ | requirement.requires("admin"), "reader"),
        ((READ & IsAuthenticated) & requirement.requires("notes:read"), "reader"),
    ],
)
def test_a_caller_who_holds_enough_is_let_in(permission, token):
    assert ask(permission, token=token).status_code == 200


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.parametrize(
    "permission, asked",
    [
        (WRITE, "notes:write"),
        (READ & WRITE, "notes:read notes:write"),
        (requirement.requires("notes:read") & WRITE, "notes:read notes:write"),
        (WRITE | requires("admin"), "notes:write"),
        (~READ, ""),
        (WRITE & IsAuthenticated, "notes:write"),
        (IsAuthenticated & WRITE, "notes:write"),
        (WRITE | IsAdminUser, "notes:write"),
        (IsAdminUser | WRITE, "notes:write"),
        (IsAdminUser | (WRITE & IsAuthenticated), "notes:write"),
        (IsAdminUser | (IsAdminUser | WRITE), "notes:write"),
        (IsAuthenticated & (IsAuthenticated & WRITE), "notes:write"),
        (SignedIn | (WRITE & IsAdminUser), "notes:write"),
        (IsAuthenticated & WRITE & IsAdminUser, "notes:write"),
        ((IsAdminUser | Deny) & (IsAdminUser | WRITE) | WRITE | IsAdminUser, "notes:write"),
        (~(READ | IsAdminUser), ""),
    ],
)
def test_a_token_that_is_not_enough_is_told_the_scopes(permission, asked):
    response = ask(permission, token="reader")
    assert (response.status_code, response["WWW-Authenticate"]) == (403, insufficient(asked))
    assert response.data["error"] == "insufficient_scope"


@pytest.mark.parametrize(
    "permission", [READ & Deny, Deny & READ, (WRITE | AllowAny) & Deny, (WRITE | IsAuthenticated) & Deny]
)
def test_what_another_permission_denies_is_no_matter_of_scope(permission):
    response = ask(permission, token="reader")
    assert response.status_code == 403
    assert "WWW-Authenticate" not in response


NEEDING_A_TOKEN = [
    (READ, "notes:read"),
    (~READ, ""),
    (requires(), ""),
    (READ & AllowAny, "notes:read"),
    (AllowAny & READ, "notes:read"),
    (READ | Deny, "notes:read"),
    (Deny | READ, "notes:read"),
    ((READ & Deny) | (WRITE & Deny), "notes:read"),
    (READ & (WRITE | Deny), "notes:read notes:write"),
    (~(READ | Deny), ""),
]


@pytest.mark.spec("RFC 6750", "3.1")
@pytest.mark.parametrize("permission, scopes", NEEDING_A_TOKEN)
@pytest.mark.parametrize("first", [BearerAuthentication, SessionAuthentication])
def test_without_credentials_no_error_is_told_whichever_authentication_comes_first(permission, scopes, first):
    response = ask(permission, authentication_classes=[first, BearerAuthentication])
    bare = BARE + (f', scope="{scopes}"' if scopes else "")
    assert (response.status_code, response["WWW-Authenticate"], response.data) == (401, bare, {})


@pytest.mark.parametrize("permission, scopes", NEEDING_A_TOKEN)
def test_a_bad_token_is_told_what_a_good_one_needs(permission, scopes):
    told = ask(permission, token="expired")["WWW-Authenticate"]
    assert told.endswith(f', scope="{scopes}"' if scopes else 'another resource."')


@pytest.mark.parametrize("permission", [READ, ~WRITE, requires(), READ & IsAuthenticated])
def test_a_session_holds_no_token_and_so_no_scope(permission):
    response = ask(permission, token="person")
    assert response.status_code == 403
    assert 'error="insufficient_scope"' in response["WWW-Authenticate"]


class ByKey(BaseAuthentication):
    """Another kind of token."""

    def authenticate(self, request):
        return (Person(), "key") if "X-Person" in request.headers else None


SESSION_OR = [
    SignedIn | READ,
    READ | SignedIn,
    SignedIn | WRITE | READ,
    (SignedIn & IsAuthenticated) | READ,
    (IsAuthenticated & SignedIn) | READ,
    requirement.requires("notes:read") | SignedIn,
    SignedIn | requires_by_method(GET="notes:read"),
]


@pytest.mark.parametrize("permission", SESSION_OR)
def test_a_session_or_a_token_of_the_scope_is_let_in_and_no_other_token(permission):
    assert ask(permission, token="person").status_code == 200
    assert ask(permission, token="reader").status_code == 200
    assert ask(permission, token="bare").status_code == 403
    assert ask(permission, token="").status_code == 401
    assert ask(permission, token="person", authentication_classes=[ByKey]).status_code == 403


def test_a_token_that_is_refused_beside_a_session_is_told_what_it_lacks():
    told = ask((SignedIn & IsAdminUser) | WRITE, token="reader")
    assert (told.status_code, told["WWW-Authenticate"]) == (403, insufficient("notes:write"))


def test_who_signed_in_with_a_token_is_not_signed_in():
    assert ask(SignedIn, token="person").status_code == 200
    assert ask(SignedIn, token="writer").status_code == 403
    assert ask(SignedIn & IsAuthenticated, token="writer").status_code == 403


@pytest.mark.parametrize("opposite", [lambda: ~SignedIn, lambda: ~(SignedIn & READ)])
def test_the_opposite_of_a_session_would_let_strangers_in(opposite):
    with pytest.raises(TypeError, match="a stranger too"):
        opposite()


def test_permissions_that_nobody_needs_any_more_do_not_stay():
    def kept():
        gc.collect()
        return len(drf._made)

    before = kept()
    for number in range(500):
        requires(f"tenant:{number}")
    assert kept() <= before


def test_is_authenticated_alone_gives_the_bare_challenge():
    response = ask(IsAuthenticated)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, BARE)


def test_a_token_of_a_client_alone_is_nobody_to_is_authenticated():
    assert ask(READ & IsAuthenticated, token="client").status_code == 403


def test_a_project_may_have_no_anonymous_user(settings):
    settings.REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
    assert ask(READ, token="client").status_code == 200


def test_a_bad_token_is_refused_where_no_token_is_needed():
    assert ask(AllowAny, token="expired").status_code == 401


def test_the_audience_is_compared_on_every_request_whatever_the_permissions():
    assert ask(AllowAny, token="stranger").status_code == 401


@pytest.mark.parametrize(
    "permission, token, status",
    [
        (READ, "reader", 200),
        (READ & DenyObject, "reader", 403),
        (READ | DenyObject, "reader", 200),
    ],
)
def test_requirements_beside_permissions_on_objects(permission, token, status):
    assert ask(permission, token=token, view=NoteObject).status_code == status


def test_an_object_denied_for_want_of_scope_is_told_so():
    response = ask(WRITE | DenyObject, token="reader", view=NoteObject)
    assert (response.status_code, response["WWW-Authenticate"]) == (403, insufficient("notes:write"))


def test_each_action_of_a_viewset_may_require_its_own():
    class Notes(ViewSet):
        authentication_classes = [BearerAuthentication]

        def get_permissions(self):
            return [(READ if self.action == "list" else WRITE)()]

        def list(self, request):
            return Response([])

        create = list

    view = Notes.as_view({"get": "list", "post": "create"})
    headers = {"Authorization": "Bearer reader"}
    assert view(APIRequestFactory().get("/", headers=headers)).status_code == 200
    assert view(APIRequestFactory().post("/", headers=headers))["WWW-Authenticate"] == insufficient("notes:write")


def test_equal_requirements_are_equal_permission_classes():
    assert requires("a", "b") is requires("b", "a")
    assert requires("a") & requires("b") == requires("a") & requires("b")
    assert issubclass(requires("a"), BasePermission)


def test_a_forced_token_is_judged_like_any():
    request = APIRequestFactory().get("/")
    force_authenticate(request, Person(), make_token("notes:read"))
    assert Note.as_view(permission_classes=[READ])(request).status_code == 200


class Notes(ViewSet):
    authentication_classes = [BearerAuthentication]

    def list(self, request):
        return Response([])

    retrieve = create = destroy = list


ACTIONS = {"get": "list", "post": "create", "delete": "destroy"}


def act(permission: object, method: str, token: str = "reader") -> HttpResponse:
    request = getattr(APIRequestFactory(), method)("/", headers={"Authorization": f"Bearer {token}"} if token else {})
    return Notes.as_view(ACTIONS, permission_classes=[permission])(request)


BY_NAME = [
    requires_by_action("notes:write", list="notes:read"),
    requires_by_method("notes:write", GET="notes:read"),
    requires_by_action("notes:write", list="notes:read") & IsAuthenticated,
    AllowAny & requires_by_method("notes:write", GET="notes:read"),
]


@pytest.mark.parametrize("permission", BY_NAME)
def test_a_table_says_what_each_action_or_method_requires(permission):
    assert act(permission, "get").status_code == 200
    assert act(permission, "post")["WWW-Authenticate"] == insufficient("notes:write")
    assert act(permission, "post", "writer").status_code == 200
    assert act(permission, "get", "")["WWW-Authenticate"] == f'{BARE}, scope="notes:read"'


@pytest.mark.parametrize("permission", BY_NAME)
def test_head_requires_what_get_does_and_options_any_token(permission):
    assert act(permission, "head").status_code == 200
    assert act(permission, "head", "bare").status_code == 403
    assert act(permission, "options", "writer").status_code == 200
    assert act(permission, "options", "").status_code == 401


@pytest.mark.parametrize("permission", [requires_by_action(list="notes:read"), requires_by_method(GET="notes:read")])
def test_what_a_table_does_not_name_nobody_may(permission):
    response = act(permission, "delete", "writer")
    assert (response.status_code, response["WWW-Authenticate"]) == (403, insufficient())
    assert act(permission, "delete", "").status_code == 401


def test_a_mistake_in_a_table_shows_where_it_was_made():
    with pytest.raises(ValueError, match="not a scope token"):
        requires_by_action(list="notes read")


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: requires_by_method(), "A table names what it is for"),
        (lambda: requires_by_method("notes:read"), "A table names what it is for"),
        (lambda: requires_by_action("notes:read"), "A table names what it is for"),
        (lambda: requires_by_method(HEAD="notes:read"), "Write GET"),
        (lambda: requires_by_method(PSOT="notes:write"), "PSOT is no method"),
        (lambda: requires_by_method(GET="notes:read", otherwise="notes:write"), "otherwise is no method"),
        (lambda: requires_by_method(post="notes:write", POST="notes:read"), "named twice"),
        (lambda: requires_by_method(GET=["notes:read"]), "a scope is a string"),
        (lambda: requires_by_action(list=""), "not a scope token"),
        (lambda: requires_by_action([], list="notes:read"), "a scope is a string"),
    ],
)
def test_a_table_that_means_nothing_fails_where_it_is_written(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


def test_methods_may_be_written_in_small_letters():
    permission = requires_by_method("notes:read", post="notes:write")
    assert act(permission, "get").status_code == 200
    assert act(permission, "post").status_code == 403
    assert act(permission, "post", "writer").status_code == 200


def test_actions_of_a_view_that_has_none_are_a_mistake_and_open_nothing():
    with pytest.raises(ImproperlyConfigured, match="requires_by_method"):
        ask(requires_by_action("notes:read", list="notes:write"), token="writer")


def test_permissions_in_a_list_are_told_in_one_challenge():
    response = ask(READ, WRITE, requires("admin"), token="reader")
    assert response["WWW-Authenticate"] == insufficient("admin notes:read notes:write")


@pytest.mark.parametrize(
    "composed", [IsAuthenticated & READ, IsAuthenticated & (IsAuthenticated & READ), IsAdminUser | (IsAdminUser | READ)]
)
def test_the_opposite_of_a_composition_still_needs_a_token(composed):
    assert ask(~composed, token="person").status_code == 403
    assert ask(~composed, token="reader").status_code == 403


def test_a_table_has_no_opposite_that_would_open_for_nobody_in_particular():
    with pytest.raises(TypeError, match="no opposite"):
        ~requires_by_action(list="notes:read")


@pytest.mark.parametrize("other", [None, "admin", int, IsAuthenticated(), ninja.requires("admin")])
@pytest.mark.parametrize("permission", [READ, SignedIn, READ & IsAuthenticated, requires_by_method(GET="notes:read")])
def test_what_is_no_permission_class_composes_with_none(permission, other):
    for compose in (operator.or_, operator.and_):
        with pytest.raises(TypeError, match="composes with permission classes"):
            compose(permission, other)


@pytest.mark.parametrize("wrong", [None, "user_id", []])
def test_what_narrows_is_a_function(wrong):
    with pytest.raises(TypeError, match="takes a function"):
        narrowed(wrong)


def own(queryset, token):
    return queryset.filter(username=token.subject)


OWN = narrowed(own)


class People(GenericAPIView):
    authentication_classes = [BearerAuthentication, ByHeader]
    queryset = get_user_model().objects.order_by("username")
    filter_backends = [OWN]

    def get(self, request, pk=None):
        if pk is None:
            return Response([person.username for person in self.filter_queryset(self.get_queryset())])
        return Response(self.get_object().username)


class FoundByHand(People):
    permission_classes = [OWN]

    def get(self, request, pk):
        person = get_user_model().objects.get(pk=pk)
        self.check_object_permissions(request, person)
        return Response(person.username)


def look(view: type[APIView], token: str = "reader", **kwargs: object) -> HttpResponse:
    headers = {"X-Person": "alice"} if token == "person" else {"Authorization": f"Bearer {token}"}
    return view.as_view()(APIRequestFactory().get("/", headers=headers), **kwargs)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "view, others", [(People, 404), (FoundByHand, 403)], ids=["filter_backends", "permission_classes"]
)
def test_a_token_opens_the_objects_that_it_is_narrowed_to(view, others):
    alice, bob = (get_user_model().objects.create_user(name) for name in ("alice", "bob"))
    assert look(view, pk=alice.pk).data == "alice"
    assert look(view, pk=bob.pk).status_code == others
    assert look(view, token="person", pk=alice.pk).status_code == others


@pytest.mark.django_db
def test_a_list_holds_what_the_token_is_narrowed_to():
    for name in ("alice", "bob"):
        get_user_model().objects.create_user(name)
    assert look(People).data == ["alice"]
    assert look(People, token="person").data == []
