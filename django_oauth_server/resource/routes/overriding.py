"""What can be known of the methods and decorators of a project without running them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any, Final

from django.contrib.auth import alogin, login
from django.http import HttpRequest

from django_oauth_server.resource.closures import attribute, held

_LEAVING: Final = (ast.Return, ast.Yield, ast.YieldFrom)
_FRAMEWORKS: Final = frozenset({"django", "rest_framework", "ninja", "django_oauth_server"})
_IDENTITY: Final = frozenset({"user", "auser", "auth", "session", "csrf_processing_done"})
"""What authentication puts on a request."""
_CALL: Final = frozenset({"request", "args", "kwargs"})
"""What a view keeps of its call."""
_ASKING: Final = frozenset(
    {
        "django.contrib.auth.mixins",
        "rest_framework.views",
        "rest_framework.viewsets",
        "django_oauth_server.resource.django",
    }
)
"""Whose classes say by attributes what is asked."""
_MOST_CALLS: Final = 3
"""How deep methods that call one another are read."""


def owner(kind: type, name: str) -> type:
    """The class from which *kind* has its attribute *name*."""
    return next((one for one in kind.__mro__ if name in vars(one)), kind)


def is_framework(thing: Any) -> bool:
    """Whether *thing*, a class or a function, is of a framework, whose code needs no reading. Decorators copy the name of a function's module."""
    names = attribute(thing, "__globals__")
    module = names.get("__name__") if isinstance(names, dict) else attribute(thing, "__module__")
    return str(module).partition(".")[0] in _FRAMEWORKS


def hands_on(
    kind: type, function: Any, name: str, *, answer: bool = False, after: bool = False, judged: bool = False
) -> bool:
    """Whether *function* of *kind* calls the method *name* that it overrides, with the request as it came, before it can leave.

    With *answer* it must also return what that method answers, and with *after* leave the request alone afterwards too. Once the caller is *judged*,
    the request may change. Where the source cannot be read, or does it in another way: no.
    """
    read = _read(kind, function)
    if read is None:
        return False
    for number, statement in enumerate(read.body):
        called = _called(statement)
        rest = read.body[number + 1 :]
        if called is not None and read.is_super(called, name):
            return (not answer or _answers(statement, rest)) and (not after or read.leaves_alone(rest))
        if _leaves(statement) or not (read.keeps([statement]) if judged else read.leaves_alone([statement])):
            return False
    return False


def passes_on(function: Any, kind: type = object, *, depth: int = 0) -> bool:
    """Whether nothing in *function*, which a decorator made, is known to change whom its view is called for, or to go round a decorator below."""
    read = _read(kind, function)
    if read is None:
        return True
    nodes = list(_nodes(read.body))
    around = any(isinstance(node, ast.Attribute) and node.attr == "__wrapped__" for node in nodes)
    if around or any(read.changes(node) for node in nodes) or not _answers_with(nodes, held(function)):
        return False
    return depth == _MOST_CALLS or all(_leaves_identity(one, depth) for one in _helpers(function, nodes))


def _helpers(function: Any, nodes: list[ast.AST]) -> Iterator[Any]:
    """The functions that *function* calls by a name of its module."""
    names = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    yield from (one for name in sorted(names) if isinstance(one := function.__globals__.get(name), FunctionType))


def _leaves_identity(helper: Any, depth: int) -> bool:
    if is_framework(helper):
        return helper not in (login, alogin)
    return passes_on(helper, depth=depth + 1)


@dataclass(frozen=True, slots=True)
class _Read:
    """The source of a function."""

    kind: type
    own: str
    """The class in which it is written."""
    itself: str
    """The name of its first parameter."""
    request: str
    """The name of the one after that, by which it calls the request."""
    parameters: frozenset[str]
    body: list[ast.stmt]
    depth: int = 0

    def is_super(self, called: ast.Call, name: str) -> bool:
        """Whether it is `super().name(request, ...)`, for the next class and no later one."""
        match called.func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[]), attr=attr):
                pass
            case ast.Attribute(
                value=ast.Call(func=ast.Name(id="super"), args=[ast.Name(id=self.own), ast.Name(id=self.itself)]),
                attr=attr,
            ):
                pass
            case _:
                return False
        return attr == name and (not self.request or self._hands(called.args[:1], self.request))

    def keeps(self, statements: Iterable[ast.stmt]) -> bool:
        """Whether *statements* leave each parameter what it was."""
        return not any(_is_written(node, self.parameters) for node in _nodes(statements))

    def leaves_alone(self, statements: Iterable[ast.stmt]) -> bool:
        """Whether *statements* change nothing of which it depends who the caller is, or what is asked of them."""
        return not any(self.changes(node) or self._shares(node) for node in _nodes(statements))

    def changes(self, node: ast.AST) -> bool:
        """Whether *node* writes to what the request, or the view, had before."""
        if not isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
            return False
        if isinstance(node, ast.Attribute) and node.attr in _IDENTITY and self._is_call(node.value):
            return True
        match _root(node):
            case (root, ""):
                return bool(root) and root in {self.request, "super"}
            case (root, first) if root and root == self.request:
                return first.startswith("_") or first in _IDENTITY or hasattr(HttpRequest, first) or first in _REQUEST
            case (root, first) if root and root == self.itself:
                asking = [base for base in self.kind.__mro__ if base.__module__ in _ASKING]
                return first in _CALL or any(first in vars(base) for base in asking)
        return False

    def _is_call(self, node: ast.expr) -> bool:
        """Whether *node* may be the request, by another name."""
        return isinstance(node, ast.Name) and node.id != self.itself

    def _shares(self, node: ast.AST) -> bool:
        """Whether *node* gives the request, or the view, to something else, which may change it; looking at an attribute gives nothing."""
        match node:
            case ast.Attribute(value=ast.Name(id=self.request), attr=attr):
                return attr.startswith("__")
            case ast.Attribute(value=ast.Name(id=self.itself)) | ast.Call(func=ast.Name(id="super")):
                return False
            case ast.Call(func=ast.Attribute(value=ast.Name(id=self.itself), attr=attr)) if self._may_change(attr):
                return True
        looks = isinstance(node, (ast.Attribute, ast.Subscript))
        return any(self._is_given(child) for child in ast.iter_child_nodes(node)) and not looks

    def _is_given(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(id=name):
                return name in {self.itself, self.request}
            case ast.Attribute(value=ast.Name(id=self.itself), attr="request"):
                return True
        return False

    def _may_change(self, name: str) -> bool:
        """What a method of the view's own does, as far as it can be read."""
        method = getattr(self.kind, name, None)
        if method is None or is_framework(method):
            return False
        read = _read(self.kind, method) if self.depth < _MOST_CALLS else None
        return read is None or not replace(read, request="", depth=self.depth + 1).leaves_alone(read.body)

    def _hands(self, given: list[ast.expr], name: str) -> bool:
        """Whether *given* is what is called *name*, also as `*args`, or the view's `self.request`."""
        match given:
            case [ast.Name(id=found) | ast.Starred(value=ast.Name(id=found))]:
                return found == name
            case [ast.Attribute(value=ast.Name(id=self.itself), attr="request")]:
                return True
        return False


_REQUEST: Final = frozenset(vars(HttpRequest()))


def _read(kind: type, function: Any) -> _Read | None:
    try:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function.__code__))).body
    except Exception:  # there is no source, or the object is strange
        return None
    if not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    named = [one.arg for one in (*definition.args.posonlyargs, *definition.args.args)]
    if definition.args.vararg is not None:
        named.append(definition.args.vararg.arg)
    if kind is object:  # a function has no view before the request
        named.insert(0, "")
    itself, request, *_ = [*named, "", ""]
    own = str(getattr(function, "__qualname__", "")).split(".")[-2:-1]
    return _Read(kind, "".join(own), itself, request, frozenset(named), list(_flat(definition.body)))


def _flat(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """*statements*, and in place of a `with` what is called for it and what stands in it."""
    for statement in statements:
        if isinstance(statement, (ast.With, ast.AsyncWith)):
            yield from (ast.Expr(item.context_expr) for item in statement.items)
            yield from _flat(statement.body)
        else:
            yield statement


def _nodes(statements: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    return (node for statement in statements for node in ast.walk(statement))


def _leaves(statement: ast.stmt) -> bool:
    return any(isinstance(node, _LEAVING) for node in ast.walk(statement))


def _called(statement: ast.stmt) -> ast.Call | None:
    """The call that *statement* makes, whatever else happens."""
    if not isinstance(statement, (ast.Return, ast.Expr, ast.Assign, ast.AnnAssign)):
        return None
    value = statement.value
    value = value.value if isinstance(value, ast.Await) else value
    return value if isinstance(value, ast.Call) else None


def _answers(statement: ast.stmt, rest: list[ast.stmt]) -> bool:
    """Whether what *statement* has is returned after all."""
    if isinstance(statement, ast.Return):
        return True
    match statement:
        case ast.Assign(targets=[ast.Name(id=kept)]) | ast.AnnAssign(target=ast.Name(id=kept)):
            nodes = list(_nodes(rest))
        case _:
            return False
    returned = [node.value for node in nodes if isinstance(node, _LEAVING)]
    written = any(_is_written(node, {kept}) for node in nodes)
    return bool(returned) and not written and all(isinstance(one, ast.Name) and one.id == kept for one in returned)


def _answers_with(nodes: list[ast.AST], names: Collection[str]) -> bool:
    """Whether each answer that is kept, of a call of one of *names*, is returned, or is given to what makes another of it."""
    for node in nodes:
        called = _called(node) if isinstance(node, ast.stmt) else None
        if called is None or not isinstance(called.func, ast.Name) or called.func.id not in names:
            continue
        match node:
            case ast.Assign(targets=[ast.Name(id=kept)]):
                after = [one for one in nodes if isinstance(one, ast.Return) and one.lineno > node.lineno]
                if not all(_is_made_of(one.value, kept) for one in after):
                    return False
    return True


def _is_made_of(value: ast.expr | None, kept: str) -> bool:
    given = [value, *value.args] if isinstance(value, ast.Call) else [value]
    return any(isinstance(one, ast.Name) and one.id == kept for one in given)


def _is_written(node: ast.AST, names: Collection[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Store)


def _root(node: ast.AST) -> tuple[str, str]:
    """The name with which *node* begins, and the attribute that is looked at first: of `self.request.user`, self and request."""
    first = ""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        first = node.attr if isinstance(node, ast.Attribute) else "_"
        node = node.value
    return (node.id, first) if isinstance(node, ast.Name) else ("", first)
