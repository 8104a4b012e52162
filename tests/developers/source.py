"""The error codes that the source can answer with, read from its syntax tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

PARAMETERS = ("error", "code")
KNOWN = {"OAuthError": (0, "error")}  # written elsewhere than in the files that are read


def error_codes(*folders: Path) -> dict[str, set[str]]:
    """Each code with the files that it stands in: whatever is passed as `error` or `code` of an exception or answer."""
    trees = {path: ast.parse(path.read_text()) for folder in folders for path in folder.glob("*.py")}
    takers = KNOWN | {name: place for tree in trees.values() for name, place in _takers(tree)}
    found: dict[str, set[str]] = {}
    for path, tree in trees.items():
        for code in _given(tree, takers):
            found.setdefault(code, set()).add(path.name)
    return found


def _takers(tree: ast.Module) -> Iterator[tuple[str, tuple[int, str]]]:
    """Functions and exception classes that take a code, and where among their arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from _places(node.name, node, skip=0)
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
                    yield from _places(node.name, inner, skip=1)


def _places(name: str, function: ast.FunctionDef, skip: int) -> Iterator[tuple[str, tuple[int, str]]]:
    for number, argument in enumerate(function.args.args[skip:]):
        if argument.arg in PARAMETERS:
            yield name, (number, argument.arg)


def _given(tree: ast.Module, takers: dict[str, tuple[int, str]]) -> Iterator[str]:
    """The codes in calls of these, in `super().__init__` of their subclasses too."""
    parents = {id(inner): outer for outer in ast.walk(tree) for inner in ast.iter_child_nodes(outer)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if ast.unparse(node.func).startswith("ledger."):  # counts what was answered elsewhere
            continue
        names = [_name(node.func)]
        if names == ["__init__"]:
            above: ast.AST | None = node
            while above is not None and not isinstance(above, ast.ClassDef):
                above = parents.get(id(above))
            names = [_name(base) for base in above.bases] if isinstance(above, ast.ClassDef) else []
        for place, parameter in (takers[name] for name in names if name in takers):
            arguments = node.args[place : place + 1]
            arguments += [keyword.value for keyword in node.keywords if keyword.arg == parameter]
            yield from (text for argument in arguments for text in _texts(argument))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _texts(node: ast.AST) -> Iterator[str]:
    """Every alternative of `"a" if … else "b"` and of `x or "a"`; what a comparison compares with is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _texts(value)
