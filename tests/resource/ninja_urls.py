"""Protected operations of django-ninja, in each place where an auth object may stand, beside a plain Django view."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path
from ninja import NinjaAPI as PlainAPI
from ninja import Router
from ninja.errors import AuthenticationError
from ninja.security import APIKeyHeader, django_auth

from django_oauth_server.resource import requirement
from django_oauth_server.resource.django import protected_resource
from django_oauth_server.resource.ninja import NinjaAPI, Refused, requires

RECENT = requirement.requires("notes:read", acr_values=["phr"], max_age=timedelta(minutes=5))
METHODS = ["GET", "POST", "PUT", "PATCH"]


def seen(request: HttpRequest) -> dict[str, object]:
    auth, user = request.auth, request.user
    return {
        "client": getattr(auth, "client_id", None),
        "user": user.get_username() if user and user.is_authenticated else None,
        "body": request.body.decode(),
        "form": request.POST.dict(),
    }


class Key(APIKeyHeader):
    """Another way to be known."""

    param_name = "X-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> str | None:
        if key == "expired":
            raise AuthenticationError(message="The key has expired.")
        return key


plain = PlainAPI(urls_namespace="plain")
own = NinjaAPI(urls_namespace="own", description="With the scopes of each operation.")


def add_operations(api: PlainAPI) -> None:
    @api.api_operation(METHODS, "/sync", auth=requires("notes:read"))
    def sync_operation(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.api_operation(METHODS, "/async", auth=requires("notes:read"))
    async def async_operation(request: HttpRequest) -> dict[str, object]:
        return {"auser": (await request.auser()).get_username()} | seen(request)

    @api.get("/mixed", auth=requires("notes:read"))
    def sync_beside_async(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.post("/mixed", auth=requires("notes:write"))
    async def async_beside_sync(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/recent", auth=requires(RECENT))
    def recent(request: HttpRequest) -> dict[str, object]:
        """Only for those who have just signed in."""
        return seen(request)

    @api.get("/any-token", auth=requires())
    def any_token(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/either", auth=requires("notes:read") | requires("admin"))
    def either(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/listed", auth=[requires("admin"), requires("notes:read")])
    def listed(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/session-too", auth=[requires("notes:read"), django_auth])
    def session_too(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/key-too", auth=[Key(), requires("notes:read")])
    def key_too(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/async-key-too", auth=[requires("notes:read"), Key()])
    async def async_key_too(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/key-alone", auth=Key())
    def key_alone(request: HttpRequest) -> dict[str, object]:
        return seen(request)

    @api.get("/changed-mind", auth=Key())
    def changed_mind(request: HttpRequest) -> dict[str, object]:
        raise AuthenticationError(message="No.")

    @api.get("/open")
    def anybody(request: HttpRequest) -> dict[str, str]:
        return {}


def answer(request: HttpRequest) -> dict[str, object]:
    return seen(request)


def router(**options: Any) -> Router:
    made = Router(**options)
    made.get("")(answer)
    return made


add_operations(plain)
add_operations(own)

outer = router(auth=requires("notes:read"))
outer.add_router("/inner", router())
plain.add_router("/router", outer)
plain.add_router("/mounted", router(), auth=requires("notes:read"))
plain.add_router("/another", router(auth=[requires("notes:write"), Key()]))

second = PlainAPI(version="2", auth=requires("notes:read"))
second.get("/notes")(answer)
second.get("/open", auth=None)(answer)
third = NinjaAPI(version="3", auth=requires("notes:write"))
third.get("/notes")(answer)

worded = PlainAPI(urls_namespace="worded")
worded.get("/notes", auth=requires("notes:read"))(answer)


@worded.exception_handler(Refused)
def in_our_words(request: HttpRequest, exc: Refused) -> JsonResponse:
    return JsonResponse({"oops": exc.challenge.error}, status=exc.status_code)


@protected_resource("notes:read")
def function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request))


@protected_resource(RECENT)
def recent_function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen(request))


urlpatterns = [
    path("plain/", plain.urls),
    path("own/", own.urls),
    path("v2/", second.urls),
    path("v3/", third.urls),
    path("worded/", worded.urls),
    path("function", function),
    path("recent-function", recent_function),
]
