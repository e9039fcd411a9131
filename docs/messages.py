"""What the package says when something is wrong, read from its source: what clients are told, what the log says, the system checks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

_ELSEWHERE = {"admin", "management", "migrations", "testing"}
_MARKERS = {"_", "gettext", "gettext_lazy", "format", "rstrip", "shorten"}
_LEVELS = {"debug": 0, "info": 0, "warning": 0, "error": 0, "exception": 0, "log": 1}
_CHECKS = {"Error", "Warning", "Info", "Critical"}
_REASONS = re.compile(r"_?(refusal|faults?|why\w*|reason\w*)")
"""What functions are called that return what is wrong with something, in words for the log."""
_VALUE = re.compile(r"(…, )*\w+:? …( …)*|(…[ ,:]*)*")
"""A name and its value say nothing that what the client is told does not."""
_METADATA = re.compile(r"\.clients\.|\.protocol\.uris$|\.logout\.\w+_channel$|\.endpoints\.end_session$")
"""Where the rules of client metadata are: a `ValueError` says one, and so does a pair of a member and its rule."""


@dataclass(frozen=True, order=True)
class Message:
    """One text. What is filled in is written as an ellipsis."""

    kind: str
    """`told`, `log` or `check`."""
    of: str
    """The error code, or the id of the check; empty for the log."""
    text: str
    hint: str = ""


def read(package: ModuleType) -> list[Message]:
    """All messages of *package*, each once."""
    root = Path(package.__path__[0])
    files = [path for path in sorted(root.rglob("*.py")) if not _ELSEWHERE.intersection(path.relative_to(root).parts)]
    return sorted({message for path in files for message in _of_file(path, root, package.__name__)})


def _of_file(path: Path, root: Path, package: str) -> Iterator[Message]:
    name = ".".join((package, *path.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
    try:
        module = import_module(name)
    except ImportError:  # made for a Django or a framework that is not installed here
        return
    yield from _Reader(module, ast.parse(path.read_text(encoding="utf-8"))).messages()


class _Reader:
    """Reads one file. Names are looked up in the module that it makes, texts in the tree."""

    def __init__(self, module: ModuleType, tree: ast.Module) -> None:
        self._module, self._tree = module, tree
        self._functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
        self._values = {
            target.id: one.value
            for one in tree.body
            if isinstance(one, ast.Assign | ast.AnnAssign) and one.value
            for target in (one.targets if isinstance(one, ast.Assign) else [one.target])
            if isinstance(target, ast.Name)
        }

    def messages(self) -> Iterator[Message]:
        yield from self._in(self._tree, {}, None)

    def _in(self, node: ast.AST, local: dict[str, list[ast.expr]], kind: type | None) -> Iterator[Message]:
        for child in ast.iter_child_nodes(node):
            inside, within = local, kind
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = _assigned(child)
                yield from self._returns(child, inside)
                inside = self._sent(child) | inside
            elif isinstance(child, ast.ClassDef):
                within = getattr(self._module, child.name, None)
            elif isinstance(child, ast.Call):
                yield from self._call(child, local, kind)
            yield from self._in(child, inside, within)

    def _call(self, call: ast.Call, local: dict[str, list[ast.expr]], within: type | None) -> Iterator[Message]:
        from django_oauth_server.errors import InvalidClientMetadata, OAuthError
        from django_oauth_server.resource.challenge import Challenge

        made = self._made(call.func, within)
        given = {one.arg: one.value for one in call.keywords}
        if isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in {"logger", "log"}:
            place = _LEVELS.get(call.func.attr)
            if place is not None and len(call.args) > place:
                yield from self._said("log", "", call.args[place], local)
        elif getattr(call.func, "id", "") in _CHECKS and "id" in given:
            identifier = ast.literal_eval(given["id"])
            hints = self._texts(given["hint"], local) if "hint" in given else [""]
            for text in self._texts(call.args[0], local):
                yield Message("check", identifier, text, " ".join(hints))
        elif getattr(call.func, "attr", "") == "refusal" and call.args:
            yield from self._said("told", "interaction_required", call.args[0], local)
        elif getattr(call.func, "id", "") == "ValueError" and _METADATA.search(self._module.__name__):
            yield from self._said("told", "invalid_client_metadata", call.args[0], local)
        elif getattr(call.func, "id", "") == "replace" and "description" in given:
            yield from self._said("told", "invalid_token", given["description"], local)
        elif getattr(call.func, "attr", "") == "_no_good" and call.args:
            yield from self._said("told", "invalid_dpop_proof", call.args[0], local)
        elif isinstance(made, FunctionType) and made.__module__.endswith("resource.challenge") and call.args:
            yield from self._said("told", made.__name__, call.args[0], local)
        elif not isinstance(made, type):
            return
        elif issubclass(made, OAuthError):
            place = 1 if issubclass(made, InvalidClientMetadata) else 0
            if len(call.args) > place:
                yield from self._said("told", getattr(made, "error", ""), call.args[place], local)
            if "detail" in given:
                yield from self._said("log", "", given["detail"], local)
        elif made is Challenge:
            if len(call.args) > 2:
                error = call.args[1].value if isinstance(call.args[1], ast.Constant) else "invalid_token"
                yield from self._said("told", error, call.args[2], local)
        elif issubclass(made, Exception) and made.__module__.startswith("django_oauth_server") and call.args:
            yield from self._said("log", "", call.args[0], local)

    def _returns(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, local: dict[str, list[ast.expr]]
    ) -> Iterator[Message]:
        """The reasons that a function returns or yields; of pairs, the rules of client metadata."""
        kind = (
            ("log", "")
            if _REASONS.fullmatch(function.name) and "str" in ast.dump(function.returns or function)
            else None
        )
        for one in ast.walk(function):
            if isinstance(one, ast.Return | ast.Yield) and one.value:
                if (
                    isinstance(one.value, ast.Tuple)
                    and len(one.value.elts) == 2
                    and _METADATA.search(self._module.__name__)
                ):
                    if isinstance(one, ast.Yield):
                        yield from self._said("told", "invalid_client_metadata", one.value.elts[1], local)
                elif kind and not isinstance(one.value, ast.Tuple):
                    yield from (said for said in self._said(*kind, one.value, local) if " " in said.text)

    def _sent(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, list[ast.expr]]:
        """What this file's calls of *function* have for each of its parameters."""
        names = [one.arg for one in function.args.args]
        sent: dict[str, list[ast.expr]] = {}
        for call in ast.walk(self._tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == function.name:
                for name, value in [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]:
                    if isinstance(value, ast.Constant | ast.JoinedStr | ast.IfExp) and name:
                        sent.setdefault(name, []).append(value)
        return sent

    def _made(self, func: ast.expr, within: type | None) -> object:
        if isinstance(func, ast.Attribute) and func.attr == "__init__":
            return within  # super().__init__("…")
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name):
            return getattr(getattr(self._module, func.value.id, None), func.attr, None)
        return getattr(self._module, func.id, None) if isinstance(func, ast.Name) else None

    def _said(self, kind: str, of: str, text: ast.expr, local: dict[str, list[ast.expr]]) -> Iterator[Message]:
        if kind == "log" and isinstance(text, ast.JoinedStr):
            local = {}  # values, not words
        for one in self._texts(text, local):
            if re.search(r"[a-z]{2}", one) and not _VALUE.fullmatch(one):
                yield Message(kind, of, one)

    def _texts(self, node: ast.expr, local: dict[str, list[ast.expr]], depth: int = 0) -> list[str]:
        """All that an expression may be, as far as the file says it."""
        if depth > 4:
            return ["…"]

        def within(one: ast.expr) -> list[str]:
            return self._texts(one, local, depth + 1)

        match node:
            case ast.Constant(value=str(text)):
                return [re.sub(r"%(\(\w+\))?[sdr]", "…", text)]
            case ast.Constant():
                return []
            case ast.JoinedStr(values=parts):
                texts = [""]
                for part in parts:
                    if isinstance(part, ast.Constant):
                        texts = [text + str(part.value) for text in texts]
                    elif isinstance(part, ast.FormattedValue):
                        texts = [text + one for text in texts for one in _worded(within(part.value))]
                return texts
            case ast.IfExp(body=yes, orelse=no):
                return within(yes) + within(no)
            case ast.BoolOp(values=values):
                return [text for value in values for text in within(value)]
            case ast.BinOp(left=left, op=ast.Mod()):
                return within(left)
            case ast.BinOp(left=left, right=right, op=ast.Add()):
                return [one + other for one in within(left) for other in within(right)]
            case ast.NamedExpr(value=value):
                return within(value)
            case ast.Name(id=name) if name in local:
                return [text for value in local[name] for text in within(value)]
            case ast.Name(id=name) if name in self._values:
                return within(self._values[name])
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in _MARKERS:
                return within(first)
            case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in _MARKERS:
                return within(value)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in self._functions:
                return self._returned(self._functions[name], depth)
        return ["…"]

    def _returned(self, function: ast.FunctionDef, depth: int) -> list[str]:
        local = _assigned(function)
        values = [one.value for one in ast.walk(function) if isinstance(one, ast.Return) and one.value]
        return [text for value in values for text in self._texts(value, local, depth + 1)]


def _assigned(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, list[ast.expr]]:
    """What is assigned to each name in *function*; those of a parameter are not known."""
    found: dict[str, list[ast.expr]] = {}
    for one in ast.walk(function):
        if isinstance(one, ast.Assign):
            for target in one.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(one.value)
        elif isinstance(one, ast.NamedExpr) and isinstance(one.target, ast.Name):
            found.setdefault(one.target.id, []).append(one.value)
    return found


def _worded(texts: Iterable[str]) -> list[str]:
    """Values that are words stay; names and numbers are an ellipsis."""
    return list(dict.fromkeys(text if " " in text else "…" for text in texts)) or ["…"]
