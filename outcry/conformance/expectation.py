"""The outcomes of a check, and its message when a server differs from the document.

A check passes by returning, with a word on what was seen if that is of interest. It fails by raising `Failed`. It is
left out by raising `Skipped`, when this server cannot be brought to show what is to be proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code

SHOWN_CHARACTERS_MAX: Final = 200
"""Of a value in a reason; the rest is cut."""

T = TypeVar("T")


class Failed(Exception):
    """The server is not as the document says; the text says what was wanted and what was seen."""


class Skipped(Exception):
    """It cannot be proven here; the text says why."""


def expect(is_so: object, otherwise: str) -> None:
    """
    Go on if it is so.

    Raises:
        Failed: With the text, if not.
    """
    if not is_so:
        raise Failed(otherwise)


def expect_equal(seen: object, wanted: object, what: str) -> None:
    """
    Go on if what was seen is what was wanted.

    Raises:
        Failed: Names both, if not.
    """
    if seen != wanted:
        raise Failed(f"{what}: wanted {shown(wanted)}, saw {shown(seen)}")


def expect_one_of(seen: T, wanted: Sequence[T], what: str) -> None:
    """
    Go on if what was seen is one of these.

    Raises:
        Failed: Names all, if not.
    """
    if seen not in wanted:
        raise Failed(f"{what}: wanted one of {shown(list(wanted))}, saw {shown(seen)}")


def expect_ok(reply: Reply) -> None:
    """
    Go on if a request was accepted, without a code.

    Raises:
        Failed: With the refusal, if not.
    """
    if not reply.ok or reply.code:
        raise Failed(f"the request was refused: {reply.code}: {shown(reply.text)}")


def expect_refused(reply: Reply, code: Code, names: str = "") -> None:
    """
    Go on if a request was refused for this reason, in a sentence that names what is wrong.

    Args:
        reply: The answer.
        code: That it must have.
        names: Word that its text must contain: the field.

    Raises:
        Failed: If it was accepted, or refused otherwise.
    """
    if reply.ok:
        raise Failed(f"wanted the refusal {code}{names and f' naming {names}'}; the request was accepted")
    if reply.code != code:
        raise Failed(f"wanted the refusal {code}, saw {reply.code}: {shown(reply.text)}")
    if names not in reply.text or not reply.text:
        raise Failed(f"the text of {code} does not name {names or 'anything'}: {shown(reply.text)}")


def shown(value: object) -> str:
    """Return a value for people, cut at SHOWN_CHARACTERS_MAX."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[: SHOWN_CHARACTERS_MAX - 1] + "…"
