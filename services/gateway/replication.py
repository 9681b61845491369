"""What a store says of its replication, and whether a replica serves for reading the feed."""

from __future__ import annotations

from typing import NamedTuple


class Replication(NamedTuple):
    """A server's part in its store, by `INFO replication`."""

    is_primary: bool
    store_id: str
    """Of the history that it holds: equal at a primary and those that follow it (`master_replid`)."""
    offset: int
    """How far it is in that history, bytes."""
    is_linked: bool
    """Whether a replica is connected with its primary; a primary is."""


def read_replication(info: bytes) -> Replication:
    """
    Read the answer to `INFO replication`.

    Raises:
        ValueError: If it is none.
    """
    fields = dict(line.split(":", 1) for line in info.decode("ascii", "replace").splitlines() if ":" in line)
    try:
        is_primary = {"master": True, "slave": False}[fields["role"]]
        offset = int(fields["master_repl_offset" if is_primary else "slave_repl_offset"])
        is_linked = is_primary or fields["master_link_status"] == "up"
        return Replication(is_primary, fields["master_replid"], offset, is_linked)
    except (KeyError, ValueError):
        raise ValueError("this is no answer to INFO replication") from None


def replica_fault(replica: Replication, primary: Replication, before: Replication | None) -> str:
    """
    Return why the feed may not be read from a replica now; "" if it may.

    Args:
        replica: What it says.
        primary: What the server says that commands go to.
        before: What that server said some time ago, which is how far behind a replica may be; None: not known yet.
    """
    if replica.store_id != primary.store_id:
        return "it holds another store, or follows another primary" if not replica.is_primary else "it is another store"
    if replica.is_primary:
        return ""  # the same server by two names
    if not replica.is_linked:
        return "it has lost its primary"
    if before is None or before.store_id != primary.store_id:
        return "how far it is behind is not known yet"
    return "it is too far behind" if replica.offset < before.offset else ""
