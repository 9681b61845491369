"""The package's front: every type that a user meets has its name there, and `help` is a page worth reading."""

from __future__ import annotations

import inspect
import pickle
import pydoc
import re
import types
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest

import openoutcry
from openoutcry.aio.book import BookUpdate
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import OpenOrder, Reply, Status, Ticker, Trade
from openoutcry.wire.types import Code, MarketState, OrderKind, Side, TimeInForce

PUBLIC = {name: getattr(openoutcry, name) for name in openoutcry.__all__}
CLASSES = {name: value for name, value in PUBLIC.items() if inspect.isclass(value)}
MADE_BY_USERS = (openoutcry.connect, *(each for each in CLASSES.values() if issubclass(each, Exception)))
"""Of all other classes users get objects, and do not call the constructor."""
OURS = ("openoutcry", "shared", "services")


def _callables(kind: type[Any]) -> Iterator[Any]:
    for name, member in inspect.getmembers_static(kind):
        if name.startswith("_") and not (name == "__init__" and kind in MADE_BY_USERS) and name != "__aiter__":
            continue
        if isinstance(member, property):
            yield member.fget
        elif isinstance(member, classmethod | staticmethod):
            yield member.__func__
        elif inspect.isfunction(member):
            yield member


def _mentioned(hint: Any) -> Iterator[type[Any]]:
    if inspect.isclass(hint) and hint.__module__.split(".")[0] in OURS:
        yield hint
    for inner in get_args(hint):
        yield from _mentioned(inner)
    origin = getattr(hint, "__origin__", None)
    if inspect.isclass(origin) and origin.__module__.split(".")[0] in OURS:
        yield origin


def _hints(kind: type[Any]) -> Iterator[Any]:
    yield from get_type_hints(kind).values()
    for function in _callables(kind):
        if not (function.__doc__ or "").rstrip().endswith("called by the market."):
            yield from get_type_hints(function).values()


def test_every_type_in_a_public_signature_is_exported() -> None:
    missing = {
        f"{found.__name__} (by {name})"
        for name, kind in CLASSES.items()
        for hint in _hints(kind)
        for found in _mentioned(hint)
        if found not in CLASSES.values()
    }
    assert missing == set()


def test_names_are_sorted_and_there() -> None:
    assert openoutcry.__all__ == sorted(openoutcry.__all__)
    assert all(not isinstance(value, types.ModuleType) for value in PUBLIC.values())


def test_help_names_every_public_thing() -> None:
    """In its first page, by what one does with it; what follows is pydoc's own."""
    page = inspect.getdoc(openoutcry) or ""
    missing = [name for name in openoutcry.__all__ if not re.search(rf"\b{name}\b", page)]
    assert missing == []
    assert max(map(len, page.splitlines())) <= 105
    assert "async with" in pydoc.plain(pydoc.render_doc(openoutcry))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_public_class_says_what_it_is(name: str) -> None:
    """Named tuples and enumerations have a docstring of their own, not their field list."""
    doc = CLASSES[name].__doc__ or ""
    assert len(doc.split()) >= 3, doc
    assert not doc.startswith(f"{name}("), doc


VALUES: list[Any] = [
    Trade("ACME", 1, 1, 0, 100, 5, Side.BID),
    Status("ACME", MarketState.OPEN, "", 0),
    Ticker("ACME", *range(11)),
    OpenOrder(1, "mine", "ACME", Side.BID, OrderKind.LIMIT, TimeInForce.GTC, 100, 5, 3),
    Reply(1, True, Code.OK, "", {"order_id": 1}),
    Instrument("ACME"),
    BookUpdate(1, 2, 1, openoutcry.StaleReason.GAP),
    openoutcry.Missing(1, 2),
    openoutcry.Encoding.JSON,
    openoutcry.StaleReason.GAP,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_survive_pickling_and_show_their_fields(value: Any) -> None:
    other = pickle.loads(pickle.dumps(value))
    assert other == value
    assert type(other) is type(value)
    assert type(value).__name__ in repr(value)
