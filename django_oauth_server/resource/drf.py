"""Protection of REST framework views: an authentication class, and requirements as permission classes."""

from __future__ import annotations

import operator
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, Unpack
from weakref import WeakValueDictionary

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, QuerySet
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.filters import BaseFilterBackend
from rest_framework.permissions import (
    AND,
    OR,
    BasePermission,
    BasePermissionMetaclass,
    OperandHolder,
    OperationHolderMixin,
    SingleOperandHolder,
)
from rest_framework.request import Request
from rest_framework.settings import api_settings

from django_oauth_server.resource.admission import identify, is_left, refusal_headers, unknown
from django_oauth_server.resource.challenge import INSUFFICIENT_SCOPE, Challenge
from django_oauth_server.resource.possession import telling
from django_oauth_server.resource.requirement import Demands, Requirement
from django_oauth_server.resource.requirement import requires as _requires
from django_oauth_server.resource.token import VerifiedToken

if TYPE_CHECKING:  # it imports this module, where this is named among REST framework's defaults
    from rest_framework.views import APIView

PermissionClass: TypeAlias = "type[BasePermission] | OperandHolder | SingleOperandHolder"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
Narrow: TypeAlias = "Callable[[QuerySet[Any], VerifiedToken], QuerySet[Any]]"


class Refused(APIException):
    """A challenge as REST framework answers it.

    Neither AuthenticationFailed nor PermissionDenied: the one gets the header of the view's first authentication class,
    the other gets none.
    """

    def __init__(self, challenge: Challenge, request: Request) -> None:
        super().__init__(challenge.body(), code=challenge.error or "not_authenticated")
        self.status_code = challenge.status
        self.challenge, self.request = challenge, request

    @cached_property
    def headers(self) -> dict[str, str]:
        """All that the operation needs is named, whichever of its permissions refused, or whether they were looked at yet."""
        return refusal_headers(_completed(self.challenge, self.request))

    @property
    def auth_header(self) -> str | None:
        """What REST framework's exception handler puts into `WWW-Authenticate`."""
        return self.headers.get("WWW-Authenticate")

    @property
    def wait(self) -> int | None:
        """What it puts into `Retry-After`."""
        return self.challenge.retry_after or None


class BearerAuthentication(BaseAuthentication):
    """`request.auth` is the `VerifiedToken`; `request.user` its user, or UNAUTHENTICATED_USER where it names none."""

    def authenticate(self, request: Request) -> tuple[Any, VerifiedToken] | None:
        outcome = identify(request._request)
        _tell(request)
        if isinstance(outcome, Challenge):
            if is_left(outcome):
                return None  # another authentication class may know the caller
            raise Refused(outcome, request)
        return outcome.user if outcome.user is not None else _nobody(), outcome

    def authenticate_header(self, request: Request) -> str:
        return refusal_headers(_completed(unknown(request._request), request))["WWW-Authenticate"]


def _tell(request: Request) -> None:
    """Say what `by_token` says: REST framework puts the headers of its view on every response, an error's too."""
    headers = getattr(request.parser_context.get("view"), "headers", None)
    if headers is not None:
        told = telling(request._request)
        headers["Vary"] = _joined(headers.get("Vary", ""), told.vary)
        headers.update(told.headers)


@lru_cache(maxsize=128)
def _joined(said: str, vary: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys([*filter(None, said.split(", ")), *vary]))


def _nobody() -> Any:
    anonymous: Any = api_settings.UNAUTHENTICATED_USER
    return anonymous() if anonymous else None


def _completed(challenge: Challenge, request: Request) -> Challenge:
    """*challenge*, with what the view that was called requires."""
    view = request.parser_context.get("view")
    requirement = required_by(view, request) if view else None
    return requirement.completed(challenge) if requirement else challenge


def required_by(view: APIView, request: Request) -> Requirement | None:
    """What *view* requires of a token for *request*, by all its permissions; None where none asks for a token."""
    asked = [found for permission in view.get_permissions() if (found := _asked_by(permission, request, view))]
    return _requires(*asked) if asked else None


def _asked_by(permission: Any, request: Request, view: APIView) -> Requirement | None:
    """What *permission* asks of a token; of a composition, the requirements in it."""
    if isinstance(permission, TokenPermission):
        return permission.required(request, view)
    operands = [getattr(permission, name, None) for name in ("op1", "op2")]
    asked = [found for one in operands if one is not None and (found := _asked_by(one, request, view))]
    if len(asked) == 2 and isinstance(permission, OR):
        return asked[0] | asked[1]
    return _requires(*asked) if asked else None


class _Refusing:
    """A permission that can say why: the framework asks it for its message once nothing else has allowed the request.

    Raising earlier would keep `requires("a") | IsAdminUser` from asking the second.
    """

    refusal: Challenge | None = None
    request: Request | None = None

    @property
    def message(self) -> None:
        if self.refusal is not None and self.request is not None:
            raise Refused(self.refusal, self.request)


class _Composable(OperationHolderMixin):
    """Permission classes that stay able to say why when they are combined with others, on either side."""

    def __and__(self, other: PermissionClass) -> Any:
        return _combine(_And, self, other)

    def __rand__(self, other: PermissionClass) -> Any:
        return _combine(_And, other, self)

    def __or__(self, other: PermissionClass) -> Any:
        return _combine(_Or, self, other)

    def __ror__(self, other: PermissionClass) -> Any:
        return _combine(_Or, other, self)


class _SessionMeta(_Composable, BasePermissionMetaclass):
    def __invert__(cls) -> Any:
        raise TypeError(
            "the opposite of a session is anybody else, a stranger too; write what they need, such as requires()"
        )


class SignedIn(BasePermission, metaclass=_SessionMeta):
    """The caller is a person who signed in without a token: in a session, say. `SignedIn | requires("notes:read")` is "a session, or a scoped token".

    Whom any token stands for, ours or another's, is not signed in.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_authenticated and request.auth is None)


class _PermissionMeta(_Composable, BasePermissionMetaclass):
    def __invert__(cls) -> Any:
        """The framework's own NOT would let in whoever holds no token at all."""
        if not issubclass(cls, _Fixed):
            raise TypeError("what is required by action or method has no opposite; negate what the table names")
        return _permission(~cls.requirement)


class TokenPermission(_Refusing, BasePermission, metaclass=_PermissionMeta):
    """What is required of a token, as a permission class. Who was authenticated otherwise holds no token, and so no scope."""

    def required(self, request: Request, view: APIView) -> Requirement | None:
        """What *view* requires for *request*; None: nobody may."""
        raise NotImplementedError

    def has_permission(self, request: Request, view: APIView) -> bool:
        _tell(request)
        self.refusal, self.request = self._judge(request, self.required(request, view)), request
        return self.refusal is None

    def _judge(self, request: Request, requirement: Requirement | None) -> Challenge | None:
        token = request.auth
        if requirement is not None and isinstance(token, VerifiedToken):
            return requirement.refusal(token)
        missing = INSUFFICIENT_SCOPE if request.successful_authenticator else unknown(request._request)
        return missing if requirement is None else requirement.completed(missing)


class _Fixed(TokenPermission):
    """The same for every request."""

    requirement: ClassVar[Requirement]

    def required(self, request: Request, view: APIView) -> Requirement:
        return self.requirement


class _ByName(TokenPermission):
    """By what a table names."""

    requirements: ClassVar[Mapping[str, Requirement]]
    otherwise: ClassVar[Requirement | None]

    def required(self, request: Request, view: APIView) -> Requirement | None:
        """An OPTIONS request changes nothing and tells what the view is: any good token is enough where the table does not say."""
        name = self.name(request, view)
        return self.requirements.get(name, _requires() if request.method == "OPTIONS" else self.otherwise)

    def name(self, request: Request, view: APIView) -> str:
        raise NotImplementedError


class ActionTable(_ByName):
    """By the action of a viewset."""

    def name(self, request: Request, view: APIView) -> str:
        if not hasattr(view, "action"):
            raise ImproperlyConfigured(f"{type(view).__name__} has no actions. Write requires_by_method.")
        return str(view.action)


class _ByMethod(_ByName):
    def name(self, request: Request, view: APIView) -> str:
        return "GET" if request.method == "HEAD" else str(request.method)


def requires(*demands: str | Requirement, **further: Unpack[Demands]) -> type[TokenPermission]:
    """A requirement as a permission class: `permission_classes = [requires("notes:read") & IsAuthenticated]`."""
    return _permission(_requires(*demands, **further))


def requires_by_action(
    otherwise: str | Requirement | None = None, /, **actions: str | Requirement
) -> type[TokenPermission]:
    """What each action of a viewset requires: `requires_by_action("notes:write", list="notes:read", retrieve="notes:read")`.

    The first argument is for all other actions; without it nobody may call them.
    """
    return _table(ActionTable, otherwise, actions.items())


def requires_by_method(
    otherwise: str | Requirement | None = None, /, **methods: str | Requirement
) -> type[TokenPermission]:
    """What each method requires: `requires_by_method("notes:write", GET="notes:read")`, in capitals or not. HEAD requires what GET does.

    The first argument is for all other methods; without it nobody may call them.
    """
    return _table(_ByMethod, otherwise, _methods(methods))


def _table(
    kind: type[_ByName], otherwise: str | Requirement | None, named: Iterable[tuple[str, str | Requirement]]
) -> type[TokenPermission]:
    made: type[_ByName] = types.new_class("Requires", (kind,))
    made.requirements = {name: _requires(demand) for name, demand in named}
    made.otherwise = None if otherwise is None else _requires(otherwise)
    if not made.requirements:
        raise TypeError(
            'A table names what it is for, such as list="notes:read" or GET="notes:read"; what is the same for all is requires().'
        )
    return made


def _methods(named: Mapping[str, str | Requirement]) -> Iterator[tuple[str, str | Requirement]]:
    """The methods in capitals, as requests name them."""
    seen: set[str] = set()
    for name, demand in named.items():
        method = name.upper()
        if method == "HEAD":
            raise ValueError("HEAD requires what GET does. Write GET.")
        if method not in METHODS:
            raise ValueError(f"{name} is no method. There are {', '.join(METHODS)}.")
        if method in seen:
            raise TypeError(f"{method} is named twice.")
        seen.add(method)
        yield method, demand


def _permission(requirement: Requirement) -> type[TokenPermission]:
    """One class for one requirement, so that equal requirements are equal permission classes too; for as long as somebody has it."""
    return _made.get(requirement) or _made.setdefault(requirement, _new(requirement))


def _new(requirement: Requirement) -> type[TokenPermission]:
    made: type[_Fixed] = types.new_class("Requires", (_Fixed,))
    made.requirement = requirement
    return made


_made: Final[WeakValueDictionary[Requirement, type[TokenPermission]]] = WeakValueDictionary()


def narrowed(narrow: Narrow) -> type[BaseFilterBackend]:
    """What a token allows of a queryset, by *narrow(queryset, token)*; one class for both places where that is asked.

    In `filter_backends` lists and single objects are looked for in what is left; in `permission_classes` an object that a view found by itself
    is let through only if it is left. A caller without a token is left nothing.
    """
    if not callable(narrow):
        raise TypeError(f"narrowed() takes a function of a queryset and a token, not {narrow!r}.")
    return types.new_class("Narrowed", (_Narrowed,), exec_body=lambda body: body.update(narrow=staticmethod(narrow)))


class _Narrowed(BaseFilterBackend, BasePermission):
    if TYPE_CHECKING:

        @staticmethod
        def narrow(queryset: QuerySet[Any], token: VerifiedToken) -> QuerySet[Any]: ...

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        return self.narrow(queryset, request.auth) if isinstance(request.auth, VerifiedToken) else queryset.none()

    def has_object_permission(self, request: Request, view: APIView, obj: Model) -> bool:
        found = type(obj)._default_manager.filter(pk=obj.pk)
        return self.filter_queryset(request, found, view).exists()


class _Operands(_Refusing):
    """Two permissions, of which at least one can say why."""

    if TYPE_CHECKING:
        op1: BasePermission
        op2: BasePermission

    def has_permission(self, request: Request, view: APIView) -> bool:
        return self._noted(request, super().has_permission(request, view))  # type: ignore[misc]

    def has_object_permission(self, request: Request, view: APIView, obj: object) -> bool:
        return self._noted(request, super().has_object_permission(request, view, obj))  # type: ignore[misc]

    def _noted(self, request: Request, allowed: bool) -> bool:
        """Keep the first operand's reason, if the whole denies: an operand that another made up for is no reason."""
        self.request = request
        reasons = (getattr(one, "refusal", None) for one in (self.op1, self.op2))
        self.refusal = None if allowed else next(filter(None, reasons), None)
        return allowed


class _And(_Operands, AND):
    pass


class _Or(_Operands, OR):
    pass


class _CompositionMeta(_Composable, BasePermissionMetaclass, OperandHolder):
    """A requirement combined with an ordinary permission class.

    It derives from all that REST framework composes: Python asks the more derived operand first, so that this is asked on either side.
    """

    operator_class: Any
    op1_class: Any
    op2_class: Any

    def __init__(cls, operator_class: type[_And | _Or], left: PermissionClass, right: PermissionClass) -> None:
        cls.operator_class, cls.op1_class, cls.op2_class = operator_class, left, right

    def __new__(cls, *parts: object) -> Any:
        return super().__new__(cls, "Requires", (BasePermission,), {})

    def __call__(cls) -> Any:
        return cls.operator_class(cls.op1_class(), cls.op2_class())

    def __invert__(cls) -> Any:
        """By De Morgan, so that a requirement inside still needs a token."""
        return _combine(_OPPOSITE[cls.operator_class], ~cls.op1_class, ~cls.op2_class)


_OPERATOR: Final[dict[Any, Any]] = {_And: operator.and_, _Or: operator.or_}
_OPPOSITE: Final[dict[Any, Any]] = {_And: _Or, _Or: _And}


def _combine(operands: Any, left: Any, right: Any) -> Any:
    """Two requirements become one, whose challenge names the scopes of both; REST framework combines anything else."""
    sides = [_permission(side) if isinstance(side, Requirement) else side for side in (left, right)]
    for side in sides:
        if not isinstance(side, (OperandHolder, SingleOperandHolder)) and not _is_permission(side):
            raise TypeError(f"a requirement composes with permission classes and requirements, not with {side!r}.")
    requirements = [side.requirement for side in sides if isinstance(side, type) and issubclass(side, _Fixed)]
    if len(requirements) == len(sides):
        return _permission(_OPERATOR[operands](*requirements))
    return _CompositionMeta(operands, *sides)


def _is_permission(side: object) -> bool:
    return isinstance(side, type) and hasattr(side, "has_permission")
