"""How instruments go through their phases: steps of their calendar, calls and their ends, halts, interruptions.

Owns plans and calls. Every change of a phase happens here. A call ends in three stages: uncrossing, the ends of what
may not wait longer, and the next phase; each goes on with the next commands if it is more than one command may do, and
the instrument is paused meanwhile. Leaves the price of an auction and its fills to the book.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from openoutcry.wire.types import Code, MarketState, Phase
from services.matching.bands import outside
from services.matching.chores import Chore
from services.matching.floor import Floor
from services.matching.order_refusals import late_refusal
from services.matching.schedule import CALL_OF, PHASE_AFTER, Plan, schedule_fault
from services.matching.timers import NEVER, PHASE_RANK, UNCROSS_RANK
from services.matching.traded_instrument import CALLS, Refusal, TradedInstrument
from shared.logs.session_commands import EndCall, ScheduledStep, SetSchedule

UNCROSSED_MAX: Final = 500
"""Trades that one command makes where calls end, over all instruments; some 15 ms with their packet."""
STEP: Final = "step"
"""Timer of a calendar's next step."""
CALL: Final = "call"
"""Timer of a call: its earliest end, then its latest."""
REVISION: Final = "revision"
"""Chore of a calendar's instruments, once its plan is another one; that of a step has the name of its timer."""
STEP_WORK: Final = 40
"""What a step of one instrument counts for, in the units of `chores.WORK_MAX`: so 500 a command,"""
ORDERS_A_WORK: Final = 10
"""and one more for so many orders, which are looked at when it closes."""
SECOND_US: Final = 1_000_000
_OK: Final = Refusal(Code.OK, "")


class CallTimes:
    """One call that is under way."""

    __slots__ = ("is_ending", "is_extended", "latest", "price")

    def __init__(self, latest: int = 0, *, is_extended: bool = False, price: int = 0, is_ending: bool = False) -> None:
        self.latest = latest
        """When it ends by itself, µs, once its earliest end is over; 0 before."""
        self.is_extended = is_extended
        """Whether it is longer because its price was outside the band."""
        self.price = price
        """At which it is being uncrossed; 0: it is not."""
        self.is_ending = is_ending
        """Whether its end has begun. What follows is what is planned once it is over."""


class Phases:
    """
    All sessions of a shard.

    Args:
        floor: Whose instruments they are.
    """

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self.plans: dict[str, Plan] = {}
        """By calendar, in order of first setting."""
        self.calls: dict[str, CallTimes] = {}
        """By symbol: calls that are under way."""
        self.deferred: dict[str, None] = {}
        """Symbols of calls whose end waits until their instrument is not paused any more."""
        self.on_close: list[Callable[[TradedInstrument, str], object]] = []
        """What else happens when an instrument closes, with the trading day."""
        self.on_unplanned: list[Callable[[TradedInstrument], object]] = []
        """What else happens when an instrument follows no calendar any more: it has no trading days then."""
        self.before_day: list[Callable[[TradedInstrument, str], object]] = []
        """What happens first of all on a trading day, with that day."""
        self._left = (0, 0)  # position, and the trades that its command may still make
        floor.on_timer[STEP] = self._step
        floor.on_timer[CALL] = self._call_is_due
        floor.chores.does[STEP] = self._take_steps
        floor.chores.does[REVISION] = self._revise
        floor.on_resumed.append(self._resumed)
        floor.call_changed = self.changed

    # Commands.

    def set_schedule(self, command: SetSchedule) -> Refusal:
        """Take a calendar's steps, or refuse them; O(steps and instruments)."""
        fault = schedule_fault(command, self.plans, self._floor.time)
        if fault is not None:
            return Refusal(Code.BAD_REQUEST, fault)
        plan = self.plans.setdefault(command.calendar, Plan())
        day_before = plan.trading_day
        past = plan.revise(command.steps, command.tzdata, self._floor.time)
        self._set_step_timer(command.calendar)
        self._floor.undertake(REVISION, command.calendar, len(past), day_before)
        return _OK

    def end_call(self, command: EndCall) -> Refusal:  # noqa: PLR0911 - one a rule
        """End a call, or say why not."""
        market = self._floor.instruments.get(command.instrument)
        if self._floor.is_late:
            return late_refusal(command.instrument)
        if market is None:
            return Refusal(Code.UNKNOWN_INSTRUMENT, f"instrument: there is no {command.instrument}")
        call = self.calls.get(market.symbol)
        if call is None or not market.is_call:
            return Refusal(Code.BAD_REQUEST, f"instrument: {market.symbol} is in no call")
        if command.auction_id not in (0, market.auction_id):
            rule = f"auction_id: {market.symbol} is in call {market.auction_id}, not {command.auction_id}"
            return Refusal(Code.BAD_REQUEST, rule)
        if not command.force and not call.latest:
            return Refusal(Code.BAD_REQUEST, f"instrument: the call of {market.symbol} cannot end yet")
        if market.state is not MarketState.AUCTION:
            return Refusal(Code.NOT_OPEN, f"instrument: {market.symbol} is {market.state}")
        self._finish(market, is_forced=command.force)
        return _OK

    def terms_set(self, market: TradedInstrument, calendar_before: str) -> None:
        """Follow another calendar, or none, once the terms say so."""
        if market.calendar == calendar_before:
            return
        if market.calendar:
            self.plans.setdefault(market.calendar, Plan())
        else:
            for follow in self.on_unplanned:
                follow(market)
        if self._is_ending(market) or market.life:
            return  # the one enters what is planned when it has ended, the other nothing any more
        if market.calendar:
            self.enter_plan(market)
        else:
            self._enter(market, Phase.NONE)

    def state_set(self, market: TradedInstrument, before: MarketState) -> None:
        """Halt or resume, once an administrator has set the state: a halt outlasts steps, and stops a call's clock."""
        floor = self._floor
        if market.set_state is not MarketState.OPEN:
            floor.timers.forget(CALL, market.symbol)
        elif before is not MarketState.OPEN:
            planned = self._planned(market)
            if planned in (Phase.NONE, Phase.CONTINUOUS, Phase.BATCH) and market.reopening_s:
                self._begin(market, Phase.REOPENING, floor.time + market.reopening_s * SECOND_US)
                return
            self._enter(market, planned)
            return
        floor.tell_state(market)

    def section(self) -> tuple[list[Any], Callable[[Any], tuple[Any, ...]]]:
        """Return the calendars, and how a row is made of each: name, zone data, days ahead, planned until (µs)."""
        return list(self.plans.items()), _plan_row

    # What happens by itself.

    def enter_plan(self, market: TradedInstrument) -> None:
        """Enter the phase that the plan has by now."""
        self._enter(market, self._planned(market))

    def changed(self, market: TradedInstrument) -> None:
        """
        Note that a book has changed that is in a call. O(1).

        If it began by itself, an order would have traded outside the band, and the market is in a call from now on. In
        the batch phase what could trade does so at the next boundary.
        """
        if market.state is MarketState.OPEN:
            self._begin(market, Phase.VOLATILITY, self._floor.time + market.volatility_s * SECOND_US)
        call = market.book.call
        timers = self._floor.timers
        if market.phase is not Phase.BATCH or call is None or timers.due(CALL, market.symbol) != NEVER:
            return
        if call.only or call.is_crossed:
            length_us = market.batch_ms * 1000
            timers.set(CALL, market.symbol, (self._floor.time // length_us + 1) * length_us, UNCROSS_RANK)

    def interrupt(self, market: TradedInstrument) -> None:
        """Begin a call instead of continuous trading, because too much happens at once, where there are bands."""
        if market.has_band and market.state is MarketState.OPEN:
            self._begin(market, Phase.VOLATILITY, self._floor.time + market.volatility_s * SECOND_US)

    def leave(self, market: TradedInstrument) -> None:
        """Take out of its sessions, and of a call if it is in one, an instrument that has come to its end."""
        floor, symbol = self._floor, market.symbol
        self.calls.pop(symbol, None)
        self.deferred.pop(symbol, None)
        floor.timers.forget(CALL, symbol)
        market.phase, market.until = Phase.NONE, 0
        if floor.uncrossing.pop(symbol, 0) is None and not floor.sweeps:
            market.is_paused = False
        floor.ask_auction(market)

    def go_on(self) -> None:
        """Go on with calls that were more than one command may uncross."""
        if not self._floor.sweeps and not self._floor.chores.waiting:  # what is to end is not to trade before
            for symbol in list(self._floor.uncrossing):
                self._go_on(self._floor.instruments[symbol])

    def _set_step_timer(self, calendar: str) -> None:
        due = self.plans[calendar].next_us
        if due:
            self._floor.timers.set(STEP, calendar, due, PHASE_RANK)
        else:
            self._floor.timers.forget(STEP, calendar)

    def _step(self, calendar: str) -> None:
        plan = self.plans[calendar]
        day_before = plan.trading_day
        step = plan.take()
        self._set_step_timer(calendar)
        self._floor.undertake(STEP, calendar, step, day_before)

    def _take_steps(self, chore: Chore) -> Chore | None:
        """Have a calendar's instruments take a step, as many as this command may."""
        calendar, row, day_before = chore.about
        step, plan = ScheduledStep._make(row), self.plans[calendar]
        for done, market in self._following(calendar, chore.done):
            if self._floor.chores.left <= 0:
                return chore._replace(done=done)
            if step.trading_day != day_before:
                self._begin_day(market, step.trading_day)
            self._take_step(market, plan, step)
        return None

    def _revise(self, chore: Chore) -> Chore | None:
        """Have a calendar's instruments follow a plan that is another one now, as many as this command may."""
        calendar, past, day_before = chore.about
        plan = self.plans[calendar]
        for done, market in self._following(calendar, chore.done):
            if self._floor.chores.left <= 0:
                return chore._replace(done=done)
            if past and plan.trading_day != day_before:
                self._begin_day(market, plan.trading_day)
            if self._is_ending(market):
                continue
            if past:
                self.enter_plan(market)
            elif market.is_call and market.phase in CALL_OF.values() and market.symbol in self.calls:
                self._begin(market, market.phase, plan.end_of_call())
        return None

    def _following(self, calendar: str, begin: int) -> Iterator[tuple[int, TradedInstrument]]:
        """Yield the instruments of a calendar, each with its place in the listing, and count the work of each."""
        chores = self._floor.chores
        for place, market in enumerate(islice(self._floor.instruments.values(), begin, None), begin):
            if market.calendar == calendar and not market.life:
                yield place, market
                chores.left -= STEP_WORK + len(market.book.orders) // ORDERS_A_WORK

    def _begin_day(self, market: TradedInstrument, trading_day: str) -> None:
        for begin in self.before_day:
            begin(market, trading_day)

    def _is_ending(self, market: TradedInstrument) -> bool:
        """Tell whether the end of a call has begun, and goes on: it leads to what is planned when it is over."""
        return market.symbol in self.calls and self.calls[market.symbol].is_ending

    def _take_step(self, market: TradedInstrument, plan: Plan, step: ScheduledStep) -> None:
        if self._is_ending(market):
            return
        kind = CALL_OF.get(step.step)
        if market.set_state is not MarketState.OPEN:  # it goes on under the halt, and nothing is uncrossed
            if step.step == "close":
                self._enter(market, Phase.CLOSED)
                return
            phase = plan.phase()
            market.phase, market.until = phase, plan.until(phase)
            self._floor.tell_state(market)
        elif kind is not None:
            self._begin(market, kind, plan.end_of_call())
        elif step.step == "uncross":
            if market.phase in CALL_OF.values():
                self._set_latest(market)
        elif step.step == "close":
            if market.is_call and market.book.call is not None:
                self._finish(market, is_last=True)
            else:
                self._enter(market, Phase.CLOSED)
        elif market.phase is Phase.BATCH:
            self._finish(market)
        elif not market.is_call:
            self._enter(market, PHASE_AFTER[step.step])

    def _set_latest(self, market: TradedInstrument) -> None:
        """The earliest end of a call is over: it ends at a moment that nobody knows, or now."""
        call = self.calls[market.symbol]
        call.latest = self._floor.time + market.random_end_s * SECOND_US
        self._floor.timers.set(CALL, market.symbol, call.latest, UNCROSS_RANK)

    def _call_is_due(self, symbol: str) -> None:
        market = self._floor.instruments[symbol]
        if symbol not in self.calls or not market.is_call or market.set_state is not MarketState.OPEN:
            return
        call = self.calls[symbol]
        if market.phase is not Phase.BATCH and not call.latest and market.random_end_s:
            self._set_latest(market)
            return
        self._finish(market)

    # Calls.

    def _begin(self, market: TradedInstrument, kind: Phase, until: int) -> None:
        """Begin a call, or turn the one that is under way into this kind."""
        if market.symbol in self.deferred or self._is_ending(market):
            return
        if market.symbol not in self.calls:
            market.auction_id += 1
            self._floor.ask_auction(market)
        market.book.begin_call()
        self.calls[market.symbol] = CallTimes()
        market.phase, market.until = kind, until
        if kind in (Phase.VOLATILITY, Phase.REOPENING):
            self._floor.timers.set(CALL, market.symbol, until, UNCROSS_RANK)
        else:
            self._floor.timers.forget(CALL, market.symbol)
        self._floor.tell_state(market)

    def _finish(self, market: TradedInstrument, *, is_forced: bool = False, is_last: bool = False) -> None:
        """End a call: uncross it, unless its price is too far away."""
        call = self.calls[market.symbol]
        if call.is_ending:
            return
        if market.is_paused:
            self.deferred[market.symbol] = None
            return
        found = market.indicative()
        assert found is not None
        if found.price and outside(market, found.price, widened=call.is_extended, collar_only=is_forced):
            if not is_last and not self._has_closed(market):
                self._prolong(market, call)
                return
            call.price = 0
        else:
            call.price = found.price
        call.is_ending = True
        self._floor.timers.forget(CALL, market.symbol)
        self._go_on(market)

    def _prolong(self, market: TradedInstrument, call: CallTimes) -> None:
        """Go on with a call whose price is outside the band: once for some time, then until somebody ends it."""
        timers = self._floor.timers
        call.latest = 0
        market.until = 0
        if call.is_extended or not market.extension_s:
            timers.forget(CALL, market.symbol)
        else:
            call.is_extended = True
            market.until = self._floor.time + market.extension_s * SECOND_US
            timers.set(CALL, market.symbol, market.until, UNCROSS_RANK)
        self._floor.tell_state(market)

    def _go_on(self, market: TradedInstrument) -> None:
        """Go on with the end of a call, as far as this command may."""
        floor, book, call = self._floor, market.book, self.calls[market.symbol]
        assert book.call is not None
        if call.price:
            left = self._take_left()
            fills = book.uncross(call.price, left) if left else []
            if fills:
                floor.touch(market)
                market.auction_price, market.auction_time = call.price, floor.time
                floor.tell(market, fills)
            self._left = (floor.position, left - len(fills))
            if len(fills) >= left:
                floor.uncrossing[market.symbol] = None
                floor.timers.wake_at_once()
                floor.pause(market)
                return
            call.price = 0
        if floor.uncrossing.pop(market.symbol, 0) is None:
            floor.unpause(market)
        if book.call.only:
            only = book.call.only  # by id: as they came may be another order behind a checkpoint
            floor.sweep([only[order_id] for order_id in sorted(only)], Code.NO_LIQUIDITY)
            if market.is_paused:
                return  # and comes back here when they have ended
        del self.calls[market.symbol]
        self.enter_plan(market)

    def _take_left(self) -> int:
        position, left = self._left
        return left if position == self._floor.position else UNCROSSED_MAX

    def _resumed(self, market: TradedInstrument) -> None:
        if self._is_ending(market):
            self._go_on(market)
        elif self.deferred.pop(market.symbol, 0) is None and market.set_state is MarketState.OPEN:
            self._finish(market)

    # Phases.

    def _has_closed(self, market: TradedInstrument) -> bool:
        return bool(market.calendar) and self.plans[market.calendar].has_closed

    def _planned(self, market: TradedInstrument) -> Phase:
        return self.plans[market.calendar].phase() if market.calendar else Phase.NONE

    def _enter(self, market: TradedInstrument, phase: Phase) -> None:
        """Enter a phase; what was a call has ended, or ends without an auction because trading does."""
        floor, plan = self._floor, self.plans.get(market.calendar)
        if phase in CALLS and phase is not Phase.BATCH:
            self._begin(market, phase, plan.end_of_call() if plan is not None else 0)
            return
        call = market.book.call
        if phase not in (Phase.BATCH, Phase.CLOSED) and call is not None and (call.only or call.is_crossed):
            # A halt ended a call, or the plan knows none: nothing may go on crossed.
            self._begin(market, Phase.REOPENING, floor.time)
            return
        self.calls.pop(market.symbol, None)
        self.deferred.pop(market.symbol, None)
        floor.timers.forget(CALL, market.symbol)
        was_closed = market.phase is Phase.CLOSED
        market.phase, market.until = phase, plan.until(phase) if plan is not None else 0
        if phase is Phase.BATCH:
            market.until = 0
            market.auction_id += 1
            floor.ask_auction(market)
            market.book.begin_call()
            self.calls[market.symbol] = CallTimes()
            self.changed(market)
        elif call is not None and not call.only and not call.is_crossed:
            market.book.end_call()
        floor.tell_state(market)
        if phase is Phase.CLOSED and not was_closed and plan is not None:
            self._close(market, plan.trading_day)

    def _close(self, market: TradedInstrument, trading_day: str) -> None:
        if market.statistics.last:
            market.closing_price, market.closing_day = market.statistics.last, trading_day
        market.auction_price = 0
        for follow in self.on_close:
            follow(market, trading_day)


def _plan_row(row: tuple[str, Plan]) -> tuple[Any, ...]:
    name, plan = row
    return "calendar", name, plan.tzdata, plan.days_ahead(), plan.steps[-1].time_us if plan.steps else 0
