"""The error that a task group's errors began with."""

from __future__ import annotations


def first_error(error: BaseException) -> BaseException:
    """Return the first leaf of a group of groups, or what is no group itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
