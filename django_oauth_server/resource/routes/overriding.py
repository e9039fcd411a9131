"""What can be known of a method that a project overrides without running it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Final

_LEAVING: Final = (ast.Return, ast.Yield, ast.YieldFrom)


def owner(kind: type, name: str) -> type:
    """The class from which *kind* has its attribute *name*."""
    return next((one for one in kind.__mro__ if name in vars(one)), kind)


def hands_on(function: Any, name: str, *, answer: bool = False) -> bool:
    """Whether *function* calls the method *name* that it overrides, whatever the request, before it can leave.

    With *answer* it must also return what that method answers. Where the source cannot be read, or does it in another way: no.
    """
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        statements = definition.body  # type: ignore[attr-defined]
    except Exception:  # there is no source, or the object is strange
        return False
    for statement in statements:
        if _calls_super(statement, name):
            return isinstance(statement, ast.Return) or not answer
        if any(isinstance(node, _LEAVING) for node in ast.walk(statement)):
            return False
    return False


def _calls_super(statement: ast.stmt, name: str) -> bool:
    match getattr(statement, "value", None):
        case (
            ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=called))
            | ast.Await(value=ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=called)))
        ):
            return called == name and isinstance(statement, (ast.Return, ast.Expr, ast.Assign, ast.AnnAssign))
    return False
