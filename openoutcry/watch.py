"""The door of `outcry watch`; the drawing is in `ladder`, the rest in `aio.watch`."""

from __future__ import annotations

from openoutcry.aio.watch import watch

__all__ = ["watch"]
