"""What an authorization request says of keys, before anybody proves to hold one."""

from __future__ import annotations

from django_oauth_server.authorization.checks import Draft, RequestCheck
from django_oauth_server.errors import InvalidRequest, UnauthorizedClient
from django_oauth_server.tokens.bindings.base import Binding, missing_binding


class PromisedKeys(RequestCheck):
    """A key that is promised is one; and a client whose tokens have to be bound asks for none where nothing can be proven."""

    name = "promised_keys"

    def judge(self, draft: Draft) -> None:
        for binding in draft.issuer.components.of(Binding).values():
            promised = draft.params.get(binding.promise)
            if promised and not binding.is_key(promised):
                raise InvalidRequest(f"The parameter {binding.promise} is not the thumbprint of a key.")
        response_type = draft.response_type()
        asks_for_token = response_type is not None and "token" in response_type.name.split()
        if asks_for_token and missing_binding({}, draft.client, draft.issuer):
            raise UnauthorizedClient(
                "This client's access tokens must be bound to a key, which is not possible with this response type."
            )
