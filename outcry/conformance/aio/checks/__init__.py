"""The checks, a module a subject. Importing this registers them all."""

from typing import Final

from outcry.conformance.aio.checks import (
    absence,
    accounts,
    administration,
    books,
    channels,
    connection,
    encodings,
    exercises,
    fairness,
    frames,
    lagging,
    limits,
    messages,
    orders,
    queues,
    quotes,
    requests,
    resume,
    rules,
    special_orders,
    tokens,
)
from outcry.conformance.aio.registry import registered_by
from outcry.conformance.check import Check

_MODULES: Final = (
    connection,
    tokens,
    frames,
    messages,
    encodings,
    requests,
    channels,
    books,
    resume,
    lagging,
    orders,
    special_orders,
    queues,
    quotes,
    exercises,
    accounts,
    absence,
    administration,
    rules,
    fairness,
    limits,
)


def all_checks() -> list[Check]:
    """Return every check, in the order of the document's subjects."""
    return [check for module in _MODULES for check in registered_by(module.__name__)]
