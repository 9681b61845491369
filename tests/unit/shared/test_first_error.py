"""The error that a task group's errors began with."""

from __future__ import annotations

from openoutcry.wire.errors import OpenOutcryError
from shared.aio.first_error import first_error, first_of

OURS, THEIRS = OpenOutcryError("ours"), ValueError("theirs")


def test_the_first_leaf_whatever_it_is() -> None:
    assert first_error(THEIRS) is THEIRS
    assert first_error(BaseExceptionGroup("", [BaseExceptionGroup("", [THEIRS]), OURS])) is THEIRS


def test_one_that_is_not_ours_is_shown_with_all_of_its_group() -> None:
    """It is a fault of the program: its traceback must not be lost behind one of the store's errors."""
    group = BaseExceptionGroup("", [OURS, BaseExceptionGroup("", [THEIRS])])
    assert first_of(OpenOutcryError, group) is group
    assert first_of(OpenOutcryError, BaseExceptionGroup("", [BaseExceptionGroup("", [OURS])])) is OURS
