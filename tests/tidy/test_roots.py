"""Roots are pure: no clock, no chance, no file, no socket, nothing awaited; time is an argument."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.sources import PROJECT, Module, modules

CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "time.sleep", "datetime.now", "datetime.utcnow", "date.today", "random.random", "random.randrange", "random.choice",
    "secrets.token_bytes", "secrets.token_hex",
}  # fmt: skip
SEEDED = {"outcry/flow/live_orders.py": "random.random", "outcry/flow/order_flow.py": "random.random"}
"""Their `random` is an argument, a seeded one."""
OPENED = ("asyncio", "socket", "subprocess")


def calls(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name | ast.Attribute):
                yield f"{owner.id if isinstance(owner, ast.Name) else owner.attr}.{node.func.attr}"


def imports(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


LINES_MAX = 650
PURE = [module for module in modules() if module.is_pure]


@pytest.mark.parametrize("module", PURE, ids=lambda module: module.path)
def test_a_root_looks_at_no_clock_and_draws_no_chance(module: Module) -> None:
    assert set(calls(module)) & CLOCKS <= {SEEDED.get(module.path)}


def test_a_root_opens_nothing_and_awaits_nothing() -> None:
    """`MarketDataService` has two coroutines that await nothing: the interface that users named."""
    wrong = {
        f"{module.path} imports {name}"
        for module in PURE
        for name in imports(module)
        if name.partition(".")[0] in OPENED or ".aio" in name
    }
    awaiting = {
        module.path
        for module in PURE
        if any(isinstance(node, ast.Await | ast.AsyncWith) for node in ast.walk(module.tree))
    }
    assert wrong - ALLOWED == set()
    assert awaiting == set()


ALLOWED = {
    "clients/python/openoutcry/__init__.py imports openoutcry.aio." + name
    for name in ("book", "connect", "live_account", "live_ticker", "market", "tape", "token_source")
} | {"clients/python/openoutcry/testing.py imports openoutcry.aio.scripted_server"}
"""Fronts: names for users."""


def test_a_root_reads_no_environment_and_no_file() -> None:
    """Settings did, in the root of `shared`."""
    reads = {"environ", "getenv", "read_text", "read_bytes", "write_text", "write_bytes"}
    found = {
        f"{module.path} has {node.attr}"
        for module in PURE
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in reads
    }
    assert found == set()


def test_module_names_are_unique_in_a_package() -> None:
    """Which `checkpoint` must not be a question. A shell may bear its core's name; the wire has errors of its own."""
    for package in ("clients/python/openoutcry", "services/gateway", "services/matching", "shared"):
        names = Counter(
            ("aio/" if "/aio/" in module.path else "") + Path(module.path).name
            for module in modules()
            if module.path.startswith(f"{package}/")
            and Path(module.path).name not in ("__init__.py", "__main__.py")
            and not module.path.endswith("wire/errors.py")
        )
        assert [name for name, count in names.items() if count > 1] == [], package


def test_a_public_class_name_means_one_thing() -> None:
    """Sixteen were two or more: four kinds of verdict, three traders."""
    names = Counter(
        node.name
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_no_module_is_larger_than_the_ceiling() -> None:
    """What grows beyond has two ideas in it."""
    lines = {module.path: (PROJECT / module.path).read_text("utf-8").count("\n") for module in modules()}
    assert {path: count for path, count in lines.items() if count > LINES_MAX} == {}
