"""What drf-spectacular's schema says of REST framework views that are protected. Registered by being imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry

from django_oauth_server.resource.condition import joined
from django_oauth_server.resource.drf import required_by
from django_oauth_server.resource.openapi import SCHEME, proof_schemes, security_requirements, security_scheme
from django_oauth_server.resource.requirement import Requirement, requires
from django_oauth_server.resource.routes.base import routes


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme of `BearerAuthentication`, and of each operation its own scopes."""

    target_class = "django_oauth_server.resource.drf.BearerAuthentication"
    match_subclasses = True

    def __init__(self, target: Any) -> None:
        super().__init__(target)  # type: ignore[no-untyped-call]
        self._definitions = _definitions()
        self.name = list(self._definitions)

    def get_security_definition(self, auto_schema: AutoSchema) -> list[Any]:
        """For the scopes of every route: the generator keeps the definition that the first operation gave."""
        return list(self._definitions.values())

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        """One for each alternative; of an operation that asks for no scope, any good token."""
        return security_requirements(_required(auto_schema) or requires())


class ProtectedSchema(AutoSchema):
    """Writes on each operation what its requirement adds (`Requirement.schema`): the generator lets no extension do that.

    For `DEFAULT_SCHEMA_CLASS`, in place of drf-spectacular's.
    """

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        requirement = _required(self)
        return joined(operation, requirement.schema()) if operation and requirement else operation


def _definitions() -> dict[str, Mapping[str, object]]:
    """Of proofs as well, where an operation asks for one."""
    required = _all_required()
    proofs = proof_schemes() if any(one.bound for one in required) else {}
    return {SCHEME: security_scheme(required), **proofs}


def _required(auto_schema: AutoSchema) -> Requirement | None:
    """What the operation requires: its view has the action, and a request of its method."""
    return required_by(auto_schema.view, auto_schema.view.request)


def _all_required() -> list[Requirement]:
    return [one.requirement for one in routes(settings.ROOT_URLCONF) if one.requirement is not None]
