"""Protection of django-ninja's operations, sync and async: requirements as auth objects, and an API that tells them in its schema."""

from __future__ import annotations

import inspect
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial, reduce, wraps
from operator import or_
from typing import Any, ClassVar, Unpack

import ninja
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, HttpError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation, PathView

from django_oauth_server.resource.admission import aadmit, admit, by_token, is_left, unknown
from django_oauth_server.resource.challenge import Challenge
from django_oauth_server.resource.closures import held
from django_oauth_server.resource.condition import joined
from django_oauth_server.resource.django import refused
from django_oauth_server.resource.openapi import SCHEME, proof_schemes, security_requirements, security_scheme
from django_oauth_server.resource.people import attach
from django_oauth_server.resource.requirement import Demands, Requirement
from django_oauth_server.resource.requirement import requires as _requires
from django_oauth_server.resource.token import VerifiedToken


class Refused(HttpError):
    """A challenge as django-ninja answers it. Where the API is not found, its own handler still tells the status."""

    def __init__(self, challenge: Challenge) -> None:
        super().__init__(challenge.status, challenge.description)
        self.challenge = challenge


@dataclass(frozen=True)
class TokenAuth:
    """A requirement as an auth object: of an operation, a router, an API, or one of a list.

    Who presents no token may be known to another of the list; a bad token is refused at once. Several in one list are alternatives, as `|` says.
    """

    requirement: Requirement

    is_async: ClassVar[bool] = True
    """It is called in the event loop, not in a thread beside it; there it answers with a coroutine."""

    def __post_init__(self) -> None:
        if not isinstance(self.requirement, Requirement):
            raise TypeError(f"TokenAuth is made by requires(), of a requirement, not of {self.requirement!r}.")

    def __call__(self, request: HttpRequest) -> VerifiedToken | Awaitable[VerifiedToken | None] | None:
        if _in_loop():
            return self._asked_async(request)
        return _known(request, admit(request, self._required(request)))

    async def _asked_async(self, request: HttpRequest) -> VerifiedToken | None:
        return _known(request, await aadmit(request, self._required(request)))

    def _required(self, request: HttpRequest) -> Requirement:
        """What the operation asks for, with all of its list; called by anything else, this object's own."""
        asked = _of_tokens(_operation(request))
        return _either(asked) if self in asked else self.requirement

    @property
    def openapi_security_schema(self) -> Mapping[str, object]:
        """What django-ninja's own schema shows, which leaves out the scopes of each operation."""
        return security_scheme()

    def __and__(self, other: TokenAuth | Requirement) -> TokenAuth:
        return TokenAuth(self.requirement & _inner(other))

    def __rand__(self, other: Requirement) -> TokenAuth:
        return TokenAuth(other & self.requirement)

    def __or__(self, other: TokenAuth | Requirement) -> TokenAuth:
        return TokenAuth(self.requirement | _inner(other))

    def __ror__(self, other: Requirement) -> TokenAuth:
        return TokenAuth(other | self.requirement)

    def __invert__(self) -> TokenAuth:
        return TokenAuth(~self.requirement)


def requires(*demands: str | Requirement, **further: Unpack[Demands]) -> TokenAuth:
    """A requirement as an auth object: `@api.get("/notes", auth=requires("notes:read"))`. The arguments are those of `requirement.requires`."""
    return TokenAuth(_requires(*demands, **further))


class NinjaAPI(ninja.NinjaAPI):
    """django-ninja's, whose schema tells the scopes of each operation. On one of its own, what is required is enforced just as well."""

    def set_default_exception_handlers(self) -> None:
        super().set_default_exception_handlers()
        answer_refusals(self)

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return ProtectedSchema(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)


class ProtectedSchema(OpenAPISchema):
    """django-ninja's schema, in which the scopes of an operation are its own and the security scheme is the authorization server's."""

    def __init__(self, api: ninja.NinjaAPI, path_prefix: str) -> None:
        self.requirements: list[Requirement] = []
        super().__init__(api, path_prefix)

    def operation_details(self, operation: Operation) -> dict[str, Any]:
        details = super().operation_details(operation)
        asked = _of_tokens(operation)
        return joined(details, _either(asked).schema()) if asked else details

    def operation_security(self, operation: Operation) -> list[dict[str, Any]] | None:
        asked, others = _of_tokens(operation), copy(operation)
        others.auth_callbacks = [one for one in operation.auth_callbacks if one not in asked]
        security = super().operation_security(others) or []
        if asked:
            self.requirements.append(_either(asked))
            security = [*security_requirements(_either(asked)), *security]
        return security or None

    def get_components(self) -> dict[str, Any]:
        if self.requirements:
            self.securitySchemes[SCHEME] = security_scheme(self.requirements)
            if any(one.bound for one in self.requirements):
                self.securitySchemes.update(proof_schemes())
        return super().get_components()


def answer_refusals(api: ninja.NinjaAPI) -> None:
    """Let *api* answer refusals as every other mechanism does. A handler that the project has set stays."""
    api._exception_handlers.setdefault(Refused, _refused)
    api._exception_handlers.setdefault(AuthenticationError, partial(_unknown, api=api))


def _refused(request: HttpRequest, exc: Any) -> HttpResponse:
    return refused(request, exc.challenge)


def _unknown(request: HttpRequest, exc: Any, *, api: ninja.NinjaAPI) -> HttpResponse:
    """What django-ninja raises when nobody in the list knew the caller; a view that raises it once somebody did speaks for itself."""
    asked = _of_tokens(_operation(request))
    if asked and not getattr(request, "auth", None):
        return refused(request, _either(asked).completed(unknown(request)))
    return api.on_exception(request, HttpError(exc.status_code, exc.message))


def _known(request: HttpRequest, outcome: VerifiedToken | Challenge) -> VerifiedToken | None:
    """The token; None where there is none. django-ninja's own API learns here how to tell the refusal: nobody has to add a handler."""
    if isinstance(outcome, VerifiedToken):
        attach(request, outcome)
        return outcome
    if operation := _operation(request):
        answer_refusals(operation.api)
    if is_left(outcome):
        return None
    raise Refused(outcome)


def _operation(request: HttpRequest) -> Operation | None:
    """The operation that *request* calls."""
    found = operations_of(request.resolver_match.func) if request.resolver_match else []
    return next((one for one in found if request.method in one.methods), None)


def operations_of(view: Any) -> list[Operation]:
    """Those behind *view*: django-ninja's views are functions around the operations of one path. Of other views there are none."""
    holds = held(inspect.unwrap(view)).values()
    return [one for path in holds if isinstance(path, PathView) for one in path.operations]


def _made_for_tokens(make: Callable[[PathView], Any]) -> Callable[[PathView], Any]:
    """The views of a path of which an operation asks for a token.

    Caches are told so by whatever the path answers. `LoginRequiredMiddleware` has nothing to ask where every operation asks for a token.
    """

    @wraps(make)
    def get_view(path: PathView) -> Any:
        view = make(path)
        asking = [bool(_of_tokens(one)) for one in path.operations]
        if not any(asking):
            return view
        made = _async_by_token(view) if path.is_async else _by_token(view)
        made.login_required = not all(asking)  # type: ignore[attr-defined]
        return made

    return get_view


def _by_token(view: Callable[..., Any]) -> Callable[..., Any]:
    return wraps(view)(lambda request, *args, **kwargs: by_token(request, view(request, *args, **kwargs)))


def _async_by_token(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    async def made(request: HttpRequest, *args: object, **kwargs: object) -> Any:
        return by_token(request, await view(request, *args, **kwargs))

    return made


# django-ninja has nothing else that is there for its own NinjaAPI too, and for responses that an operation makes itself.
PathView.get_view = _made_for_tokens(PathView.get_view)  # type: ignore[method-assign,assignment]


def _of_tokens(operation: Operation | None) -> list[TokenAuth]:
    return [one for one in operation.auth_callbacks if isinstance(one, TokenAuth)] if operation else []


def _either(asked: list[TokenAuth]) -> Requirement:
    return reduce(or_, [one.requirement for one in asked])


def _inner(other: TokenAuth | Requirement) -> Requirement:
    return other.requirement if isinstance(other, TokenAuth) else other


def _in_loop() -> bool:
    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
