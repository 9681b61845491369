"""The version of the market's rules, in the log: from which command on which rules hold.

An engine of a later release applies what stands before in the log by the rules of then, so that every release makes the
same of the same log; whatever it does otherwise asks `Engine.version`. One of an earlier release stops where a version
begins that it does not know: it cannot follow any more, and must not go on by other rules.
"""

from __future__ import annotations

from typing import Final, NamedTuple

ENGINE_VERSION: Final = 1
"""Of this release. It grows with every change by which the same commands lead to other events, and with every kind of
command that engines of before would pass over."""


class BeginVersion(NamedTuple):
    """From now on the rules of this version hold. A leader appends it before all else, if it knows a later one."""

    source: str
    number: int
    version: int
