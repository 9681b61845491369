"""The floor as time passes: what happens by itself before the next command, at its own time, and how much of it.

Owns which time counts, and the order of what is due. Nothing trades at or after its end, whether or not a tick came:
what is due happens before the next command. If it is more than one command may do, the next commands go on, and
whatever could trade is refused meanwhile. Leaves to its parts what happens.
"""

from __future__ import annotations

from typing import Final

from services.matching.floor import EngineConfig, Floor
from services.matching.options.lives import Lives
from services.matching.options.vault import Vault
from services.matching.sessions.phases import Phases
from services.matching.special_orders.waiting_orders import WaitingOrders
from services.matching.timers import NEVER
from shared.logs.commands import Command, PassTime, PlaceOrder, PlaceSpecial, ReplaceOrder, Tick
from shared.logs.mass_quote import MassQuote
from shared.logs.option_commands import Exercise
from shared.logs.session_commands import EndCall

SECOND_US: Final = 1_000_000
NO_LIMIT: Final = NEVER
"""Of the log's time, where the leader's clock is not known."""
TIMER_WORK: Final = 40
"""What one timer that is due counts for, in the units of `chores.WORK_MAX`: so 500 a command."""
_TRADING: Final = (PlaceOrder, ReplaceOrder, PlaceSpecial, MassQuote, Exercise, EndCall)


class TimedFloor(Floor):
    """
    The floor, and what happens on it by itself.

    Args:
        config: As the floor's.
    """

    # See `Floor`.
    __slots__ = ("lives", "phases", "time_limit", "vault", "waiting")

    def __init__(self, config: EngineConfig | None = None) -> None:
        super().__init__(config)
        self.time_limit = NO_LIMIT
        """The log's time does not count beyond: the leader's own clock at its last tick, and what may be between the
        two, µs. A clock that jumps ahead ends nothing before its time."""
        self.waiting = WaitingOrders(self)
        """Stops, and orders that end by themselves."""
        self.phases = Phases(self)
        self.vault = Vault(self)
        self.lives = Lives(self, self.vault)

    def heed_clock(self, tick: Tick | PassTime) -> None:
        """Take the leader's clock; the log's time does not count beyond it."""
        skew_us = self.config.clock_skew_max_s * SECOND_US
        self.time_limit = tick.clock_us + skew_us if tick.clock_us and skew_us else NO_LIMIT
        self.timers.wake_us = min(self.timers.wake_us, self.time_limit + 1)

    def believed(self, command: Command, time_us: int) -> int:
        """Return how much of a time of the log counts: both clocks must have passed a moment."""
        if isinstance(command, Tick | PassTime):
            self.heed_clock(command)
        return max(self.time, min(time_us, self.time_limit))

    def wake(self, command: Command, time_us: int) -> bool:
        """
        Do what is to be done before a command: go on with what was too much for one, and have happen what is due.

        Returns:
            Whether the command must be refused, since it could trade and not all has happened that is due.
        """
        if time_us > self.time_limit:
            time_us = self.believed(command, time_us)
        self.is_behind = False
        if self.chores.waiting:
            self.chores.go_on(self.position)
            if self.electing:
                self.waiting.trigger_elected()
        if self.sweeping:
            self.go_on_sweeping()
        self.phases.go_on()
        self.lives.go_on()
        if time_us >= self.timers.next_due:
            self._run_due(time_us)
        if not self.is_late:
            self.time = max(self.time, time_us)
            if self.electing:
                self.waiting.trigger_elected()
        is_busy = self.is_late or self.sweeping or self.uncrossing or self.lives.settling or self.electing
        self.timers.wake_us = 0 if is_busy else min(self.timers.next_due, self.time_limit + 1)
        return self.is_late and isinstance(command, _TRADING)

    def _run_due(self, time_us: int) -> None:
        """Have happen what is due by then, each at its own time, as much as this command may do."""
        chores = self.chores
        chores.renew(self.position)
        while not chores.waiting:
            if chores.left <= 0:
                self.is_behind = self.timers.is_due(time_us)
                return
            timer = self.timers.pop(time_us)
            if timer is None:
                return
            chores.left -= TIMER_WORK
            self.time = max(self.time, timer.due_us)
            self.on_timer[timer.kind](timer.key)
            if self.electing:
                self.waiting.trigger_elected()
