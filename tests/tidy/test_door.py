"""The engine's one door: nothing puts lots into a book without asking it, and an account is touched in three ways."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.tidy.sources import modules

BOOK = "services/matching/book/order_book.py"
ENGINE = "services/matching/engine.py"
QUOTES = "services/matching/quotes.py"
FLOOR = "services/matching/floor.py"
WAITING = "services/matching/special_orders/waiting_orders.py"
PUTS = {
    (ENGINE, "_place", "place"),
    (ENGINE, "_replace", "replace"),
    (QUOTES, "_arrive", "place"),  # for a pair that `_take` has asked for, both sides
    (QUOTES, "_shrink", "replace"),
    (WAITING, "_trigger", "place"),  # a stop that passed the door when it came
    (BOOK, "_arrive_anew", "place"),  # within `replace`, which has been asked for
}
"""Every call that can put an order into a book or make it larger. A new one asks `Engine._admit` first. Whatever is
called `place` or `replace` in the engine's package counts, be it a book's or not."""
RESTORED = ("services/matching/recovery/checkpoint.py", "_market", "restore")
"""Its orders passed the door before they were stored."""
TOUCHES = {
    "opened": {
        (ENGINE, "_place"),
        (ENGINE, "_park"),
        (QUOTES, "_arrive"),
        ("services/matching/recovery/checkpoint.py", "_checkpoint"),
        ("services/matching/recovery/special_rows.py", "restore_special"),
    },
    "filled": {(FLOOR, "_fill"), (FLOOR, "_auction_fill")},
    "closed": {(FLOOR, "_fill"), (FLOOR, "_auction_fill"), (FLOOR, "ended")},
    "cancel": {(FLOOR, "end"), (BOOK, "replace"), (BOOK, "_arrive_anew")},
    "_admit": {(ENGINE, "_place"), (ENGINE, "_replace"), (QUOTES, "_pair_refusal")},
}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for module in modules():
        if module.path.startswith("services/matching/"):
            for node in ast.walk(module.tree):
                if isinstance(node, ast.FunctionDef):
                    yield module.path, node


def calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """Yield calls of methods; those of functions defined within are found with these too."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node


def method(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr


def test_whatever_puts_lots_into_a_book_is_known() -> None:
    """A rule that one of them does not ask for is a rule that can be passed by: a limit, a blackout, a reservation."""
    found = {
        (path, function.name, method(call))
        for path, function in functions()
        for call in calls(function)
        if method(call) in {"place", "replace", "restore"}
    }
    assert found == PUTS | {RESTORED}


@pytest.mark.parametrize("put", sorted(put for put in PUTS if put[0] == ENGINE))
def test_the_door_stands_before_it(put: tuple[str, str, str]) -> None:
    """Asked first, and a refusal ends the command."""
    path, name, way = put
    [function] = [node for where, node in functions() if where == path and node.name == name]
    lines = {method(call): call.lineno for call in calls(function)}
    asked = next(node for node in function.body if "self._admit(" in ast.unparse(node))
    ended = function.body[function.body.index(asked) + 1]
    assert isinstance(ended, ast.If)
    assert ast.unparse(ended.test) == f"{ast.unparse(asked).partition(' = ')[0]} is not None"
    assert isinstance(ended.body[-1], ast.Return)
    assert lines["_admit"] < ended.lineno < lines[way]


def test_the_door_stands_before_a_pair() -> None:
    """Both sides are asked for before the old ones leave, and a refusal ends the pair."""
    by_name = {node.name: node for where, node in functions() if where == QUOTES}
    asked, ended, done = by_name["_take"].body[-4:-1]
    assert ast.unparse(asked).startswith("refused = self._pair_refusal(")
    assert ast.unparse(ended) == "if refused is not None:\n    return refused"
    assert ast.unparse(done).startswith("self._change(")
    callers = {name for name, node in by_name.items() for call in calls(node) if method(call) in {"_arrive", "_shrink"}}
    assert callers == {"_change"}
    callers = {name for name, node in by_name.items() for call in calls(node) if method(call) == "_change"}
    assert callers == {"_take"}


@pytest.mark.parametrize("way", TOUCHES)
def test_an_account_is_touched_and_an_order_ended_nowhere_else(way: str) -> None:
    """What is reserved for an order is reserved, used and released at these places, or nowhere."""
    found = {(path, function.name) for path, function in functions() for call in calls(function) if method(call) == way}
    assert {each for each in found if "/aio/" not in each[0]} == TOUCHES[way]
