"""The garbage collector while a market is replayed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

COLLECTOR_THRESHOLDS: Final = (50_000, 10_000, 1_000)
"""An engine is many objects that live long and form no circles: the young are looked at, the others nearly never.
Walking through all of them again and again took a quarter of a replay."""


@contextmanager
def patient_collector() -> Iterator[None]:
    """Have the process collect its garbage as a replay does, and afterwards as before."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
