"""The named parts of a checkpoint: what an engine holds beside orders, accounts and administration, and back.

A part that is absent is as at the beginning, so a checkpoint from before a part was made is read as it is. Parts are
restored in the order of the table, after all else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from openoutcry.wire.types import Code, MarketState, Phase, Side
from services.matching.book.order import Order
from services.matching.engine import Engine
from services.matching.floor import Sweep
from services.matching.recovery.rule_rows import restore_rules, rule_rows
from services.matching.recovery.special_rows import restore_special, special_rows
from services.matching.schedule import Plan
from services.matching.sessions.phases import CallTimes
from services.matching.timed_floor import NO_LIMIT
from services.matching.timers import Timers
from shared.logs.engine_version import ENGINE_VERSION
from shared.logs.market_commands import SetTerms
from shared.logs.session_commands import ScheduledStep


class StatePart(NamedTuple):
    """One part."""

    rows: Callable[[Engine], Any]
    """Returns what msgpack can hold; something empty if all is as at the beginning."""
    take: Callable[[Engine, Any], None]
    """Takes it."""


def part_rows(engine: Engine) -> dict[str, Any]:
    """Return all parts of an engine that hold something, by name."""
    return {name: rows for name, part in PARTS.items() if (rows := part.rows(engine))}


def restore_parts(engine: Engine, rows: dict[str, Any]) -> None:
    """
    Take all parts, once all else has been restored.

    Raises:
        ValueError: If a part is not known here: a later release wrote it, and going on without would lose it.
    """
    unknown = [name for name in rows if name not in PARTS]
    if unknown:
        raise ValueError(f"a part {unknown[0]!r}, which a later release wrote")
    for name, part in PARTS.items():
        if name in rows:
            part.take(engine, rows[name])
    _restore_paused(engine)


def _clock_rows(engine: Engine) -> Any:
    timers = engine.timers
    return (engine.time_limit, timers.number, timers.rows()) if timers.number or engine.time_limit != NO_LIMIT else ()


def _restore_clock(engine: Engine, rows: Any) -> None:
    engine.time_limit, number, timers = rows
    engine.timers = Timers([(due, rank, n, kind, key) for due, rank, n, kind, key in timers], number)


def _bound_rows(engine: Engine) -> Any:
    orders = [order for market in engine.instruments.values() for order in market.book.orders.values() if order.bound]
    return sorted([(order.order_id, order.user, order.bound) for order in orders])


def _restore_bounds(engine: Engine, rows: Any) -> None:
    """Have orders without a limit reserve what they had reserved: the collar may be another one by now."""
    for order_id, user, bound in rows:
        account = engine.accounts[user]
        order = account.orders[order_id]
        market = engine.instruments[order.instrument]
        account.changing(order, market)
        order.bound = bound
        account.changed(order, market, rests=True)


def _sweep_rows(engine: Engine) -> Any:
    return [
        ([(order.user, order.order_id, order.instrument) for order in orders], reason)
        for orders, reason in engine.sweeps
    ]


def _restore_sweeps(engine: Engine, rows: Any) -> None:
    for orders, reason in rows:
        waiting = [engine.accounts[user].orders.get(number) or _over(symbol) for user, number, symbol in orders]
        engine.sweeps.append(Sweep(waiting, Code(reason)))
        for order in waiting:
            engine.sweeping[order.instrument] = engine.sweeping.get(order.instrument, 0) + 1


def _over(symbol: str) -> Order:
    """Return what stands for an order that was to be ended, and has ended by its user: it counts in its turn."""
    order = Order(0, "", Side.BID, 1, 1)
    order.instrument = symbol
    return order


def _restore_chores(engine: Engine, rows: Any) -> None:
    is_behind, chores = rows
    engine.is_behind = is_behind
    engine.chores.take(chores)


def _chore_rows(engine: Engine) -> Any:
    return (engine.is_behind, engine.chores.rows()) if engine.is_late else ()


def _restore_paused(engine: Engine) -> None:
    for market in engine.instruments.values():
        if market.is_paused and market.symbol not in engine.uncrossing:
            engine.sweeping.setdefault(market.symbol, 0)


def _session_rows(engine: Engine) -> Any:
    return {
        market.symbol: (
            (market.set_state, market.set_reason, market.is_paused),
            (market.phase, market.until, market.auction_id, market.book.call is not None),
            (market.closing_price, market.closing_day, market.auction_price, market.auction_time),
            market.terms()[4:],
        )
        for market in engine.instruments.values()
        if market.has_sessions
    }


def _restore_sessions(engine: Engine, rows: Any) -> None:
    for symbol, (state, (phase, until, auction_id, is_call), auctions, terms) in rows.items():
        market = engine.instruments[symbol]
        set_state, market.set_reason, market.is_paused = state
        market.set_state = MarketState(set_state)
        market.phase, market.until, market.auction_id = Phase(phase), until, auction_id
        market.closing_price, market.closing_day, market.auction_price, market.auction_time = auctions
        market.find_state()
        if is_call:
            market.book.begin_call()
        tick_table = tuple([(at, step) for at, step in terms[0]])
        held = SetTerms("", 0, "", symbol, market.reference, market.collar_bp, tick_table, *terms[1:])
        market.set_terms(held, market.terms_time)
        market.take_auction()  # a checkpoint stands between packets, so all of it has been told


def _phase_rows(engine: Engine) -> Any:
    phases = engine.phases
    if not phases.plans and not phases.calls:
        return ()
    plans = {name: (plan.steps, plan.tzdata, plan.done) for name, plan in phases.plans.items()}
    calls = {
        symbol: (call.latest, call.is_extended, call.price, call.is_ending) for symbol, call in phases.calls.items()
    }
    return plans, calls, list(phases.deferred), list(engine.uncrossing)


def _restore_phases(engine: Engine, rows: Any) -> None:
    plans, calls, deferred, uncrossing = rows
    phases = engine.phases
    for name, (steps, tzdata, done) in plans.items():
        phases.plans[name] = Plan([ScheduledStep._make(step) for step in steps], tzdata, done)
    for symbol, (latest, is_extended, price, is_ending) in calls.items():
        phases.calls[symbol] = CallTimes(latest, is_extended=is_extended, price=price, is_ending=is_ending)
        engine.instruments[symbol].book.begin_call()
    phases.deferred = dict.fromkeys(deferred)
    engine.uncrossing = dict.fromkeys(uncrossing)


def _restore_version(engine: Engine, version: int) -> None:
    if version > ENGINE_VERSION:
        raise ValueError(f"engine version {version}, which a later release wrote; this one knows {ENGINE_VERSION}")
    engine.version = version


PARTS: Final[dict[str, StatePart]] = {
    "version": StatePart(lambda engine: engine.version, _restore_version),
    "clock": StatePart(_clock_rows, _restore_clock),
    "bounds": StatePart(_bound_rows, _restore_bounds),
    "rules": StatePart(rule_rows, restore_rules),
    "sessions": StatePart(_session_rows, _restore_sessions),
    "phases": StatePart(_phase_rows, _restore_phases),
    "special_orders": StatePart(special_rows, restore_special),  # before what names orders
    "lives": StatePart(lambda engine: engine.lives.rows(), lambda engine, rows: engine.lives.restore(rows)),
    "chores": StatePart(_chore_rows, _restore_chores),
    "sweeps": StatePart(_sweep_rows, _restore_sweeps),
}
"""By name. Another part is a line here."""
