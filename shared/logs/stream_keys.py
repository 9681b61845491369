"""Every Redis key and field name, in one place.

Keys of a shard carry its hash tag, so that a Redis Cluster keeps them on one node and one Lua script may touch them
all. Gateways write `commands` and `audit` alone, the ledger `ledger`; the engine alone writes the rest.
"""

from __future__ import annotations

from typing import Final

COMMANDS_FIELD: Final = b"c"
"""Field of a command log entry: msgpack, an array of one or more commands (`shared.logs.commands`)."""
PACKET_FIELD: Final = b"p"
"""Field of a feed entry: the packet (`shared.logs.packet`), deterministic."""
PUBLISHED_FIELD: Final = b"t"
"""Field of a feed entry: when the engine published it, µs since 1970 in decimal; a measurement."""


class StreamKeys:
    """The keys of one shard."""

    def __init__(self, shard: int = 0) -> None:
        prefix = f"oo:{{{shard}}}:"
        self.prefix: Final = prefix
        self.shard: Final = shard
        self.commands: Final = prefix + "commands"
        """Stream, automatic ids: commands in arrival order; an id's milliseconds are the time."""
        self.feed: Final = prefix + "feed"
        """Stream, explicit ids `<term>-<position>`: packets."""
        self.lease: Final = prefix + "lease"
        """String with a time to live: who leads."""
        self.term: Final = prefix + "term"
        """Counter: the last term taken."""
        self.secured: Final = prefix + "secured"
        """Position up to which commands are known to be durable; only where that is asked for."""
        self.appended: Final = prefix + "appended"
        """Feed id that was in the feed when this was written, outside of any transaction; ids in the feed reach beyond
        it, unless a start of the store dropped transactions."""
        self.probe: Final = prefix + "probe"
        """Written to time the store's sync; short-lived."""
        self.checkpoint: Final = prefix + "checkpoint"
        """The engine's state at a position, the newest one."""
        self.previous_checkpoint: Final = prefix + "checkpoint:previous"
        """The one before it, for when the newest cannot be read."""
        self.accounts: Final = prefix + "accounts"
        """All accounts at a position, for gateways (`openoutcry.wire.account`)."""
        self.listing: Final = prefix + "listing"
        """All instruments' definitions, for gateways (`shared.logs.snapshots`)."""
        self.cover: Final = prefix + "cover"
        """Feed id from which a reader of the snapshots must go on: every packet up to it is in them."""

        self.ledger: Final = prefix + "ledger"
        """How far the ledger has written, for the trimming of both logs (`shared.logs.ledger_place`)."""

        self.audit: Final = prefix + "audit"
        """Stream of refused logins and permissions, for the ledger (`shared.logs.refused_access`)."""

    def staged(self, key: str, name: str) -> str:
        """Where a value that is too large for one call is gathered, before it becomes `key`'s; short-lived."""
        return f"{key}:staged:{name}"

    def snapshot(self, instrument: str) -> str:
        """The key of an instrument's latest book snapshot (`shared.logs.snapshots`)."""
        return f"{self.prefix}snapshot:{instrument}"
