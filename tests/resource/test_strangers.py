"""The audit and what happens: of each view, what a stranger meets and what is told of it.

Most views here are mistakes that people make. None that lets a stranger in may be called protected.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
from django.contrib import admin
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.decorators import login_required, permission_required, user_passes_test
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin, UserPassesTestMixin
from django.core.exceptions import MiddlewareNotUsed, PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, clear_url_caches, include, path, re_path
from django.urls.resolvers import RoutePattern
from django.utils.decorators import method_decorator
from django.utils.functional import lazy
from django.utils.translation import get_language, override
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import TemplateView
from ninja import NinjaAPI, Router
from ninja.errors import HttpError
from ninja.security import django_auth
from rest_framework import permissions
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.checks import check_routes
from django_oauth_server.resource.django import ProtectedResourceMixin, protected_resource
from django_oauth_server.resource.middleware import ProtectedPrefixMiddleware
from django_oauth_server.resource.requirement import requires
from django_oauth_server.resource.routes.base import Route, routes
from tests.resource.test_middleware import MIDDLEWARE

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls(__name__),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
]


def inside(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse("in")


class Page(View):
    def get(self, request: HttpRequest, **kwargs: object) -> HttpResponse:
        return HttpResponse("in")


class Rest(APIView):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires("notes:read")]

    def get(self, request: Any, **kwargs: object) -> Response:
        return Response("in")


def of_class(*bases: type, **members: Any) -> Any:
    return type("Made", bases, members).as_view()


# -- Django: classes ---------------------------------------------------------------------------------------------------


class Checked(View):
    """Something of the project's own, before Django's."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        request.checked = True  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)


class Shortcut(View):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        if "preview" not in request.COOKIES:
            return self.get(request)  # type: ignore[attr-defined]
        return super().dispatch(request, *args, **kwargs)


class Around(LoginRequiredMixin, View):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        return View.dispatch(self, request, *args, **kwargs)


class Guest(View):
    """The stranger becomes somebody, before it is asked who they are."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        request.user = somebody()
        return super().dispatch(request, *args, **kwargs)


class GuestByCall(View):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        sign_in(request)
        return super().dispatch(request, *args, **kwargs)


class GuestByMethod(View):
    def prepare(self) -> None:
        self.request.user = somebody()

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        self.prepare()
        return super().dispatch(request, *args, **kwargs)


class GuestFromSetup(View):
    def setup(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().setup(request, *args, **kwargs)
        self.request.user = somebody()


class GuestByAnotherName(View):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        for one in [request]:
            one.user = somebody()
        return super().dispatch(request, *args, **kwargs)


class GuestByItsParts(View):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        request.__dict__.update(user=somebody())
        return super().dispatch(request, *args, **kwargs)


class Another(View):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        other = HttpRequest()
        other.method, other.user = "GET", somebody()
        return super().dispatch(other, *args, **kwargs)


class Passing(LoginRequiredMixin, Page):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        return super(LoginRequiredMixin, self).dispatch(request, *args, **kwargs)


class Comforting(View):
    """It answers a refusal with the page."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        response = super().dispatch(request, *args, **kwargs)
        if response.status_code == 302:
            response = self.get(request)  # type: ignore[attr-defined]
        return response


class Deaf(View):
    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> Any:
        super().dispatch(request, *args, **kwargs)
        return self.get(request)  # type: ignore[attr-defined]


class OwnAsView(LoginRequiredMixin, Page):
    """Its view is another than it says."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        @functools.wraps(super().as_view(**initkwargs))
        def view(request: HttpRequest) -> Any:
            return cls().get(request)

        return view


class Ordinary(LoginRequiredMixin, Page):
    """All that a class overrides which changes nothing of whom it lets in."""

    def setup(self, request: HttpRequest, *args: object, **kwargs: object) -> None:
        super().setup(request, *args, **kwargs)
        self.tenant = request.headers.get("Tenant")

    def thing(self) -> str:
        return self.request.path

    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        self.kept = self.thing()
        with transaction.atomic():
            response = super(Ordinary, self).dispatch(*args, **kwargs)  # noqa: UP008
            response["Kept"] = "1"
            return response

    def handle_no_permission(self) -> Any:
        remember(self.request)
        return super().handle_no_permission()


def somebody() -> Any:
    return MagicMock(is_authenticated=True)


def sign_in(request: HttpRequest) -> None:
    request.user = somebody()


def remember(request: HttpRequest) -> None:
    pass


def refuses_by_answering(self: Any) -> HttpResponse:
    return HttpResponse("in")


class Template(TemplateView, LoginRequiredMixin):
    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return HttpResponse("in")


@method_decorator(csrf_exempt, name="dispatch")
class Exempt(Page):
    pass


@method_decorator(login_required, name="get")
class OneMethod(Page):
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")


CLASSES = {
    "plain": (of_class(Page), "OPEN"),
    "login": (of_class(LoginRequiredMixin, Page), "LoginRequiredMixin"),
    "login-late": (of_class(Page, LoginRequiredMixin), "OPEN"),
    "login-late-template": (Template.as_view(template_name="x"), "OPEN"),
    "login-behind-own": (of_class(Checked, LoginRequiredMixin, Page), "LoginRequiredMixin"),
    "login-behind-shortcut": (of_class(Shortcut, LoginRequiredMixin, Page), "UNKNOWN"),
    "login-before-shortcut": (of_class(LoginRequiredMixin, Shortcut, Page), "LoginRequiredMixin"),
    "login-left-out": (of_class(Around, Page), "UNKNOWN"),
    "login-behind-decorated": (of_class(Exempt, LoginRequiredMixin), "OPEN"),
    "login-answers": (
        of_class(LoginRequiredMixin, Page, handle_no_permission=refuses_by_answering),
        "UNKNOWN",
    ),
    **{
        f"login-{kind.__name__}": (of_class(kind, LoginRequiredMixin, Page), "UNKNOWN")
        for kind in (
            Guest,
            GuestByCall,
            GuestByMethod,
            GuestFromSetup,
            GuestByAnotherName,
            GuestByItsParts,
            Another,
            Comforting,
            Deaf,
        )
    },
    "login-passed": (Passing.as_view(), "UNKNOWN"),
    "login-own-as-view": (OwnAsView.as_view(), "UNKNOWN"),
    "login-ordinary": (Ordinary.as_view(), "LoginRequiredMixin"),
    "token-behind-guest": (of_class(Guest, ProtectedResourceMixin, Page, required_scopes=["notes:read"]), "notes:read"),
    "permission": (
        of_class(PermissionRequiredMixin, Page, permission_required="auth.view_user"),
        "PermissionRequiredMixin",
    ),
    "permission-late": (of_class(Page, PermissionRequiredMixin, permission_required="auth.view_user"), "OPEN"),
    "permission-none": (of_class(PermissionRequiredMixin, Page, permission_required=()), "OPEN"),
    "permission-own": (of_class(PermissionRequiredMixin, Page, has_permission=lambda self: 1), "OPEN"),
    "test": (
        of_class(UserPassesTestMixin, Page, test_func=lambda self: self.request.user.is_staff),
        "UserPassesTestMixin",
    ),
    "test-everybody": (of_class(UserPassesTestMixin, Page, test_func=lambda self: "yes"), "OPEN"),
    "test-object": (
        of_class(UserPassesTestMixin, Page, test_func=lambda self: self.kwargs.get("pk", 1) / 0),
        "UNKNOWN",
    ),
    "token": (of_class(ProtectedResourceMixin, Page, required_scopes=["notes:read"]), "notes:read"),
    "token-behind": (of_class(Shortcut, ProtectedResourceMixin, Page, required_scopes=["notes:read"]), "notes:read"),
    "token-late": (of_class(Page, ProtectedResourceMixin, required_scopes=["notes:read"]), "notes:read"),
    "token-and-login": (
        of_class(LoginRequiredMixin, ProtectedResourceMixin, Page, requirement=requires("notes:read")),
        "notes:read & LoginRequiredMixin",
    ),
    "by-decorator": (
        method_decorator(login_required, name="dispatch")(type("M", (Page,), {})).as_view(),
        "login_required",
    ),
    "by-decorator-overridden": (
        of_class(method_decorator(login_required, name="dispatch")(type("M", (Page,), {})), dispatch=View.dispatch),
        "OPEN",
    ),
    "one-method": (OneMethod.as_view(), "login_required"),
}

# -- Django: functions -------------------------------------------------------------------------------------------------


def sometimes(view: Callable[..., Any]) -> Callable[..., Any]:
    protected = login_required(view)

    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        return (protected if "strict" in request.COOKIES else view)(request)

    return inner


def always(view: Callable[..., Any]) -> Callable[..., Any]:
    protected = login_required(view)

    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        return protected(request)

    return inner


def pretends(view: Callable[..., Any]) -> Callable[..., Any]:
    """Its wrapper says that it wraps the protected view, and calls another."""

    @functools.wraps(protected_resource("notes:read")(view))
    def inner(request: HttpRequest) -> Any:
        return view(request)

    return inner


def goes_round(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        return view.__wrapped__(request)  # type: ignore[attr-defined]

    return inner


def calls_another(view: Callable[..., Any]) -> Callable[..., Any]:
    views = {"one": inside, "other": view}

    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        return views["one"](request)

    return inner


def for_a_guest(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        request.user = somebody()
        return view(request)

    return inner


def comforts(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        response = view(request)
        return response if response.status_code == 200 else inside(request)

    return inner


def ordinary(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        if "limited" in request.COOKIES:
            return HttpResponse(status=429)
        request.counted = True  # type: ignore[attr-defined]
        response = view(request)
        response["Counted"] = "1"
        return response

    return inner


class Callable_:
    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")


class CallableProtected:
    @method_decorator(login_required)
    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")


async def inside_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


async def nobody(user: Any) -> bool:
    return False


async def everybody(user: Any) -> bool:
    return True


def raises(user: Any) -> bool:
    raise PermissionDenied


class ForAGuest:
    def __init__(self, view: Callable[..., Any]) -> None:
        functools.update_wrapper(self, view)
        self.view = view

    def __call__(self, request: HttpRequest) -> Any:
        request.user = somebody()
        return self.view(request)


class Kept(ForAGuest):
    def __call__(self, request: HttpRequest) -> Any:
        return self.view(request)


def by_a_helper(view: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(view)
    def inner(request: HttpRequest) -> Any:
        sign_in(request)
        return view(request)

    return inner


CLASSES |= {
    "guest-by-decorator": (
        method_decorator(for_a_guest, name="dispatch")(type("M", (LoginRequiredMixin, Page), {})).as_view(),
        "UNKNOWN",
    ),
    "ordinary-decorator": (
        method_decorator(ordinary, name="dispatch")(type("M", (LoginRequiredMixin, Page), {})).as_view(),
        "LoginRequiredMixin",
    ),
}
FUNCTIONS = {
    "plain": (inside, "OPEN"),
    "login": (login_required(inside), "login_required"),
    "login-below": (csrf_exempt(login_required(inside)), "login_required"),
    "login-partial": (functools.partial(login_required(inside)), "login_required"),
    "login-async": (login_required(inside_async), "login_required"),
    "everybody": (user_passes_test(lambda user: True)(inside), "OPEN"),
    "everybody-truthy": (user_passes_test(lambda user: "yes")(inside), "OPEN"),
    "everybody-async": (user_passes_test(everybody)(inside), "OPEN"),
    "nobody-async": (user_passes_test(nobody)(inside_async), "user_passes_test"),
    "nobody-raises": (user_passes_test(raises)(inside), "user_passes_test"),
    "no-permission": (permission_required(())(inside), "OPEN"),
    "permission": (permission_required(["auth.view_user"])(inside), "permission_required"),
    "sometimes": (sometimes(inside), "OPEN"),
    "always": (always(inside), "login_required"),
    "pretends": (pretends(inside), "OPEN"),
    "round": (goes_round(login_required(inside)), "UNKNOWN"),
    "another": (calls_another(login_required(inside)), "UNKNOWN"),
    "guest": (for_a_guest(login_required(inside)), "UNKNOWN"),
    "guest-by-a-helper": (by_a_helper(login_required(inside)), "UNKNOWN"),
    "guest-by-an-instance": (ForAGuest(login_required(inside)), "UNKNOWN"),
    "kept-by-an-instance": (Kept(login_required(inside)), "login_required"),
    "comforts": (comforts(login_required(inside)), "UNKNOWN"),
    "ordinary": (ordinary(login_required(inside)), "login_required"),
    "instance": (Callable_(), "OPEN"),
    "instance-protected": (CallableProtected(), "login_required"),
    "token": (csrf_exempt(functools.partial(protected_resource("notes:read")(inside))), "notes:read"),
}

# -- REST framework ----------------------------------------------------------------------------------------------------


def permission(answer: Callable[[Any, Any], Any]) -> type[permissions.BasePermission]:
    return type(
        "Own", (permissions.BasePermission,), {"has_permission": lambda self, request, view: answer(request, view)}
    )


async def refuses_async(self: Any, request: Any, view: Any) -> bool:
    return False


class Everybody(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Any, None]:
        return MagicMock(is_authenticated=True), None


class Nobody(BaseAuthentication):
    def authenticate(self, request: Any) -> None:
        raise AuthenticationFailed


def skips(self: Any, request: Any, *args: object, **kwargs: object) -> None:
    pass


class FirstOwn(Rest):
    def initial(self, request: Any, *args: object, **kwargs: object) -> None:
        self.tenant = request.headers.get("Tenant")
        super().initial(request, *args, **kwargs)


class OrdinaryRest(Rest):
    def initial(self, request: Any, *args: object, **kwargs: object) -> None:
        super().initial(request, *args, **kwargs)
        request.user = somebody()

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, KeyError):
            return Response(status=400)
        return super().handle_exception(exc)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        remember(request)
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Kept"] = "1"
        return response


def as_a_guest(self: Any, request: Any, *args: object, **kwargs: object) -> None:
    request.user = somebody()
    super(type(self), self).initial(request, *args, **kwargs)


def without_permissions(self: Any, request: Any, *args: object, **kwargs: object) -> None:
    self.permission_classes = []
    super(type(self), self).initial(request, *args, **kwargs)


class FinallyIn(Rest):
    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        if response.status_code != 200:
            response = self.get(request)
        return super().finalize_response(request, response, *args, **kwargs)


class Sometimes(Rest):
    def initial(self, request: Any, *args: object, **kwargs: object) -> None:
        if "Strict" in request.headers:
            super().initial(request, *args, **kwargs)


class ByMethod(Rest):
    def check_permissions(self, request: Any) -> None:
        if request.method == "POST":
            super().check_permissions(request)

    post = Rest.get


class Notes(ViewSet):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires("notes:read")]

    def list(self, request: Any) -> Response:
        return Response("in")

    @action(detail=False, permission_classes=[])
    def shared(self, request: Any) -> Response:
        return Response("in")

    @action(detail=False)
    def kept(self, request: Any) -> Response:
        return Response("in")


@api_view()
@permission_classes([])
def function(request: Any) -> Response:
    return Response("in")


router = SimpleRouter(trailing_slash=False)
router.register("viewset", Notes, basename="viewset")


def rest(*asked: Any, **members: Any) -> Any:
    return type("Own", (Rest,), {"permission_classes": list(asked), **members}).as_view()


SIGNED_IN = permissions.IsAuthenticated
REST = {
    "token": (Rest.as_view(), "notes:read"),
    "one": (rest(permission(lambda request, view: 1)), "OPEN"),
    "truthy": (rest(permission(lambda request, view: request.method == "GET" and "reading")), "OPEN"),
    "coroutine": (rest(type("Own", (permissions.BasePermission,), {"has_permission": refuses_async})), "OPEN"),
    "falsy": (rest(permission(lambda request, view: 0)), "Own"),
    "unsure": (rest(permission(lambda request, view: view.kwargs.get("pk", 1) / 0)), "UNKNOWN"),
    "unsure-and-sure": (rest(permission(lambda request, view: 1 / 0), SIGNED_IN), "Own & IsAuthenticated"),
    "raises": (rest(permission(lambda request, view: (_ for _ in ()).throw(PermissionDenied))), "Own"),
    "objects": (rest(permissions.BasePermission), "OPEN"),
    "not": (rest(~SIGNED_IN), "OPEN"),
    "or": (rest(SIGNED_IN | permission(lambda request, view: [0])), "OPEN"),
    "and": (rest(SIGNED_IN & permission(lambda request, view: [0])), "IsAuthenticated & Own"),
    "nothing": (rest(), "OPEN"),
    "function": (function, "OPEN"),
    "unchecked": (type("Own", (Rest,), {"check_permissions": skips}).as_view(), "OPEN"),
    "by-method": (ByMethod.as_view(), "OPEN"),
    "not-denied": (rest(SIGNED_IN, permission_denied=skips), "OPEN"),
    "no-permissions": (type("Own", (Rest,), {"get_permissions": lambda self: []}).as_view(), "OPEN"),
    "uninitialized": (type("Own", (Rest,), {"initial": skips}).as_view(), "UNKNOWN"),
    "initialized": (FirstOwn.as_view(), "notes:read"),
    "sometimes": (Sometimes.as_view(), "UNKNOWN"),
    "dispatched": (of_class(Shortcut, Rest), "UNKNOWN"),
    "ordinary": (OrdinaryRest.as_view(), "notes:read"),
    "guest": (rest(SIGNED_IN, initial=as_a_guest), "UNKNOWN"),
    "permissions-taken-away": (rest(SIGNED_IN, initial=without_permissions), "UNKNOWN"),
    "handled": (rest(SIGNED_IN, handle_exception=lambda self, exc: Response("in")), "UNKNOWN"),
    "finally-in": (FinallyIn.as_view(), "UNKNOWN"),
    "login": (of_class(LoginRequiredMixin, Rest, permission_classes=[]), "LoginRequiredMixin"),
    "login-late": (of_class(Rest, LoginRequiredMixin, permission_classes=[]), "OPEN"),
    "everybody": (rest(SIGNED_IN, authentication_classes=[Everybody]), "OPEN"),
    "nobody": (rest(authentication_classes=[Nobody]), "Nobody"),
    "lazy": (rest(SIGNED_IN, perform_authentication=skips), "IsAuthenticated"),
}

# -- Ninja -------------------------------------------------------------------------------------------------------------


def knows(request: HttpRequest) -> object:
    return "somebody"


def knows_nobody(request: HttpRequest) -> object:
    return None


async def knows_async(request: HttpRequest) -> object:
    return "somebody"


def knows_as_a_coroutine(request: HttpRequest) -> object:
    return knows_nobody_async(request)


async def knows_nobody_async(request: HttpRequest) -> object:
    return None


def introduces(request: HttpRequest) -> object:
    request.user = somebody()
    return None


def fails(request: HttpRequest) -> object:
    return request.META["HTTP_KEY_OF_NOBODY"]


def forbids(request: HttpRequest) -> object:
    raise HttpError(403, "no")


class Looser(ninja.TokenAuth):
    def __call__(self, request: HttpRequest) -> Any:
        return "somebody"


TOKEN = ninja.requires("notes:read")
NINJA: dict[str, tuple[Any, str]] = {
    "token": (TOKEN, "notes:read"),
    "none": (None, "OPEN"),
    "own": (knows, "OPEN"),
    "own-nobody": (knows_nobody, "knows_nobody"),
    "own-coroutine": (knows_as_a_coroutine, "OPEN"),
    "own-nobody-async": (knows_nobody_async, "knows_nobody_async"),
    "introduced": ([introduces, django_auth], "OPEN"),
    "own-fails": (fails, "UNKNOWN"),
    "own-forbids": (forbids, "forbids"),
    "own-object": (Looser(TOKEN.requirement), "OPEN"),
    "weaker-in-list": ([TOKEN, knows], "OPEN"),
    "unsure-in-list": ([TOKEN, fails], "UNKNOWN"),
    "both-in-list": ([TOKEN, knows_nobody], "notes:read | knows_nobody"),
}
api = NinjaAPI(urls_namespace="strangers", auth=TOKEN, docs_url=None, openapi_url=None)
for name, (auth, _) in NINJA.items():
    api.get(name, auth=auth)(lambda request: "in")
opened = Router(auth=None)
opened.get("router")(lambda request: "in")
api.add_router("opened/", opened)
NINJA |= {"opened/router": (None, "OPEN")}
in_loop = NinjaAPI(urls_namespace="strangers-async", docs_url=None, openapi_url=None)


@in_loop.get("own", auth=knows_async)
async def own_async(request: HttpRequest) -> str:
    return "in"


# -- the admin ---------------------------------------------------------------------------------------------------------


class OpenSite(admin.AdminSite):
    def has_permission(self, request: HttpRequest) -> bool:
        return True


class OwnSite(admin.AdminSite):
    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return view


ALL = {
    **{f"/class/{name}": told for name, told in CLASSES.items()},
    **{f"/function/{name}": told for name, told in FUNCTIONS.items()},
    **{f"/rest/{name}": told for name, told in REST.items()},
    **{f"/ninja/{name}": told for name, told in NINJA.items()},
    "/in-loop/own": (None, "OPEN"),
    "/viewset": (None, "notes:read"),
    "/viewset/shared": (None, "OPEN"),
    "/viewset/kept": (None, "notes:read"),
}
EXTRA = {
    "extra-rest": rest(permission(lambda request, view: view.kwargs.get("public", False))),
    "extra-class": of_class(UserPassesTestMixin, Page, test_func=lambda self: "public" in self.kwargs),
}
ALL |= {f"/{name}": (None, "UNKNOWN") for name in EXTRA}
urlpatterns = [
    *(path(at, view, {"public": True}) for at, view in EXTRA.items()),
    *(
        path(at[1:], told[0])
        for at, told in ALL.items()
        if not at.startswith(("/ninja/", "/in-loop/", "/viewset", "/extra"))
    ),
    path("ninja/", api.urls),
    path("in-loop/", in_loop.urls),
    path("", include(router.urls)),
    path("open-admin/", OpenSite("open-site").urls),
    path("own-admin/", OwnSite("own-site").urls),
]


@functools.cache
def everything() -> tuple[Route, ...]:
    """As this module has it."""
    return routes(__name__)


def told_of(at: str, method: str = "GET") -> Route:
    (found,) = [one for one in routes() if one.path == at and (not one.methods or method in one.methods)]
    return found


def state(route: Route) -> str:
    return "OPEN" if route.is_open else "UNKNOWN" if route.is_unknown else route.words


@pytest.mark.parametrize("at", ALL)
def test_the_audit_tells_what_a_stranger_meets(at: str) -> None:
    lets_in = Client(raise_request_exception=False).get(at).content.strip(b'"') == b"in"
    (told,) = [one for one in everything() if one.path == at and (not one.methods or "GET" in one.methods)]
    said = state(told)

    assert said == ALL[at][1]
    assert lets_in if said == "OPEN" else said == "UNKNOWN" or not lets_in


def test_of_an_unknown_route_it_says_what_is_not_known() -> None:
    assert told_of("/class/login-behind-shortcut").doubt == f"LoginRequiredMixin (after {__name__}.Shortcut.dispatch)"
    assert told_of("/class/login-answers").doubt.startswith("LoginRequiredMixin (refuses by ")
    assert told_of("/rest/sometimes").doubt == f"notes:read (after {__name__}.Sometimes.initial)"
    assert told_of("/ninja/own-fails").doubt == "fails"


def test_each_method_is_told_by_itself() -> None:
    assert told_of("/class/one-method", "POST").is_open
    assert told_of("/rest/by-method", "POST").words.endswith("ByMethod.check_permissions")


def test_head_is_told_where_it_is_looser_than_get(settings: Any) -> None:
    head = permission(lambda request, view: request.method == "HEAD")
    settings.ROOT_URLCONF = (path("x", rest(head)),)
    clear_url_caches()
    assert [(one.methods, one.is_open) for one in routes()] == [(("GET",), False), (("HEAD",), True)]


@pytest.mark.parametrize("site, said", [("open", "OPEN"), ("own", "UNKNOWN")])
def test_an_admin_site_of_ones_own_is_asked(site: str, said: str) -> None:
    assert state(told_of(f"/{site}-admin/password_change/")) in {said, "OPEN"}
    assert state(told_of(f"/{site}-admin/")) != "staff (admin site)"


# -- middleware --------------------------------------------------------------------------------------------------------


class Exempting(LoginRequiredMiddleware):
    def process_view(self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any) -> Any:
        if request.path.startswith("/function/plain"):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class Forgiving(LoginRequiredMiddleware):
    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        return None


class Renamed(LoginRequiredMiddleware):
    redirect_field_name = "back"


class Unused(LoginRequiredMiddleware):
    def __init__(self, get_response: Any) -> None:
        raise MiddlewareNotUsed


class Late(LoginRequiredMiddleware):
    async def process_view(self, *args: object) -> None:  # type: ignore[override]
        return None


class PostedAtWill(LoginRequiredMiddleware):
    def process_view(self, request: HttpRequest, *args: Any) -> Any:
        return None if request.method == "POST" else super().process_view(request, *args)


class Introducing(LoginRequiredMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        request.user = somebody()


class IntroducingByCall(LoginRequiredMiddleware):
    def __call__(self, request: HttpRequest) -> Any:
        request.user = somebody()
        return super().__call__(request)


class Made(LoginRequiredMiddleware):
    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.process_view = lambda *args: None  # type: ignore[method-assign]


class Counting(LoginRequiredMiddleware):
    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.seen = 0

    def __call__(self, request: HttpRequest) -> Any:
        self.seen += 1
        return super().__call__(request)


class LetsPass(ProtectedPrefixMiddleware):
    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        return None


def with_middleware(settings: Any, *names: str) -> None:
    settings.MIDDLEWARE = [*MIDDLEWARE[:-1], *names]


@pytest.mark.parametrize(
    "name, plain, varying",
    [
        ("Renamed", "Renamed", "Renamed"),
        ("Exempting", "OPEN", "UNKNOWN"),
        ("Forgiving", "OPEN", "OPEN"),
        ("Unused", "OPEN", "OPEN"),
        ("Late", "OPEN", "OPEN"),
        ("PostedAtWill", "UNKNOWN", "UNKNOWN"),
        ("Introducing", "OPEN", "OPEN"),
        ("IntroducingByCall", "UNKNOWN", "UNKNOWN"),
        ("Made", "OPEN", "OPEN"),
        ("Counting", f"{__name__}.Counting", "UNKNOWN"),
    ],
)
def test_a_middleware_of_ones_own_that_asks_for_a_session(settings: Any, name: str, plain: str, varying: str) -> None:
    with_middleware(settings, f"{__name__}.{name}")
    settings.ROOT_URLCONF = (path("function/plain", inside), path("x/<part>", inside))
    clear_url_caches()
    assert (state(told_of("/function/plain")), state(told_of("/x/<part>"))) == (plain, varying)
    ask = Client(raise_request_exception=False)
    lets_in = 200 in {ask.get("/function/plain").status_code, ask.post("/function/plain").status_code}
    assert lets_in is (plain in {"OPEN", "UNKNOWN"})


def test_beside_one_that_lets_pass_the_stock_one_asks(settings: Any) -> None:
    stock = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    with_middleware(settings, f"{__name__}.Exempting", stock)
    assert state(told_of("/function/plain")) == "LoginRequiredMiddleware"


def test_a_prefix_is_not_believed_to_a_middleware_that_calls_by_itself(settings: Any) -> None:
    with_middleware(settings, f"{__name__}.LetsPass")
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/function/": None}}
    assert state(told_of("/function/plain")) == "UNKNOWN"
    assert Client().get("/function/plain").status_code == 200


API = requires("api")


@pytest.mark.parametrize(
    "prefixes, said",
    [
        ({"/api/": API}, "api"),
        ({"/api/": API, "/api/notes/": None}, "api | any good token"),
        ({"/api/": None, "/api/notes/": API}, "any good token | api"),
        ({"/api/notes/": API}, "OPEN"),
        ({"/api/": API, "/api/other/": requires("other")}, "api | other"),
    ],
)
def test_where_a_path_may_reach_into_a_nested_prefix_the_looser_counts(
    settings: Any, prefixes: dict[str, Any], said: str
) -> None:
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": prefixes}
    settings.ROOT_URLCONF = (path("api/<path:rest>", inside),)
    clear_url_caches()
    assert set(state(told_of("/api/<rest>")).split(" | ")) == set(said.split(" | "))


@pytest.mark.parametrize(
    "pattern, at",
    [
        (re_path(r"^api/x$|^open$", inside), "/open"),
        (re_path(r"^api/", include([re_path(r"^x$|^../open$", inside)])), "/api/../open"),
        (re_path(r"^a", include([re_path(r"^pi/x$|^ny$", inside)])), "/any"),
    ],
)
def test_of_alternatives_each_has_a_beginning_of_its_own(settings: Any, pattern: Any, at: str) -> None:
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/api/": None}}
    settings.ROOT_URLCONF = (pattern,)
    clear_url_caches()
    ((told,), lets_in) = routes(), Client().get("/", PATH_INFO=at).status_code == 200
    assert lets_in is (state(told) == "OPEN")


def test_an_address_that_is_translated_begins_with_another_word_in_another_language(settings: Any) -> None:
    settings.MIDDLEWARE = MIDDLEWARE
    settings.OAUTH_RESOURCE_SERVER |= {"protected_prefixes": {"/account/": None}}
    word = lazy(lambda: "konto/" if get_language() == "de" else "account/", str)
    settings.ROOT_URLCONF = (path(word(), inside),)
    clear_url_caches()
    with override("de"):
        assert Client().get("/konto/").status_code == 200
    assert state(told_of("/account/")) == "OPEN"


class Generous(BaseBackend):
    """It gives everybody each permission, strangers too."""

    def has_perm(self, user_obj: Any, perm: str, obj: object = None) -> bool:
        return True


def test_a_permission_that_another_backend_gives_to_strangers_keeps_none_out(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Generous"]
    asked = permission_required("auth.view_user")(inside)
    settings.ROOT_URLCONF = (path("function", asked), path("class", CLASSES["permission"][0]))
    clear_url_caches()
    for at in ("/function", "/class"):
        assert (Client().get(at).content, state(told_of(at))) == (b"in", "OPEN")


# -- what is strange ---------------------------------------------------------------------------------------------------


def remembers_its_failure(view: Any) -> Any:
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:

        def inner(request: HttpRequest) -> Any:
            return view(request) if not exc else None  # noqa: F821

    return inner  # `exc` is gone: an empty cell


class Raising:
    """Whatever is asked of it fails."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("equal to nothing")

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise RuntimeError("neither true nor false")


class Endless:
    """It has every attribute, and each is another of its kind."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")

    def __getattr__(self, name: str) -> Any:
        return Endless()


class Property(Page):
    @property
    def required(self) -> Any:
        raise RuntimeError

    @property
    def post(self) -> Any:
        raise RuntimeError


class OwnPattern:
    """Something that resolves, and is neither a path nor an include."""

    def resolve(self, at: str) -> None:
        return None


class Broken(URLResolver):
    @property
    def url_patterns(self) -> Any:  # type: ignore[override]
        raise RuntimeError


itself: list[URLPattern] = [path("x", inside)]
itself.append(path("again/", include((itself, "itself"))))  # type: ignore[arg-type]


def views_that_are_strange() -> Iterator[Any]:
    yield path("x", remembers_its_failure(inside))
    yield path("x", login_required(remembers_its_failure(inside)))
    yield path("x", Raising())
    yield path("x", login_required(inside, login_url=Raising()))  # type: ignore[arg-type]
    yield path("x", Endless())
    yield path("x", MagicMock())
    yield path("x", Property.as_view())
    yield path("x", rest(permission(lambda request, view: Raising())))
    yield path("x", rest(get_authenticators=lambda self: 1 / 0))
    yield path("x", type("Own", (Rest,), {"__init__": lambda self, **kwargs: 1 / 0}).as_view())
    yield Broken(RoutePattern("x/"), None)
    yield path("x/", include((itself, "itself")))


@pytest.mark.parametrize("strange", list(views_that_are_strange()), ids=str)
def test_nothing_strange_keeps_the_other_routes_from_being_told(strange: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = (
        strange,
        path("plain", inside),
        path("", include("django_oauth_server.resource.urls")),
        path("", include("django_oauth_server.urls")),
    )
    clear_url_caches()
    assert told_of("/plain").is_open
    assert any(one.path.startswith("/x") or "*" in one.path for one in routes())
    assert not [one for one in check_routes() if one.is_serious()]
    assert Client().get("/.well-known/oauth-protected-resource/notes").status_code == 200


def test_a_pattern_that_is_none_of_djangos_is_told(settings: Any) -> None:
    settings.ROOT_URLCONF = (OwnPattern(), path("plain", inside))
    clear_url_caches()
    assert told_of("/plain").is_open
    assert told_of("/*").is_unknown
    assert not [one for one in check_routes() if one.is_serious()]


def test_an_application_that_borrows_the_protocols_name_is_not_of_the_protocol(settings: Any) -> None:
    settings.ROOT_URLCONF = (path("x/", include(([path("plain", inside)], "oauth_server"))),)
    clear_url_caches()
    assert told_of("/x/plain").is_open
