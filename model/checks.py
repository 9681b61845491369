"""What is to be checked of the two models: which must hold, and which must fail once a rule is left out.

Owns the list; leaves running spin to `run`. A scope says how often each kind of fault may strike: spin looks at every
order in which they can. Scopes are chosen so that all of it together takes a few minutes on one core.
"""

from __future__ import annotations

from typing import Final, NamedTuple

Scope = dict[str, int]

PUBLISHING: Final = "publishing"
DISTRIBUTION: Final = "distribution"

PROPERTIES: Final = {
    "all": "S1-S7, whichever the model has",
    "S1": "a client that is not marked stale has the engine's book at (epoch, seq)",
    "S2": "nothing that was in the feed is missing later, except when the epoch changed",
    "S3": "terms do not interleave, a term names one leader, each packet continues the one before it",
    "S4": "no command is applied twice",
    "S5": "whoever joins by the stored snapshots and reads on after the cover misses nothing",
    "S6": "what is stored leads to where the feed ends: an engine can always be recovered",
    "S7": "the epoch changes only if something may have been lost",
    "L1": "when faults end, all converge for good",
}


class Check(NamedTuple):
    """One run of spin."""

    name: str
    """What is left out, in short; the same name may stand for several properties."""
    model: str
    shows: str
    """A key of PROPERTIES."""
    removed: str
    """The rule left out, as a reader would say it; empty for the protocol as it is."""
    flags: tuple[str, ...]
    """What leaves the rule out of the model."""
    holds: bool
    """Whether the property must hold; else it must fail."""
    scope: Scope
    is_quick: bool = False
    """Whether it belongs to the subset that takes seconds."""


# How often each fault may strike in publishing.pml (those not named: once each; commands: three).
_EACH_ONCE: Final = {"COMMANDS": 2}
_CERTAIN: Final = {"COMMANDS": 2, "REPEATS": 0, "LOST_ANSWERS": 0}
_NO_REPEATS: Final = {"COMMANDS": 2, "REPEATS": 0}
# And in distribution.pml (those not named: once each; changes: two).
_ONE_CHANGE: Final = {"CHANGES": 1, "TAKEOVERS": 0}
_STORE: Final = {"TAKEOVERS": 0, "GATEWAY_CRASHES": 0, "REPEATED_FRAMES": 0, "LOST_FRAMES": 0}
_WIRE: Final = {"ROLLBACKS": 0}
_ENGINES: Final = {"GATEWAY_CRASHES": 0, "REPEATED_FRAMES": 0, "LOST_FRAMES": 0, "WRONG_BOOKS": 0}
_MIXED: Final = {"TAKEOVERS": 0, "REPEATED_FRAMES": 0}
_CALM_WIRE: Final = {**_ENGINES, "DISCONNECTS": 0}


def _holds(model: str, shows: str, scope: Scope, removed: str = "", *flags: str, quick: bool = False) -> Check:
    return Check(flags[0] if flags else "", model, shows, removed, flags, holds=True, scope=scope, is_quick=quick)


def _fails(model: str, shows: str, scope: Scope, removed: str, *flags: str, quick: bool = False) -> Check:
    return Check(flags[0], model, shows, removed, flags, holds=False, scope=scope, is_quick=quick)


CHECKS: Final = (
    # The protocol as it is.
    _holds(PUBLISHING, "all", _EACH_ONCE),
    _holds(PUBLISHING, "all", {"COMMANDS": 3, "REPEATS": 0, "LOST_ANSWERS": 0}),
    _holds(PUBLISHING, "all", {**_CERTAIN, "ROLLBACKS": 2}),
    _holds(PUBLISHING, "all", {**_CERTAIN, "FREEZES": 2}),
    _holds(PUBLISHING, "all", _CERTAIN, quick=True),
    _holds(PUBLISHING, "L1", _CERTAIN),
    _holds(PUBLISHING, "L1", {**_NO_REPEATS, "CRASHES": 0}),
    _holds(DISTRIBUTION, "all", {**_ENGINES, "CHANGES": 1}, quick=True),
    _holds(DISTRIBUTION, "all", _ONE_CHANGE),
    _holds(DISTRIBUTION, "all", _STORE),
    _holds(DISTRIBUTION, "all", _WIRE),
    _holds(DISTRIBUTION, "all", _ENGINES),
    _holds(DISTRIBUTION, "L1", {**_ENGINES, "CHANGES": 1, "DISCONNECTS": 0}),
    _holds(DISTRIBUTION, "L1", {**_STORE, "CHANGES": 1, "LOST_FRAMES": 1, "WRONG_BOOKS": 0}),
    _holds(DISTRIBUTION, "L1", {**_WIRE, "TAKEOVERS": 0, "DISCONNECTS": 0, "REPEATED_FRAMES": 0}),
    # A rule is left out, and another one stands behind it.
    _holds(
        PUBLISHING, "all", {**_NO_REPEATS, "ROLLBACKS": 0}, "the lease (the store never rolls back)", "NO_LEASE_CHECK"
    ),
    _holds(DISTRIBUTION, "S1", _WIRE, "the client's look at prev_seq (the digest remains)", "NO_PREV_CHECK"),
    _holds(DISTRIBUTION, "S1", _WIRE, "the client's digest (prev_seq remains)", "NO_DIGEST"),
    # A rule is left out, and it shows.
    _fails(PUBLISHING, "S2", _NO_REPEATS, "compare before append (ids still ascend)", "NO_COMPARE"),
    _fails(PUBLISHING, "S3", _NO_REPEATS, "compare before append (ids still ascend)", "NO_COMPARE"),
    _fails(PUBLISHING, "S3", _NO_REPEATS, "compare and ascending ids", "NO_COMPARE", "NO_ORDERED_IDS"),
    _fails(PUBLISHING, "S4", _EACH_ONCE, "a writer's number counts once", "NO_IDEMPOTENCE", quick=True),
    _fails(PUBLISHING, "S3", _NO_REPEATS, "the term is above all seen: the counter alone", "TERM_FROM_COUNTER"),
    _fails(PUBLISHING, "S3", _NO_REPEATS, "the term is above the clock: counter and feed alone", "TERM_WITHOUT_CLOCK"),
    _fails(PUBLISHING, "S2", _NO_REPEATS, "meeting another store with an old lease, exit", "NO_RENEWAL_CHECK"),
    _fails(PUBLISHING, "S2", _NO_REPEATS, "the lease in the script (the store may roll back)", "NO_LEASE_CHECK"),
    _fails(PUBLISHING, "S2", _NO_REPEATS, "another store and no witness: a new epoch", "NO_EPOCH", quick=True),
    _fails(PUBLISHING, "S6", _NO_REPEATS, "healing stores a checkpoint", "NO_HEAL_CHECKPOINT", quick=True),
    _fails(PUBLISHING, "S6", _NO_REPEATS, "values are stored only after an append", "STORE_ALWAYS"),
    _fails(PUBLISHING, "S6", _NO_REPEATS, "the log is trimmed behind the checkpoint", "TRIM_WHAT_IS_READ"),
    _fails(
        PUBLISHING, "S7", _NO_REPEATS, "a checkpoint names the store it is written to", "CHECKPOINT_NAMES_OLD_STORE"
    ),
    _fails(PUBLISHING, "S5", _NO_REPEATS, "a packet found landed: values are sent again", "RECOGNISED_IS_DONE"),
    _fails(PUBLISHING, "S7", _NO_REPEATS, "a packet found landed: values are sent again", "RECOGNISED_IS_DONE"),
    _fails(PUBLISHING, "S2", _NO_REPEATS, "a packet found landed: the lease is renewed", "RECOGNISED_IS_DONE"),
    _fails(PUBLISHING, "L1", _CERTAIN, "meeting another store, read the log again", "NO_REWIND"),
    _fails(DISTRIBUTION, "S1", _MIXED, "the client's prev_seq and digest", "NO_PREV_CHECK", "NO_DIGEST"),
    _fails(DISTRIBUTION, "S1", _MIXED, "resume compares the digest", "RESUME_WITHOUT_DIGEST", quick=True),
    _fails(DISTRIBUTION, "S1", _MIXED, "resume compares the epoch", "RESUME_WITHOUT_EPOCH"),
    _fails(DISTRIBUTION, "S1", _MIXED, "a gateway looks at the packet's epoch", "NO_EPOCH_CHECK"),
    _fails(DISTRIBUTION, "S1", _MIXED, "a gateway looks at prev and digest", "GATEWAY_IS_BLIND"),
    _fails(DISTRIBUTION, "S1", _MIXED, "a history that broke is sent as a snapshot", "NO_RESTART"),
    _fails(DISTRIBUTION, "S1", _MIXED, "a living connection loses no snapshot (TCP)", "LOSE_SNAPSHOTS"),
    _fails(DISTRIBUTION, "S5", _MIXED, "the feed is trimmed behind the cover", "TRIM_BEYOND_COVER", quick=True),
    _fails(
        DISTRIBUTION, "L1", {**_CALM_WIRE, "CHANGES": 1}, "a gateway sees a log that went back", "NO_BACKWARDS_CHECK"
    ),
    _fails(
        DISTRIBUTION,
        "L1",
        {**_CALM_WIRE, "CHANGES": 1, "LOST_FRAMES": 1},
        "heartbeats name the last seq",
        "NO_HEARTBEAT",
        quick=True,
    ),
    _fails(DISTRIBUTION, "L1", {**_CALM_WIRE, "CHANGES": 1}, "a gateway looks at the packet's epoch", "NO_EPOCH_CHECK"),
    _fails(
        DISTRIBUTION, "L1", {**_CALM_WIRE, "CHANGES": 1}, "a history that broke is sent as a snapshot", "NO_RESTART"
    ),
)
