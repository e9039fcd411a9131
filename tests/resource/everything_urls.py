"""Routes of every kind: the table of `manage.py protection` is compared with what stands here."""

from __future__ import annotations

from functools import partial, wraps

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_not_required, login_required, permission_required, user_passes_test
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_GET
from ninja import NinjaAPI, Router
from ninja.security import django_auth
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.permissions import (
    AllowAny,
    BasePermission,
    IsAdminUser,
    IsAuthenticated,
    IsAuthenticatedOrReadOnly,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.urlpatterns import format_suffix_patterns
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_oauth_server.resource import drf, ninja
from django_oauth_server.resource.django import ProtectedResourceMixin, open_resource, protected_resource
from django_oauth_server.resource.requirement import Requirement, requires
from tests.resource.verifiers import MAIL

# -- Django ------------------------------------------------------------------------------------------------------------


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@open_resource
def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@require_GET
@never_cache
@protected_resource("notes:read")
def function(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@protected_resource("notes:read")
@login_required
@protected_resource("notes:write")
async def several(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def careless(view):
    def inner(request):
        return view(request)

    return inner


class Notes(ProtectedResourceMixin):
    requirement = requires("notes:read") | requires("admin")

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({})

    def post(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({})


class ByMethod(Notes):
    def get_requirement(self) -> Requirement:
        return requires("notes:read" if self.request.method == "GET" else "notes:write")


class ByAddress(Notes):
    def get_requirement(self) -> Requirement:
        return requires(self.kwargs["scope"])


class SignedIn(LoginRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


@method_decorator([csrf_protect, login_required], name="dispatch")
class Decorated(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


def is_lucky(user: object) -> bool:
    return True


def stamped(view):
    @wraps(view)
    def inner(request):
        return view(request)

    return inner


pages = [
    path("plain", plain),
    path("careless", careless(plain)),
    path("partial", partial(plain)),
    path("health", health),
    path("function", function),
    path("wrapped", stamped(function)),
    path("hidden", careless(function)),
    path("several", several),
    path("notes/<int:pk>/<slug:part>", Notes.as_view()),
    path("by-method", ByMethod.as_view()),
    path("by-address/<scope>", ByAddress.as_view()),
    path("mail", protected_resource("mail:read", audience=MAIL)(plain)),
    path("signed-in", login_required(plain)),
    path("signed-in-class", SignedIn.as_view()),
    path("decorated", Decorated.as_view()),
    path("permitted", permission_required("auth.view_user")(plain)),
    path("lucky", user_passes_test(is_lucky)(plain)),
    path("staff", staff_member_required(plain)),
    path("welcome", login_not_required(stamped(plain))),
    re_path(r"^archive/(?P<year>[0-9]{4})/(?:page-(?P<page>[0-9]+)/)?$", plain),
    re_path(r"anywhere", plain),
    re_path(r"^v1\.0/x?y$", plain),
    path(gettext_lazy("translated/"), plain),
]

# -- REST framework ----------------------------------------------------------------------------------------------------


class ReadOnly(BasePermission):
    def has_permission(self, request, view):
        return request.method == "GET"


class Owner(BasePermission):
    def has_permission(self, request, view):
        return view.kwargs["owner"] == request.user.pk


class OwnObjects(BasePermission):
    def has_object_permission(self, request, view, obj):
        return False


class NoteViewSet(ViewSet):
    authentication_classes = [drf.BearerAuthentication]
    permission_classes = [drf.requires_by_action("notes:write", list="notes:read", retrieve="notes:read")]

    def list(self, request: Request, **kwargs: object) -> Response:
        return Response()

    retrieve = create = update = destroy = list

    @action(detail=True, methods=["post"], permission_classes=[drf.requires("notes:share") & IsAuthenticated])
    def share(self, request: Request, pk: str) -> Response:
        return Response()


class ByCode(NoteViewSet):
    def get_permissions(self):
        if self.action == "create":
            return [drf.requires("notes:write")()]
        if self.action == "destroy":
            raise LookupError(self.kwargs["pk"])
        return [IsAuthenticated()]


class Any(APIView):
    def get(self, request: Request) -> Response:
        return Response()

    post = get


class Bearer(Any):
    authentication_classes = [drf.BearerAuthentication]


@api_view(["GET", "POST"])
@permission_classes([drf.requires_by_method(GET="notes:read")])
def without_authentication(request: Request) -> Response:
    return Response()


def rest(name, *permissions, view=Bearer):
    return path(name, view.as_view(permission_classes=permissions))


router = DefaultRouter()
router.register("notes", NoteViewSet, basename="note")
router.register("by-code", ByCode, basename="by-code")

api = [
    path("", include(router.urls)),
    path("default", Any.as_view()),
    path("without-authentication", without_authentication),
    *format_suffix_patterns([rest("suffixed", drf.requires("notes:read"))]),
    rest("open", AllowAny),
    rest("nothing"),
    rest("read-only", IsAuthenticatedOrReadOnly),
    rest("their-read-only", IsAuthenticated | ReadOnly),
    rest("owner", Owner),
    rest("own-objects", OwnObjects),
    rest("not-staff", ~IsAdminUser),
    rest("mixed", drf.requires("notes:read") | IsAdminUser, IsAuthenticated),
    rest("both", (drf.requires("notes:read") | drf.requires("admin")) & IsAuthenticated),
    rest("opened", drf.requires("notes:read") | AllowAny),
    path("signed-in", login_required(Any.as_view(permission_classes=[AllowAny]))),
]

# -- Ninja -------------------------------------------------------------------------------------------------------------


ninja_api = NinjaAPI(urls_namespace="everything", auth=ninja.requires("notes:read"), docs_url=None)
closed = Router(auth=django_auth)


@ninja_api.get("notes")
def notes(request: HttpRequest) -> None:
    return None


@ninja_api.post("notes", auth=ninja.requires("notes:write"))
async def write(request: HttpRequest) -> None:
    return None


@ninja_api.get("open", auth=None)
def anybody(request: HttpRequest) -> None:
    return None


@ninja_api.get("either/{pk}", auth=[ninja.requires("notes:read"), django_auth])
def either(request: HttpRequest, pk: int) -> None:
    return None


@closed.get("session")
def session(request: HttpRequest) -> None:
    return None


ninja_api.add_router("closed/", closed)

urlpatterns = [
    path("", include("django_oauth_server.urls")),
    path("pages/", include((pages, "pages"), namespace="one")),
    path("nested/<tenant>/", include([path("deep/", include((pages[:1], "pages"), namespace="two"))])),
    path("api/", include(api)),
    path("ninja/", ninja_api.urls),
    path("admin/", admin.site.urls),
    *i18n_patterns(path("here/", plain)),
]
