"""All checks with what they do.

A check is a coroutine function under the decorator `check`; the first line of its docstring is the sentence that it
proves, word for word as it stands in docs/protocol.md under the heading named. A unit test holds the two together.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from outcry.conformance.check import Check

if TYPE_CHECKING:
    from outcry.conformance.aio.trial import Trial

SECONDS: Final = 10.0
"""Default deadline of a check: several times what it takes on a busy machine."""

Body: TypeAlias = "Callable[[Trial], Awaitable[str | None]]"
"""What a check does; it returns what it saw, if that is of interest."""

_BODIES: Final[dict[Check, Body]] = {}


def check(
    section: str, *, users: int = 1, gateways: int = 1, seconds: float = SECONDS, contended: bool = False
) -> Callable[[Body], Body]:
    """
    Register a check.

    Args:
        section: Heading in docs/protocol.md.
        users: How many users it needs for itself.
        gateways: How many addresses of the same exchange it needs.
        seconds: Its deadline, for each attempt.
        contended: Whether it trades at a price of its own.
    """

    def register(body: Body) -> Body:
        module = body.__module__.rpartition(".")[2]
        sentence = (inspect.getdoc(body) or "").partition("\n")[0]
        name = f"{module}.{body.__name__}"
        assert sentence, f"{name} must quote the sentence that it proves"
        assert all(name != known.name for known in _BODIES), f"{name} is registered twice"
        _BODIES[Check(name, section, sentence, seconds, users, gateways, contended)] = body
        return body

    return register


def registered_by(module: str) -> list[Check]:
    """Return the checks of a module, in the order they stand there."""
    return [check for check, body in _BODIES.items() if body.__module__ == module]


def body_of(known: Check) -> Body:
    """Return what a check does."""
    return _BODIES[known]
