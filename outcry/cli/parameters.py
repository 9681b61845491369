"""Flags that several commands have, with one wording."""

from __future__ import annotations

from typing import Annotated

import typer

from openoutcry.wire.errors import ConfigurationError

RedisUrl = Annotated[
    str | None,
    typer.Option(envvar="OUTCRY_REDIS_URL", help="A running Redis or Valkey, such as redis://127.0.0.1:6379/0; "
                 "without it, one is started for the occasion."),
]  # fmt: skip
Seed = Annotated[int, typer.Option(help="Seed of what the bots do: the same seed trades the same.")]
Engines = Annotated[int, typer.Option(help="Matching engines: one leads, the others stand by.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs, one line.")]
Speed = Annotated[str, typer.Option(help="How many times faster than it happened, or `max`.")]


def read_speed(text: str) -> float | None:
    """
    Read a multiple of real time; None for `max`.

    Raises:
        ConfigurationError: It is neither.
    """
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ConfigurationError(f"--speed must be a number above 0, or max, not {text!r}")
    return speed
