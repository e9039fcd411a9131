"""Proofs of possession at the resource server that stands beside: each is accepted once."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.db import Error

from django_oauth_server.conf.moments import moment
from django_oauth_server.errors import TemporarilyUnavailable
from django_oauth_server.resource.verifiers.base import CannotVerify
from django_oauth_server.storage.presented import spend
from django_oauth_server.storage.transaction import atomic, in_transaction, retry_conflicts


class DatabaseMemory:
    """A `Memory` that asks the database, in one statement. In a transaction of the caller what it notes is undone with the rest."""

    def note(self, *of: str, until: float) -> bool:
        """Raises `CannotVerify` where the database does not answer."""
        try:
            return retry_conflicts(lambda: _spend(of, until))
        except TemporarilyUnavailable as exc:
            raise CannotVerify(str(exc), retry_after=exc.retry_after) from exc
        except Error as exc:  # in a transaction that is not ours to do anew
            raise CannotVerify(f"the database does not say what was presented before: {type(exc).__name__}") from exc

    async def anote(self, *of: str, until: float) -> bool:
        """In the thread that Django keeps for its database."""
        return await sync_to_async(self.note)(*of, until=until)


def _spend(of: tuple[str, ...], until: float) -> bool:
    if not in_transaction():
        return spend(*of, expires_at=moment(until))
    with atomic():  # a savepoint: what was presented before breaks no transaction of the caller
        return spend(*of, expires_at=moment(until))
