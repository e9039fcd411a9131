"""How each database says that another writer was first, and that it cannot answer at all."""

from __future__ import annotations

from typing import Final

from django.db import Error, IntegrityError, InterfaceError, OperationalError

_CONFLICT_SQLSTATES: Final = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock_timeout
_CONFLICT_MARIADB: Final = frozenset({1205, 1213, 1020})  # lock wait timeout, deadlock, record changed since last read
_CONFLICT_SQLITE: Final = frozenset({5, 6})  # SQLITE_BUSY, SQLITE_LOCKED

_AWAY_SQLSTATE_CLASSES: Final = frozenset(
    {
        "08",  # connection exception
        "28",  # invalid authorization: it does not let this server in
        "53",  # insufficient resources, such as too many connections
        "57",  # operator intervention: shutting down, starting up, statement_timeout
        "58",  # system error
    }
)
_AWAY_SQLSTATES: Final = frozenset({"25006", "3D000"})  # read-only: a standby; no such database
_AWAY_MARIADB: Final = frozenset(
    {
        1040,  # too many connections
        1042,  # cannot get hostname
        1043,  # bad handshake
        1044,  # access denied to the database
        1045,  # access denied
        1047,  # a cluster's node without quorum
        1053,  # server shutdown in progress
        1129,  # host is blocked
        1130,  # host may not connect
        1158,  # network errors
        1159,
        1160,
        1161,
        1180,  # error during commit: a cluster's node that lost the others meanwhile
        1203,  # too many connections of this user
        1226,  # resource limit of this user
        1290,  # read-only
        1317,  # query interrupted
        1836,  # read-only
        1927,  # connection killed
        1969,  # max_statement_time exceeded
        4031,  # disconnected by the server for inactivity
    }
)
_MARIADB_CLIENT_ERRORS: Final = range(
    2000, 3000
)  # the driver's own: cannot connect, lost connection, server has gone away
_SQLITE_ERROR: Final = 1  # a statement that is wrong, such as one that names a table that was never made


def is_conflict(exc: Error) -> bool:
    """Whether the database refused because of another writer.

    It says so by a serialization failure, a deadlock or a lock; or by a constraint, where what was read has gone or a row of the same key has
    come, because everything is checked before it is written.
    """
    if isinstance(exc, IntegrityError):
        return True
    if not isinstance(exc, OperationalError):
        return False
    return (
        _sqlstate(exc) in _CONFLICT_SQLSTATES
        or _sqlite_code(exc) in _CONFLICT_SQLITE
        or _mariadb_code(exc) in _CONFLICT_MARIADB
    )


def is_outage(exc: Error) -> bool:
    """Whether the database does not answer, or not now: it is down, starting, failing over, full, or took longer than a statement may.

    A statement that is wrong is none, whatever the driver calls it: that is a mistake here, or a migration that was not run.
    """
    if is_conflict(exc):
        return False
    if isinstance(exc, InterfaceError):
        return True
    if sqlstate := _sqlstate(exc):
        return sqlstate[:2] in _AWAY_SQLSTATE_CLASSES or sqlstate in _AWAY_SQLSTATES
    if not isinstance(exc, OperationalError):
        return False
    if code := _sqlite_code(exc):
        return code != _SQLITE_ERROR
    if code := _mariadb_code(exc):
        return code in _MARIADB_CLIENT_ERRORS or code in _AWAY_MARIADB
    return True  # drivers give no code where there was no connection


def _sqlstate(exc: Error) -> str:
    """By psycopg, or psycopg2."""
    return getattr(exc.__cause__, "sqlstate", None) or getattr(exc.__cause__, "pgcode", None) or ""


def _sqlite_code(exc: Error) -> int:
    code: int = getattr(exc.__cause__, "sqlite_errorcode", 0)
    return code & 0xFF  # without what extends it


def _mariadb_code(exc: Error) -> int:
    code = exc.args[0] if exc.args else None
    return code if isinstance(code, int) else 0
