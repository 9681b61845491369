"""Planted bugs: each breaks one rule, in one place, and must be found within a stated number of seeds.

A simulation that finds nothing proves nothing unless it would have found something. Each canary replaces one function
(or one line of publish.lua) while a run lasts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from openoutcry import book_view
from openoutcry.events import StaleReason
from openoutcry.wire.messages import Reply
from openoutcry.wire.types import Code, ExecutionEvent
from services.gateway import fan_out, order_entry, replica
from services.gateway.aio import feed_reader
from services.matching import engine, idempotency, packet_builder
from services.matching.aio import command_reader, durability, leader, lease, publisher, takeover
from services.matching.aio.script import Script
from services.matching.book import order_book
from services.matching.recovery import checkpoint
from tests.simulation import faults, market, network, parts
from tests.simulation.parts import Patch


class Canary(NamedTuple):
    """A planted bug."""

    what: str
    seeds: int
    """It is found within so many seeds, counted from `first`."""
    patches: Callable[[], list[Patch]]
    only: tuple[str, ...] = ()
    """Faults that help to find it; all without any."""
    first: int = 1
    """The seed to begin with: rare ones are first looked for where they were found."""


def _instead(owner: Any, attribute: str, replacement: Callable[..., Any]) -> list[Patch]:
    """The replacement gets the original first, then the original's arguments."""
    original = getattr(owner, attribute)

    def replaced(*arguments: Any, **options: Any) -> Any:
        return replacement(original, *arguments, **options)

    return [(owner, attribute, replaced)]


def _script_without(*lines: tuple[str, str]) -> list[Patch]:
    source = publisher._SCRIPT._source
    for line, instead in lines:
        assert source.count(line) == 1, f"publish.lua has changed: {line!r}"
        source = source.replace(line, instead)
    return [(publisher, "_SCRIPT", Script(source))]


def _every(count: int) -> Callable[[], bool]:
    calls = 0

    def is_due() -> bool:
        nonlocal calls
        calls += 1
        return calls % count == 0

    return is_due


def _skip_a_delta() -> list[Patch]:
    is_due = _every(30)

    def apply(original: Any, self: Any, change: Any, time_us: int) -> bool:
        if is_due() and change.prev_seq == self.book.seq:
            change = change._replace(bids=[], asks=[], digest=self.book.digest)
        return bool(original(self, change, time_us))

    return _instead(replica.InstrumentReplica, "apply", apply)


def _drop_a_change() -> list[Patch]:
    is_due = _every(60)
    return _instead(packet_builder, "changes_of", lambda original, markets: original(markets)[1 if is_due() else 0 :])


def _acknowledge_before_publish() -> list[Patch]:
    def expire(original: Any, self: Any, now: float) -> Any:
        waiting = list(self._waiting.items())
        self._waiting.clear()
        return [(each.session, Reply(each.request.id, True, Code.OK, "", {"order_id": 1})) for _, each in waiting]

    return _instead(order_entry.OrderEntry, "expire", expire)


_COMPARISON: Final = "if last ~= predecessor then\n  local last_term"
"""In publish.lua, as are the lines below."""


def _append_without_comparing() -> list[Patch]:
    return _script_without((_COMPARISON, _COMPARISON.replace("last ~= predecessor", "false")))


def _store_though_refused() -> list[Patch]:
    early = "for value = 0, values - 1 do redis.call('SET', KEYS[5 + value], ARGV[first_value + value]) end\n"
    return _script_without((_COMPARISON, early + _COMPARISON))


def _apply_twice() -> list[Patch]:
    return [(idempotency.Sources, "advance", lambda self, source, number: True)]


def _forget_client_order_ids() -> list[Patch]:
    return [(idempotency.ClientOrderIds, "rows", lambda self, places: idempotency.OrderIdRows([], [], [], [], 0))]


def _trim_the_log_too_early() -> list[Patch]:
    return _script_without(("'MINID', '~', first_needed, 'LIMIT', slice)", "'MAXLEN', '~', 5)"))


def _trim_by_the_newest_checkpoint_only() -> list[Patch]:
    def next_checkpoint(original: Any, self: Any, staged: Any) -> Any:
        return original(self, staged)._replace(first_needed=staged.log_id)

    return _instead(leader.Leader, "_next_checkpoint", next_checkpoint)


def _keep_what_leads_elsewhere() -> list[Patch]:
    return _script_without(("redis.call('SET', previous, ARGV[#ARGV])", ""))


def _trim_the_feed_too_early() -> list[Patch]:
    return _script_without(("'MAXLEN', '~', feed_entries", "'MAXLEN', '~', 3"))


def _resume_onto_another_history() -> list[Patch]:
    def resume(original: Any, self: Any, subscriber: Any, key: Any, epoch: int, seq: int, digest: int) -> Any:
        instrument = self.market.instruments[key.instrument]
        seq = min(seq, instrument.book.seq)
        return original(self, subscriber, key, instrument.book.epoch, seq, instrument.history._digests.get(seq, digest))

    return _instead(fan_out.FanOut, "resume", resume)


def _term_from_the_counter_alone() -> list[Patch]:
    return [
        (lease, "TERM_STEP_MAX", 1),
        *_instead(lease.Lease, "take_term", lambda original, self, highest, random: original(self, 0, random)),
    ]


def _term_without_chance() -> list[Patch]:
    # Clocks so far apart that one engine's terms always follow the stored counter alone.
    return [(market, "CLOCK_SKEW_S", 60.0), (lease, "TERM_STEP_MAX", 1)]


def _term_not_above_the_clock() -> list[Patch]:
    """It is above the counter and all that were seen; what the store has forgotten of both may be taken again."""
    return [(takeover, "time", SimpleNamespace(time_ns=lambda: 0)), (lease, "TERM_STEP_MAX", 1)]


def _append_under_anothers_lease() -> list[Patch]:
    return _script_without(("if type(holder) == 'string' and holder ~= leader then", "if false then"))


def _lead_on_with_an_old_lease() -> list[Patch]:
    async def meet_store(original: Any, self: Any, publication: Any, store_id: str) -> None:
        self._lease_s = float("inf")
        await original(self, publication, store_id)

    return _instead(leader.Leader, "_meet_store", meet_store)


def _count_renewals_as_publications() -> list[Patch]:
    """A lease that a failover brought back can be renewed too: that says nothing of what was lost."""
    renewed: dict[str, float] = {}

    async def renew(original: Any, self: Any) -> bool:
        sent_at = time.monotonic()
        is_ours = await original(self)
        if is_ours:
            renewed[self._leader] = sent_at
        return bool(is_ours)

    async def meet_store(original: Any, self: Any, publication: Any, store_id: str) -> None:
        self._renewed_at = max(self._renewed_at, renewed.get(self._publisher._leader, 0.0))
        await original(self, publication, store_id)

    return [
        (faults, "CLOCK_SKEW_S", 8.0),
        *_instead(lease.Lease, "renew", renew),
        *_instead(leader.Leader, "_meet_store", meet_store),
    ]


def _heal_without_a_checkpoint() -> list[Patch]:
    def rewind(self: Any, publication: Any, log_id: str) -> None:
        self.engine.log_id = log_id
        self.rewound = True

    return [(leader.Leader, "_rewind", rewind)]


def _number_by_batches() -> list[Patch]:
    def take(original: Any, self: Any) -> Any:
        self.engine.position = min(self.engine.position, self._prev + 1)
        return original(self)

    return _instead(packet_builder.PacketBuilder, "_take", take)


def _keep_the_epoch() -> list[Patch]:
    async def make(original: Any, self: Any, candidate: Any) -> Any:
        return await original(self, candidate._replace(may_have_lost=not candidate.engine.position))

    return _instead(takeover.Takeover, "_leader", make)


def _ignore_the_epoch() -> list[Patch]:
    def apply(original: Any, self: Any, feed_id: Any, packet: Any, published_us: int, changes: Any) -> None:
        original(self, feed_id, packet._replace(epoch=self.epoch), published_us, changes)

    return _instead(replica.MarketReplica, "apply", apply)


def _never_look_back() -> list[Patch]:
    async def check_place(self: Any) -> None:
        pass

    return [(feed_reader.FeedReader, "_check_place", check_place)]


def _lose_the_queue() -> list[Patch]:
    def row(original: Any, found: Any) -> Any:
        *head, orders = original(found)
        return (*head, list(reversed(orders)))

    return _instead(checkpoint, "_market_row", row)


def _one_sided_trade() -> list[Patch]:
    is_due = _every(25)

    def execution(original: Any, self: Any, account: Any, event: Any, *arguments: Any, **options: Any) -> None:
        if event != ExecutionEvent.FILLED or not is_due():
            original(self, account, event, *arguments, **options)

    return _instead(engine.Engine, "execution", execution)


def _crossed_book() -> list[Patch]:
    is_due = _every(20)

    def match(original: Any, self: Any, *arguments: Any) -> bool:
        return True if is_due() else bool(original(self, *arguments))

    return _instead(order_book.OrderBook, "_match", match)


def _landed_is_done() -> list[Patch]:
    async def draw_consequences(original: Any, self: Any, publication: Any, answer: Any) -> bool:
        done = await original(self, publication, answer)
        return done or (answer.kind is publisher.StoreAnswer.AHEAD and not publication.entries)

    return _instead(leader.Leader, "_draw_consequences", draw_consequences)


def _read_on_after_a_failover() -> list[Patch]:
    def rewind(original: Any, self: Any, publication: Any, log_id: str) -> None:
        applied = self.engine.log_id
        original(self, publication, log_id)
        self.engine.log_id, self.rewound = applied, False

    return _instead(leader.Leader, "_rewind", rewind)


def _tell_before_it_is_durable() -> list[Patch]:
    async def secure(self: Any, position: int, store_id: str) -> None:
        pass

    return [(parts, "MATCHING", parts.DURABLE), (durability.DurabilityGate, "secure", secure)]


class _AnyStore(str):
    """A store's name that equals every other."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def _ask_another_store() -> list[Patch]:
    async def secure(original: Any, self: Any, position: int, store_id: str) -> None:
        await original(self, position, _AnyStore(store_id))

    return [
        (parts, "MATCHING", parts.DURABLE),
        *_stay_connected(),
        *_instead(durability.DurabilityGate, "secure", secure),
    ]


def _stay_connected() -> list[Patch]:
    async def hang_up(self: Any) -> None:
        pass

    async def begin_anew(self: Any, after: str) -> None:
        self.seek(after)

    return [
        (publisher.Publisher, "hang_up", hang_up),
        (command_reader.CommandReader, "begin_anew", begin_anew),
    ]


def _stay_at_the_former_primary() -> list[Patch]:
    return [(parts, "MATCHING", parts.DURABLE), *_stay_connected()]


def _believe_damaged_frames() -> list[Patch]:
    def broken(original: Any, self: Any, reason: Any) -> Any:
        return self._verify(changes=1) if reason is StaleReason.CORRUPT else original(self, reason)

    # Most damage breaks the frame and so the connection: it takes much of it to find levels alone.
    much: list[Patch] = [(faults, "INTERVAL_S", (0.05, 0.4)), (network, "DAMAGED_SHARE", 0.3)]
    return _instead(book_view.BookView, "_break", broken) + much


_BEYOND: Final = ("rollback beyond a whole term",)
_BEYOND_OR_CRASH: Final = ("rollback beyond a whole term", "crash of an engine")
_TWO_STORES: Final = ("two stores", "crash of an engine", "reset of connections")
_HISTORIES: Final = ("disconnected user", "rollback, all engines dead")
_LOST_ANSWERS: Final = ("lost answer of a publication", "crash of an engine")
_FAILOVERS: Final = ("rollback of the store", "rollback, all engines dead", "disconnected user", "crash of a gateway")

CANARIES: Final = (
    Canary("a gateway skips a delta", 3, _skip_a_delta),
    Canary("the engine drops a change from a packet", 3, _drop_a_change),
    Canary("acknowledge before publish", 2, _acknowledge_before_publish),
    Canary("append without comparing", 10, _append_without_comparing, first=3),
    Canary("store values though the append was refused", 10, _store_though_refused, first=3),
    Canary("apply a command twice", 3, _apply_twice),
    Canary("client order ids are not in the checkpoint", 10, _forget_client_order_ids),
    Canary("trim the command log before the checkpoint", 2, _trim_the_log_too_early),
    Canary("trim the command log by the newest checkpoint only", 3, _trim_by_the_newest_checkpoint_only),
    Canary("keep an older checkpoint when the store has lost commands", 10, _keep_what_leads_elsewhere),
    Canary("trim the feed before the cover", 3, _trim_the_feed_too_early),
    Canary("resume onto another history", 25, _resume_onto_another_history, _HISTORIES, 46),
    Canary("the term is the counter alone", 10, _term_from_the_counter_alone),
    Canary("the term is above what is known and not above the clock", 10, _term_not_above_the_clock),
    Canary("append while another holds the lease", 20, _append_under_anothers_lease, (faults.HALF_ASLEEP,)),
    Canary("the term is drawn without chance", 10, _term_without_chance, _BEYOND_OR_CRASH, 8),
    Canary("lead on after a failover with an old lease", 10, _lead_on_with_an_old_lease, _BEYOND),
    Canary("a lease renewed counts as a packet published", 30, _count_renewals_as_publications, _BEYOND, 14),
    Canary("heal without a checkpoint", 10, _heal_without_a_checkpoint),
    Canary("acknowledge before it is durable", 10, _tell_before_it_is_durable),
    Canary("acknowledge before replicas have it, in one store of two", 20, _tell_before_it_is_durable, _TWO_STORES, 14),
    Canary("ask any store whether commands are durable", 30, _ask_another_store, _TWO_STORES),
    Canary("an engine stays connected to a former primary", 40, _stay_at_the_former_primary, _TWO_STORES, 8),
    Canary("a client believes a book of another digest", 20, _believe_damaged_frames, ("damaged frames",)),
    Canary("number by batches", 3, _number_by_batches),
    Canary("keep the epoch though something may be lost", 10, _keep_the_epoch),
    Canary("a gateway does not look at the epoch", 10, _ignore_the_epoch),
    Canary("a gateway never sees that the log went back", 25, _never_look_back, _BEYOND, 13),
    Canary("checkpoints lose the order of the queue", 10, _lose_the_queue, first=6),
    Canary("an order rests though it crosses", 3, _crossed_book),
    Canary("a trade is told to one side", 3, _one_sided_trade),
    Canary("a packet found landed counts as stored", 20, _landed_is_done, _LOST_ANSWERS),
    Canary("the log is not read again after a failover", 25, _read_on_after_a_failover, _FAILOVERS, 6),
)
