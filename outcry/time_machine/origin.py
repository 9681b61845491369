"""The beginning of a market as a mark: an engine that has applied nothing, where the record has every command.

A ledger that was there from the first command on needs no mark of the store to begin with. The settings that are in no
log, such as how many orders a user may have open, are those of the first mark that the ledger has.
"""

from __future__ import annotations

from typing import Final

from services.matching.engine import Engine
from services.matching.floor import EngineConfig
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint

ORIGIN: Final = 0
"""Its position."""


def origin_data(shard: int, epoch: int, config: EngineConfig | None) -> bytes:
    """
    Return the checkpoint of a market before its first command.

    Args:
        shard: The market's.
        epoch: Of its first history.
        config: Of its first leader, as far as it is known.
    """
    engine = Engine(config)
    engine.begin_epoch(epoch)
    return encode_checkpoint(Checkpoint(engine, -1, "", shard))
