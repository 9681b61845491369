"""Faults made by rule in the pure modules: cosmic-ray's operators, and one of our own that leaves a statement out.

Owns which places are changed and which tests a change must fail. A place is drawn first and then what is done to it,
so that an operator with many forms does not crowd out the others; the same seed draws the same faults from the same
tree. Left alone are declarations, annotations, assertions and `check_invariants`: they are not what a program does.
cosmic-ray's package is wanted only here, and is installed into build by `make mutants`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

PACKAGES: Final = ("services/matching", "services/gateway", "shared", "clients/python/openoutcry/wire")
"""Their pure modules, in folders below too; those in an `aio` are shells, where faults are planted by hand."""
LEFT_ALONE: Final = ("__init__.py", "__main__.py", "metrics.py", "settings.py")
"""Wiring, exports and operators' names: integration tests and the documents' tests hold them."""
PROPERTIES: Final = {
    "services/matching": ("order_book", "engine", "cancel_on_disconnect", "checkpoints"),
    "services/gateway": ("fan_out", "client_frames"),
    "shared": ("engine", "fan_out", "hostile"),
    "clients/python/openoutcry/wire": ("codec", "depth_book", "engine", "fan_out", "hostile"),
}
"""Property tests of each package, behind its unit tests."""
UNITS: Final = {
    "services/matching": ("tests/unit/services/matching",),
    "services/gateway": ("tests/unit/services/gateway",),
    "shared": ("tests/unit/shared", "tests/unit/services"),
    "clients/python/openoutcry/wire": ("clients/python/tests/wire", "tests/unit/shared", "tests/unit/services"),
}
"""Unit tests of each package."""
LEAVE_OUT: Final = "leave a statement out"
_EXCUSED: Final = ("check_invariants", "__repr__", "__str__")
Place = tuple[int, int, int, int]
"""First line and column, last line and column; lines from 1, columns from 0."""


class Generated(NamedTuple):
    """One fault."""

    file: str
    line: int
    rule: str
    """The operator's name."""
    before: str
    """The line as it stands, without its indent."""
    after: str
    text: str
    """The whole file with the fault."""

    @property
    def tests(self) -> tuple[str, ...]:
        """What must fail, the nearest first; as pytest takes them."""
        package = next(package for package in PACKAGES if self.file.startswith(f"{package}/"))
        name = self.file.removeprefix(f"{package}/").removesuffix(".py")
        nearest = str(Path(UNITS[package][0], name).with_name(f"test_{Path(name).name}.py"))
        units = UNITS[package]
        properties = [f"tests/property/test_{name}.py" for name in PROPERTIES[package]]
        return (*([nearest] if Path(nearest).exists() else []), *units, *properties)


def draw(root: Path, count: int, seed: int) -> list[Generated]:
    """
    Draw faults, each at another place.

    Args:
        root: Of the tree.
        count: How many; all places, if there are fewer.
        seed: Decides which.
    """
    random = Random(seed)
    places: list[tuple[str, Place, list[tuple[str, int]]]] = []
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if path.name not in LEFT_ALONE and "aio" not in path.parts:
                source = path.read_text(encoding="utf-8")
                found = _places(source)
                places += [(str(path.relative_to(root)), place, found[place]) for place in sorted(found)]
    drawn = random.sample(places, min(count, len(places)))
    return [_made(root, file, place, *random.choice(rules)) for file, place, rules in sorted(drawn)]


def _made(root: Path, file: str, place: Place, rule: str, occurrence: int) -> Generated:
    source = (root / file).read_text(encoding="utf-8")
    text = _without(source, place) if rule == LEAVE_OUT else _mutated(source, rule, occurrence)
    before, after = source.splitlines(), text.splitlines()
    line = next(number for number, (old, new) in enumerate(zip(before, after, strict=False)) if old != new)
    return Generated(file, line + 1, rule, before[line].strip(), after[line].strip(), text)


# Where.


def _places(source: str) -> dict[Place, list[tuple[str, int]]]:
    """Find every place, with the rules that can be applied there, each with its number for cosmic-ray."""
    tree = ast.parse(source)
    live, dead = _bodies(tree)
    places: dict[Place, list[tuple[str, int]]] = {}
    for rule, occurrence, place in _cosmic_ray_places(source):
        if _is_in(place, live) and not _is_in(place, dead):
            places.setdefault(place, []).append((rule, occurrence))
    for statement in ast.walk(tree):
        if isinstance(statement, ast.stmt) and _can_go(statement):
            place = _place(statement)
            if _is_in(place, live) and not _is_in(place, dead):
                places.setdefault(place, []).append((LEAVE_OUT, 0))
    return places


def _bodies(tree: ast.Module) -> tuple[list[Place], list[Place]]:
    """Return what functions do, and what of it is left alone."""
    live: list[Place] = []
    dead: list[Place] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            (dead if node.name in _EXCUSED else live).extend(map(_place, node.body))
            dead += [_place(each) for each in node.args.posonlyargs + node.args.args + node.args.kwonlyargs]
            dead += [_place(node.returns)] if node.returns is not None else []
        elif isinstance(node, ast.AnnAssign):
            dead.append(_place(node.annotation))
        elif isinstance(node, ast.Assert) or _raises_assertion(node):
            dead.append(_place(node))
    return live, dead


def _raises_assertion(node: ast.AST) -> bool:
    return isinstance(node, ast.Raise) and "AssertionError" in ast.dump(node)


def _can_go(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Delete() | ast.Continue() | ast.Break():
            return True
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            return True
    return False


def _place(node: Any) -> Place:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def _is_in(place: Place, wider: list[Place]) -> bool:
    return any(each[:2] <= place[:2] and place[2:] <= each[2:] for each in wider)


# What.


def _without(source: str, place: Place) -> str:
    first, column, last, end = place
    lines = source.splitlines(keepends=True)
    kept = lines[first - 1][:column] + "pass" + lines[last - 1].encode()[end:].decode()
    return "".join([*lines[: first - 1], kept, *lines[last:]])


def _operators() -> Iterator[tuple[str, Any]]:
    from cosmic_ray.operators.provider import OperatorProvider  # type: ignore[import-not-found]  # noqa: PLC0415

    provider = OperatorProvider()
    for name in sorted(provider):
        operator = provider[name]
        if not operator.arguments() and name not in {"ExceptionReplacer", "RemoveDecorator"}:
            yield name, operator()


def _cosmic_ray_places(source: str) -> Iterator[tuple[str, int, Place]]:
    import parso  # type: ignore[import-not-found]  # noqa: PLC0415

    nodes = list(_nodes(parso.parse(source)))
    for name, operator in _operators():
        found = ((begin, end) for node in nodes for begin, end in operator.mutation_positions(node))
        for occurrence, (begin, end) in enumerate(found):
            yield name, occurrence, (*begin, *end)


def _mutated(source: str, rule: str, occurrence: int) -> str:
    import parso  # noqa: PLC0415

    operator = dict(_operators())[rule]
    tree = parso.parse(source)
    at = 0
    for node in list(_nodes(tree)):
        count = len(list(operator.mutation_positions(node)))
        if occurrence < at + count:
            changed = operator.mutate(node, occurrence - at)
            if changed is not node and node.parent is not None:
                siblings = node.parent.children
                siblings[siblings.index(node)] = changed
            return str(tree.get_code())
        at += count
    raise LookupError(f"{rule} has no occurrence {occurrence}")


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", ()):
        yield from _nodes(child)
