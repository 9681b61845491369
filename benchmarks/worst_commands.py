"""`python -m benchmarks.worst_commands`: the most expensive valid command and request of each kind, and what it costs.

While the engine carries one command out, or a gateway one request, everybody waits. So each kind is made as expensive
as its limits allow, and the time of the whole step is taken: for a command the engine's work and its packet, for a
request the gateway's work and the frames. Books, users and queues are as large as stated, and larger than what the
limits let one command touch.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from random import Random
from typing import Final

from benchmarks.command import progress, run
from benchmarks.measure import Effort, Spread, in_new_process, spread
from benchmarks.pit import DEEP, DEEPEST, MID, ORDERS_A_USER, SYMBOL, Case, Pit
from benchmarks.table import Table
from benchmarks.worst_administration import ADMINISTRATION
from benchmarks.worst_options import OPTIONS
from benchmarks.worst_requests import REQUESTS, House
from benchmarks.worst_sessions import SESSIONS
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.quoted_pair import PAIRS_MAX, QuotedPair
from openoutcry.wire.types import MarketState, OrderKind, SelfTradePrevention, Side, TimeInForce
from services.matching.book.book_side import DEAD_KEPT_MAX
from services.matching.book.order_book import INDICATIVE_LEVELS_MAX, ORDERS_MET_MAX
from services.matching.book.stop_book import STOPS_MAX
from services.matching.engine import CANCELS_PER_TICK_MAX, SIGN_AGE_TICKS
from services.matching.floor import SWEPT_MAX
from services.matching.idempotency import FORGOTTEN_PER_TICK_MAX, WINDOW_S
from services.matching.recovery.checkpoint import Checkpoint, encode_checkpoint
from services.matching.recovery.snapshot_schedule import LEVELS_PER_PACKET_MAX
from services.matching.sessions.phases import UNCROSSED_MAX
from services.matching.special_orders.waiting_orders import ELECTED_MAX
from shared.logs.commands import (
    PRESENT_USERS_MAX,
    CancelAll,
    CancelOrder,
    Command,
    ListInstrument,
    PassTime,
    PlaceSpecial,
    Present,
    ReplaceOrder,
    SetCancelOnDisconnect,
    SetMarketState,
    Tick,
)
from shared.logs.engine_version import ENGINE_VERSION, BeginVersion
from shared.logs.mass_quote import MassQuote
from shared.logs.session_commands import STEPS_MAX, EndCall, ScheduledStep, SetSchedule
from shared.logs.snapshots import encode_book_state

STALL_US_MAX: Final = 20_000
"""What nobody's command may make others wait."""
RUNS_MAX: Final = 5
TINY_SHARE: Final = 0.02


def _rests(pit: Pit) -> Callable[[], object]:
    pit.asks(pit.size(DEEP))
    return pit.step(pit.place("user", Side.BID, MID - 1))


def _sweeps(time_in_force: TimeInForce, lots: int) -> Case:
    def case(pit: Pit) -> Callable[[], object]:
        pit.asks(pit.size(DEEP))
        return pit.step(pit.place("user", Side.BID, MID + DEEP, pit.size(lots), time_in_force=time_in_force))

    return case


def _unfillable(asked_before: int, levels: int = DEEP) -> Case:
    def case(pit: Pit) -> Callable[[], object]:
        count = pit.size(levels)
        pit.asks(count)
        for _ in range(asked_before):
            pit.rest("user", Side.BID, MID + count, count + 1, time_in_force=TimeInForce.FOK)
        return pit.step(pit.place("user", Side.BID, MID + count, count + 1, time_in_force=TimeInForce.FOK))

    return case


def _behind_a_queue(pit: Pit) -> Callable[[], object]:
    count = pit.size(DEEP)
    for n in range(count):
        pit.rest(f"maker-{n // ORDERS_A_USER}", Side.ASK, MID)
    pit.rest("user", Side.ASK, MID)
    pit.rest("last", Side.ASK, MID, 2)
    return pit.step(pit.place("user", Side.BID, MID, count + 1, time_in_force=TimeInForce.FOK))


def _gives_way(pit: Pit) -> Callable[[], object]:
    count = pit.size(ORDERS_A_USER)
    for n in range(count):
        pit.rest("user", Side.ASK, MID + n)
    oldest = SelfTradePrevention.CANCEL_OLDEST
    return pit.step(pit.place("user", Side.BID, MID + count, prevention=oldest, time_in_force=TimeInForce.IOC))


def _replaced(pit: Pit) -> Callable[[], object]:
    count = pit.size(ORDERS_A_USER)
    pit.rest("user", Side.BID, MID - 1, count)
    order_id = pit.engine.last_order_id
    pit.asks(count)
    return pit.step(pit.command(ReplaceOrder, "user", order_id, "", MID + count, None))


def _quoted(met: int) -> Case:
    """15 pairs of whoever has all the orders that one may have; every side arrives anew, and meets so many orders."""

    def case(pit: Pit) -> Callable[[], object]:
        symbols = [SYMBOL, *[f"Q{n}" for n in range(1, PAIRS_MAX)]]
        for symbol in symbols[1:]:
            pit.does(ListInstrument, Instrument(symbol))
        for n in range(pit.size(ORDERS_A_USER) - 2 * PAIRS_MAX):
            pit.rest("user", Side.BID, 1 + n)
        for n in range(met):
            pit.rest("maker", Side.ASK, MID + n % 7, symbol=symbols[n % PAIRS_MAX])
        lots = pit.size(met) if met else 1
        pit.does(MassQuote, "user", "before", tuple(QuotedPair(each, MID - 2, 1, MID + 8, 1) for each in symbols))
        pairs = tuple(QuotedPair(each, MID + 7 if met else MID - 1, lots, MID + 9, 1) for each in symbols)
        return pit.step(pit.command(MassQuote, "user", "worst", pairs))

    return case


def _special(pit: Pit, user: str, price: int, lots: int, trigger: int = 0, expires_at: int = 0) -> Command:
    """Make the next command, an ask that waits for a price, or ends by itself."""
    times = TimeInForce.GTD if expires_at else TimeInForce.GTC
    order = (user, SYMBOL, f"{pit.number:024}", Side.ASK, OrderKind.LIMIT, price, lots, times)
    rules = (False, SelfTradePrevention.CANCEL_NEWEST)
    return pit.command(PlaceSpecial, *order, *rules, trigger, 0, expires_at, "", 0, "")


def _bids(pit: Pit, levels: int) -> None:
    for n in range(levels):
        pit.rest(f"bidder-{n // ORDERS_A_USER}", Side.BID, MID - n)


def _triggers(stops: int, each: int) -> Case:
    """One trade elects so many stops, each of which meets so many orders; they are placed as far as a command may."""

    def case(pit: Pit) -> Callable[[], object]:
        _bids(pit, pit.size(DEEP))
        pit.rest("seller", Side.ASK, MID + 1)
        pit.rest("buyer", Side.BID, MID + 1)
        for n in range(pit.size(stops)):
            command = _special(pit, f"stopper-{n // ORDERS_A_USER}", 1, each, trigger=MID)
            pit.builder.apply(command, pit.time_us)
        return pit.step(pit.place("seller", Side.ASK, MID, time_in_force=TimeInForce.IOC))

    return case


def _parked(pit: Pit) -> Callable[[], object]:
    pit.rest("seller", Side.ASK, MID + 1)
    pit.rest("buyer", Side.BID, MID + 1)
    for n in range(pit.size(STOPS_MAX - 1)):
        pit.builder.apply(_special(pit, f"stopper-{n // ORDERS_A_USER}", 1, 1, trigger=1 + 2 * (n % 49_000)), 1)
    return pit.step(_special(pit, "user", 1, 1, trigger=2))


def _expire(together: bool, kind: type[Tick | PassTime] = Tick) -> Case:  # noqa: FBT001 - a table's entry
    """As many orders end at one moment, or each at its own, as one command ends; the next ones end with later ones."""

    def case(pit: Pit) -> Callable[[], object]:
        for n in range(pit.size(SWEPT_MAX)):
            end = 1_000_000 + (0 if together else n)
            pit.builder.apply(_special(pit, f"user-{n // ORDERS_A_USER}", MID + n, 1, expires_at=end), 1)
        pit.time_us = 2_000_000
        return pit.step(pit.command(kind, pit.time_us))

    return case


def _cancelled(pit: Pit) -> Callable[[], object]:
    pit.asks(pit.size(DEEP))
    return pit.step(pit.command(CancelOrder, "maker-0", 1, ""))


def _all_cancelled(pit: Pit) -> Callable[[], object]:
    for n in range(pit.size(ORDERS_A_USER)):
        pit.rest("user", Side.ASK, MID + n)
    return pit.step(pit.command(CancelAll, "user", None))


def _present(pit: Pit) -> Callable[[], object]:
    users = tuple(f"user-{n}" for n in range(pit.size(PRESENT_USERS_MAX)))
    for user in users:
        pit.does(SetCancelOnDisconnect, user, True)  # noqa: FBT003 - a command's field
    return pit.step(pit.command(Present, users))


def _absent(pit: Pit) -> Callable[[], object]:
    orders = pit.size(CANCELS_PER_TICK_MAX + ORDERS_A_USER)
    for n in range(orders):
        user = f"user-{n // ORDERS_A_USER}"
        if not n % ORDERS_A_USER:
            pit.does(SetCancelOnDisconnect, user, True)  # noqa: FBT003 - a command's field
        pit.rest(user, Side.ASK, MID + n)
    for _ in range(pit.engine.config.cancel_grace_s + SIGN_AGE_TICKS):
        pit.does(Tick)
    return pit.step(pit.command(Tick))


def _forgets(pit: Pit) -> Callable[[], object]:
    for n in range(2 * pit.size(FORGOTTEN_PER_TICK_MAX)):
        pit.rest(f"user-{n % 100}", Side.BID, MID, time_in_force=TimeInForce.IOC)
    for _ in range(WINDOW_S):
        pit.does(Tick)
    pit.time_us += WINDOW_S * 1_000_000
    return pit.step(pit.command(Tick))


def _halted(pit: Pit) -> Callable[[], object]:
    return pit.step(pit.command(SetMarketState, SYMBOL, MarketState.HALTED, "news"))


def _listed(pit: Pit) -> Callable[[], object]:
    return pit.step(pit.command(ListInstrument, Instrument("ANOTHER")))


def _calls(pit: Pit, levels: int) -> None:
    """Begin a call, and cross so many levels of each side, one order each."""
    pit.engine.instruments[SYMBOL].reopening_s = 1
    pit.does(SetMarketState, SYMBOL, MarketState.HALTED, "")
    pit.does(SetMarketState, SYMBOL, MarketState.OPEN, "")
    for n in range(levels):
        pit.rest(f"maker-{n // ORDERS_A_USER}", Side.ASK, MID + n)
        pit.rest(f"taker-{n // ORDERS_A_USER}", Side.BID, MID + n)


def _in_call(levels: int) -> Case:
    def case(pit: Pit) -> Callable[[], object]:
        _calls(pit, pit.size(levels))
        return pit.step(pit.place("user", Side.BID, MID + pit.size(levels) // 2))

    return case


def _uncrosses(levels: int) -> Case:
    def case(pit: Pit) -> Callable[[], object]:
        _calls(pit, pit.size(levels))
        pit.tell()
        pit.time_us += 2_000_000
        return pit.step(pit.command(Tick))

    return case


def _ends_call(pit: Pit) -> Callable[[], object]:
    _calls(pit, pit.size(DEEP))
    return pit.step(pit.command(EndCall, "root", SYMBOL, 0, True))  # noqa: FBT003 - a command's field


def _version_begun(pit: Pit) -> Callable[[], object]:
    """The engine begins with an older one."""
    return pit.step(pit.command(BeginVersion, ENGINE_VERSION))


def _planned(pit: Pit) -> Callable[[], object]:
    steps = [ScheduledStep("2026-11-30", 1_000_000 * (n + 1), "close") for n in range(pit.size(STEPS_MAX))]
    return pit.step(pit.command(SetSchedule, "root", "berlin", "2026.3", tuple(steps)))


def _deepest(pit: Pit) -> None:
    """Rest one order a level, in no order of prices, and have as many prices dead as a deep side keeps."""
    prices = list(range(pit.size(DEEPEST)))
    Random(1).shuffle(prices)  # noqa: S311 - a measurement's
    for n, price in enumerate(prices):
        pit.rest(f"maker-{n // ORDERS_A_USER}", Side.ASK, MID + 2 * price)
        if not n % 1_000:
            pit.tell()
    for n in range(pit.size(DEAD_KEPT_MAX) - 1):
        pit.rest("passer", Side.ASK, MID + 2 * n + 1)
        pit.does(CancelOrder, "passer", pit.engine.last_order_id, "")


def _rests_deepest(pit: Pit) -> Callable[[], object]:
    _deepest(pit)
    return pit.step(pit.place("user", Side.BID, MID - 1))


def _unfillable_deepest(pit: Pit) -> Callable[[], object]:
    _deepest(pit)
    count = 2 * pit.size(DEEPEST)
    return pit.step(pit.place("user", Side.BID, MID + count, count, time_in_force=TimeInForce.FOK))


def _drops_dead(pit: Pit) -> Callable[[], object]:
    _deepest(pit)
    pit.rest("passer", Side.ASK, MID + 2 * pit.size(DEEPEST) + 1)
    pit.rest("user", Side.ASK, MID + 2 * pit.size(DEEPEST) + 3)
    pit.does(CancelOrder, "passer", pit.engine.last_order_id - 1, "")
    return pit.step(pit.command(CancelOrder, "user", pit.engine.last_order_id, ""))


def _forked(pit: Pit) -> Callable[[], object]:
    _deepest(pit)

    def fork() -> None:
        child = os.fork()
        if not child:
            os._exit(0)
        children.append(child)

    children: list[int] = []
    return fork


def _book_snapshot(pit: Pit) -> Callable[[], object]:
    pit.asks(pit.size(LEVELS_PER_PACKET_MAX))
    pit.tell()
    market = pit.engine.instruments[SYMBOL]
    return lambda: encode_book_state(market.book_state(1, "1-1"))


def _checkpoint(pit: Pit) -> Callable[[], object]:
    pit.asks(pit.size(DEEP))
    pit.tell()
    return lambda: encode_checkpoint(Checkpoint(pit.engine, 1, "store"))


COMMANDS: Final[dict[str, Case]] = {
    "order that rests, 10,000 levels": _rests,
    f"order that meets {ORDERS_MET_MAX} of 10,000, a level each": _sweeps(TimeInForce.GTC, DEEP),
    f"IOC that meets {ORDERS_MET_MAX} of 10,000, a level each": _sweeps(TimeInForce.IOC, DEEP),
    f"FOK that meets {ORDERS_MET_MAX} of 10,000, a level each": _sweeps(TimeInForce.FOK, ORDERS_MET_MAX),
    f"FOK that would meet {ORDERS_MET_MAX + 1} of 10,000, a level each": _sweeps(TimeInForce.FOK, ORDERS_MET_MAX + 1),
    "FOK, one lot too many over 10,000 levels, the first in a long while": _unfillable(0),
    "FOK, the same over 100,000 levels": _unfillable(0, 10 * DEEP),
    "FOK, the same, asked before": _unfillable(1),
    "FOK, an own order behind 10,000 others at one price": _behind_a_queue,
    f"IOC that cancels {ORDERS_MET_MAX} own orders of 1,000 (cancel_oldest)": _gives_way,
    f"replace that meets {ORDERS_MET_MAX} of 1,000": _replaced,
    f"quote of {PAIRS_MAX} pairs, every side anew": _quoted(0),
    f"quote of {PAIRS_MAX} pairs, every side anew, which meets {ORDERS_MET_MAX} orders": _quoted(2 * ORDERS_MET_MAX),
    f"order whose trade triggers {ELECTED_MAX} stops, each of which meets one order": _triggers(ELECTED_MAX, 1),
    f"order whose trade triggers 10,000 stops, each of which meets {ORDERS_MET_MAX}": _triggers(10_000, ORDERS_MET_MAX),
    f"stop among {STOPS_MAX:,}": _parked,
    f"tick that ends {SWEPT_MAX:,} orders of one moment": _expire(together=True),
    f"tick that ends {SWEPT_MAX:,} orders, each at its own moment": _expire(together=False),
    f"pass_time that ends {SWEPT_MAX:,} orders of one moment": _expire(together=True, kind=PassTime),
    "cancel of a level's last order, 10,000 levels": _cancelled,
    "cancel_all of 1,000 orders": _all_cancelled,
    "present, 512 users": _present,
    f"tick that cancels the orders of users who are away, {CANCELS_PER_TICK_MAX:,} and one user's": _absent,
    f"tick that forgets {FORGOTTEN_PER_TICK_MAX:,} order ids": _forgets,
    f"order in a call, whose auction would trade {INDICATIVE_LEVELS_MAX - 1:,} levels of each side": _in_call(
        2 * INDICATIVE_LEVELS_MAX - 2
    ),
    "order in a call, whose auction would trade 10,000 levels of each side": _in_call(2 * DEEP),
    f"end of a call of 20,000 orders: the first {UNCROSSED_MAX} trades": _uncrosses(DEEP),
    f"end of a call of 200,000 orders: the first {UNCROSSED_MAX} trades": _uncrosses(10 * DEEP),
    f"end of a call of 20,000 orders by an administrator: the first {UNCROSSED_MAX} trades": _ends_call,
    f"schedule of {STEPS_MAX} steps": _planned,
    "a later version of the rules begins": _version_begun,
    "halt": _halted,
    "listing": _listed,
    "order that rests, 300,000 levels, and 16,384 prices that are gone": _rests_deepest,
    "cancel of a level's last order, the same, which begins to drop those prices": _drops_dead,
    "FOK, one lot too many, the same": _unfillable_deepest,
    "fork for a checkpoint and deep snapshots, 300,000 levels": _forked,
    **ADMINISTRATION,
    **OPTIONS,
    **SESSIONS,
    "snapshot of a book of 5,000 levels (of deeper ones in a child)": _book_snapshot,
    "checkpoint of 10,000 orders (in a child, beside the market)": _checkpoint,
}
"""By what is made as expensive as it gets; each with an engine of its own."""


def measure(effort: Effort) -> list[Table]:
    """Return what commands cost the engine, and requests a gateway."""
    share = 1.0 if effort.cases(100) == 100 else TINY_SHARE
    runs = min(effort.runs, RUNS_MAX)
    note = f"Nobody's may make others wait for more than {STALL_US_MAX / 1000:g} ms."
    return [
        Table(
            "worst-commands",
            f"µs that the engine takes for one command of each kind at its most expensive, its packet included. {note}",
            ["command", "µs"],
            [[name, _engine_cost(name, share, runs)] for name in COMMANDS],
        ),
        Table(
            "worst-requests",
            "µs that a gateway takes for one request of each kind at its most expensive; of what is done in parts the "
            f"longest part. {note}",
            ["request", "µs"],
            [[name, _gateway_cost(name, share, runs)] for name in REQUESTS],
        ),
    ]


def _engine_cost(name: str, share: float, runs: int) -> Spread:
    progress(name)
    return spread(in_new_process(_timed_command, name, share) for _ in range(runs))


def _gateway_cost(name: str, share: float, runs: int) -> Spread:
    progress(name)
    return spread(in_new_process(_timed_request, name, share) for _ in range(runs))


def _timed_command(name: str, share: float) -> float:
    return _timed(COMMANDS[name](Pit(share)))


def _timed_request(name: str, share: float) -> float:
    house = House(share)
    longest = _timed(REQUESTS[name](house))
    while house.has_more:
        longest = max(longest, _timed(house.go_on))
    return longest


def _timed(act: Callable[[], object]) -> float:
    """Return the CPU µs of one call, the first of its kind; the collector waits."""
    gc.collect()
    gc.disable()
    began = time.thread_time_ns()
    act()
    return (time.thread_time_ns() - began) / 1000


if __name__ == "__main__":
    run({"benchmarks.worst_commands": measure})
