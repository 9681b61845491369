"""What processes use, with their children: CPU so far, and memory of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import psutil

from outcry.stack.aio.child import Child


class Used(NamedTuple):
    """CPU seconds."""

    user_s: float
    system_s: float

    def since(self, before: Used) -> Used:
        """Return what was used since an earlier look."""
        return Used(self.user_s - before.user_s, self.system_s - before.system_s)

    @property
    def total_s(self) -> float:
        """User and system."""
        return self.user_s + self.system_s


def cpu_used(children: Iterable[Child]) -> Used:
    """Return what processes and their children have used so far."""
    times = [process.cpu_times() for process in _with_children(children)]
    return Used(sum(each.user for each in times), sum(each.system for each in times))


def memory_bytes(children: Iterable[Child]) -> int:
    """Return the memory of processes and their children; pages that several share count once (PSS)."""
    return sum(process.memory_full_info().pss for process in _with_children(children))


def _with_children(children: Iterable[Child]) -> Iterator[psutil.Process]:
    for child in children:
        process = psutil.Process(child.pid)
        yield process
        yield from process.children(recursive=True)
