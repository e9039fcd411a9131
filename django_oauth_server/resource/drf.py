"""Protection of REST framework views: an authentication class, and requirements as permission classes."""

from __future__ import annotations

import operator
import types
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
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
from rest_framework.views import APIView

from django_oauth_server.resource.admission import identify
from django_oauth_server.resource.challenge import NO_CREDENTIALS, Challenge, insufficient_scope
from django_oauth_server.resource.conf import load
from django_oauth_server.resource.requirement import Requirement
from django_oauth_server.resource.requirement import requires as _requires
from django_oauth_server.resource.token import VerifiedToken

PermissionClass: TypeAlias = "type[BasePermission] | OperandHolder | SingleOperandHolder"


class Refused(APIException):
    """A challenge as REST framework answers it.

    Neither AuthenticationFailed nor PermissionDenied: the one gets the header of the view's first authentication class,
    the other gets none.
    """

    def __init__(self, challenge: Challenge) -> None:
        super().__init__(challenge.body(), code=challenge.error or "not_authenticated")
        self.status_code = challenge.status
        self.auth_header = challenge.header(load().realm)


class BearerAuthentication(BaseAuthentication):
    """`request.auth` is the `VerifiedToken`; `request.user` its user, or UNAUTHENTICATED_USER where it names none."""

    def authenticate(self, request: Request) -> tuple[Any, VerifiedToken] | None:
        outcome = identify(request._request)
        if outcome == NO_CREDENTIALS:
            return None  # another authentication class may know the caller
        if isinstance(outcome, Challenge):
            raise Refused(outcome)
        return outcome.user if outcome.user is not None else _nobody(), outcome

    def authenticate_header(self, request: Request) -> str:
        return NO_CREDENTIALS.header(load().realm)


def _nobody() -> Any:
    anonymous: Any = api_settings.UNAUTHENTICATED_USER
    return anonymous() if anonymous else None


class _Refusing:
    """A permission that can say why: the framework asks it for its message once nothing else has allowed the request.

    Raising earlier would keep `requires("a") | IsAdminUser` from asking the second.
    """

    refusal: Challenge | None = None

    @property
    def message(self) -> None:
        if self.refusal is not None:
            raise Refused(self.refusal)


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


class _RequirementMeta(_Composable, BasePermissionMetaclass):
    requirement: Requirement

    def __invert__(cls) -> Any:
        return _permission(~cls.requirement)


class TokenPermission(_Refusing, BasePermission, metaclass=_RequirementMeta):
    """A requirement as a permission class. Who was authenticated otherwise holds no token, and so no scope."""

    requirement: ClassVar[Requirement]

    def has_permission(self, request: Request, view: APIView) -> bool:
        self.refusal = self._judge(request)
        return self.refusal is None

    def _judge(self, request: Request) -> Challenge | None:
        if isinstance(request.auth, VerifiedToken):
            return self.requirement.judge(request.auth)
        return insufficient_scope(self.requirement.scopes) if request.successful_authenticator else NO_CREDENTIALS


def requires(*demands: str | Requirement, audience: str | None = None) -> type[TokenPermission]:
    """A requirement as a permission class: `permission_classes = [requires("notes:read") & IsAuthenticated]`."""
    return _permission(_requires(*demands, audience=audience))


@cache
def _permission(requirement: Requirement) -> type[TokenPermission]:
    """One class for one requirement, so that equal requirements are equal permission classes too."""
    made: type[TokenPermission] = types.new_class("Requires", (TokenPermission,))
    made.requirement = requirement
    return made


class _Operands(_Refusing):
    """Two permissions, of which at least one can say why."""

    if TYPE_CHECKING:
        op1: BasePermission
        op2: BasePermission

    def has_permission(self, request: Request, view: APIView) -> bool:
        return self._noted(super().has_permission(request, view))  # type: ignore[misc]

    def has_object_permission(self, request: Request, view: APIView, obj: object) -> bool:
        return self._noted(super().has_object_permission(request, view, obj))  # type: ignore[misc]

    def _noted(self, allowed: bool) -> bool:
        """Keep the first operand's reason, if the whole denies: an operand that another made up for is no reason."""
        reasons = (getattr(one, "refusal", None) for one in (self.op1, self.op2))
        self.refusal = None if allowed else next(filter(None, reasons), None)
        return allowed


class _And(_Operands, AND):
    pass


class _Or(_Operands, OR):
    pass


class _Composition(_Composable, OperandHolder):
    """A requirement combined with an ordinary permission class."""

    def __invert__(self) -> Any:
        """By De Morgan, so that a requirement inside still needs a token."""
        return _combine(_OPPOSITE[self.operator_class], ~self.op1_class, ~self.op2_class)


_OPERATOR: Final[dict[Any, Any]] = {_And: operator.and_, _Or: operator.or_}
_OPPOSITE: Final[dict[Any, Any]] = {_And: _Or, _Or: _And}


def _combine(operands: Any, left: Any, right: Any) -> Any:
    """Two requirements become one, whose challenge names the scopes of both; REST framework combines anything else."""
    sides = [_permission(side) if isinstance(side, Requirement) else side for side in (left, right)]
    if all(isinstance(side, _RequirementMeta) for side in sides):
        return _permission(_OPERATOR[operands](*(side.requirement for side in sides)))
    return _Composition(operands, *sides)
