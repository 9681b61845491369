"""The error that a task group's errors began with."""

from __future__ import annotations


def first_error(error: BaseException) -> BaseException:
    """Return the first leaf of a group of groups, or what is no group itself."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def first_of(kind: type[BaseException], group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first leaf of a group whose errors are all of a kind; of any other the group, for its traceback."""
    _, others = group.split(kind)
    return first_error(group) if others is None else group
