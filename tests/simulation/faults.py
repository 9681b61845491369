"""The seeded faults: what goes wrong, when, and for how long.

Owns the list of faults and their end: `stop` heals all of it. Every fault is drawn from one stream of chance, so a
seed always brings the same ones. Each run has its own mix: some kinds are left out, others come often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from services.matching.aio.settings import Durability
from tests.simulation import parts
from tests.simulation.parts import EnginePart, GatewayPart, Part
from tests.simulation.store_server import NAME as STORE

if TYPE_CHECKING:
    from tests.simulation.market import Market
    from tests.simulation.process import Process

WITNESSED: Final = "short failover, a leader alive that keeps all that is lost"
"""The one failover that nobody may notice."""
HALF_ASLEEP: Final = "rollback beyond a whole term, the one before it half asleep"
"""The one case in which publish.lua's look at the lease is what keeps two leaders apart."""
WITNESSED_MS: Final = 400
"""How much it loses: so little that the lease, which goes back as well, has not ended before its holder returns."""
CLOCK_SKEW_S: Final = 1.5
"""How far the clock of a promoted replica is off."""
INTERVAL_S: Final = (0.1, 3.0)


class Faults:
    """
    What goes wrong in one run.

    Args:
        market: What it happens to.
        only: The kinds that may happen; without any, all but the last one.
    """

    def __init__(self, market: Market, only: Sequence[str] = ()) -> None:
        self.is_on = False
        self._market = market
        self._random = market.world.stream("faults")
        kinds: dict[str, Callable[[], str]] = {
            "crash of an engine": self._crash_engine,
            "stop of an engine": self._stop_engine,
            "freeze of an engine": self._freeze_engine,
            "crash of a gateway": self._crash_gateway,
            "stop of a gateway": self._stop_gateway,
            "freeze of a gateway": self._freeze_gateway,
            "partition": self._partition,
            "slow network": self._slow_down,
            "reset of connections": self._reset,
            "lost answer of a publication": self._lose_answer,
            "freeze of the store": self._freeze_store,
            "restart of the store": self._restart_store,
            "rollback of the store": self._roll_back,
            "rollback, leader dead": self._roll_back_without_leader,
            "rollback, all engines dead": self._roll_back_without_engines,
            "short failover, then the leader ends": self._roll_back_and_end,
            "rollback beyond a whole term": self._roll_back_beyond_a_term,
            HALF_ASLEEP: self._roll_back_beyond_a_term_of_the_half_asleep,
            "two stores": self._split,
            "trimmed feed": self._trim_feed,
            "slow store": self._slow_store,
            "damaged frames": self._damage_frames,
            "damaged checkpoint": self._damage_checkpoint,
            "repeated command": self._repeat_command,
            "slow user": self._slow_user,
            "silent user": self._silent_user,
            "disconnected user": self._disconnect_user,
            "rubbish from a user": self._rubbish,
            WITNESSED: self._roll_back_before_a_witness,
        }
        self._kinds = {kind: strike for kind, strike in kinds.items() if (kind in only if only else kind != WITNESSED)}
        self._weights = {kind: self._random.choice([0, 1, 1, 2, 4]) for kind in self._kinds}

    def start(self) -> None:
        """Let things go wrong from now on."""
        self.is_on = True
        self._next()

    def stop(self) -> None:
        """Heal everything, and let nothing go wrong any more."""
        self.is_on = False
        network = self._market.network
        for route in list(network.partitions):
            network.heal(*route)
        network.slow.clear()
        network.damaged.clear()
        store = self._market.store
        store.reunite()
        store.call_takes_s = 0.0
        store.thaw()
        for part in self._market.parts():
            if part.process is not None:
                part.process.thaw()
        for user in self._market.users:
            user.go_on_reading()
            user.start_over()

    def _next(self) -> None:
        self._market.world.after(self._random.uniform(*INTERVAL_S), self._strike)

    def _strike(self) -> None:
        if not self.is_on:
            return
        kinds = list(self._kinds)
        [kind] = self._random.choices(kinds, [self._weights[each] + 0.05 for each in kinds])
        detail = self._kinds[kind]()
        self._market.world.note("FAULT", f"{kind}: {detail}", kind=kind)
        self._next()

    def _later(self, delay_s: float, callback: Callable[[], object]) -> None:
        self._market.world.after(delay_s, callback)

    def _span(self) -> float:
        """Mostly short, sometimes longer than every patience."""
        return self._random.choice([0.05, 0.3, 1.0, 2.0, 4.0, 8.0]) * self._random.uniform(0.5, 1.5)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _engine(self) -> EnginePart:
        """The leader as often as not."""
        leader = self._market.leader()
        if leader is not None and self._random.random() < 0.5:
            return leader
        return self._random.choice(self._market.engines)

    def _gateway(self) -> GatewayPart:
        return self._random.choice(self._market.gateways)

    def _crash(self, part: Part) -> str:
        restart_s = self._span() / 2
        part.kill(restart_s)
        return f"{part.name} for {restart_s:.2f} s"

    def _crash_engine(self) -> str:
        return self._crash(self._engine())

    def _crash_gateway(self) -> str:
        return self._crash(self._gateway())

    def _stop_engine(self) -> str:
        engine = self._engine()
        engine.stop()
        return engine.name

    def _stop_gateway(self) -> str:
        gateway = self._gateway()
        gateway.stop()
        return gateway.name

    def _freeze(self, part: Part) -> str:
        process, span = part.process, self._span()
        if process is None:
            return "nobody"
        process.freeze()
        self._later(span, process.thaw)
        return f"{part.name} for {span:.2f} s"

    def _freeze_engine(self) -> str:
        return self._freeze(self._engine())

    def _freeze_gateway(self) -> str:
        return self._freeze(self._gateway())

    # -- the network --------------------------------------------------------------------------------------------------

    def _someone(self) -> Part:
        return self._random.choice(self._market.parts())

    def _partition(self) -> str:
        part, span = self._someone(), self._span()
        if part.process is None:
            return "nobody"
        name, network = part.process.name, self._market.network
        network.partition(name, STORE)
        self._later(span, lambda: network.heal(name, STORE))
        return f"{name} from the store for {span:.2f} s"

    def _slow_down(self) -> str:
        part, span = self._someone(), self._span()
        name = STORE if self._random.random() < 0.3 or part.process is None else part.process.name
        slow = self._market.network.slow
        slow[name] = None
        self._later(span, lambda: slow.pop(name, None))
        return f"{name} for {span:.2f} s"

    def _reset(self) -> str:
        part = self._someone()
        if part.process is None:
            return "nobody"
        self._market.network.reset(part.process.name, STORE)
        return part.process.name

    def _lose_answer(self) -> str:
        """The packet lands, and its writer does not hear of it; sometimes because the store restarts."""
        market = self._market
        restarts = self._random.random() < 0.5

        def ambush(name: str) -> None:
            if self.is_on and restarts:
                self._fail_over(0, 0.0)
            elif self.is_on:
                market.network.reset(name, STORE)

        market.store.ambush = ambush
        return "and the store restarts" if restarts else "and the connection is reset"

    # -- the store ----------------------------------------------------------------------------------------------------

    def _freeze_store(self) -> str:
        span = self._span() / 2
        self._market.store.freeze()
        self._later(span, self._market.store.thaw)
        return f"{span:.2f} s"

    def _restart_store(self) -> str:
        return self._fail_over(0)

    def _roll_back(self) -> str:
        calls = self._random.choice([1, 2, 5, 20, 60, 200, 400])
        return self._fail_over(self._random.randint(1, calls))

    def _roll_back_without_leader(self) -> str:
        leader = self._market.leader()
        if leader is not None:
            leader.kill(self._span() / 2)
        return self._roll_back()

    def _roll_back_without_engines(self) -> str:
        for engine in self._market.engines:
            engine.kill(self._span() / 2)
        return self._roll_back()

    def _roll_back_before_a_witness(self) -> str:
        engine, market = self._market.leader(), self._market
        leader = market.world.leaders.get(engine.process.name) if engine and engine.process else None
        if leader is None:
            return "nothing: nobody leads"
        feed, model = market.history.keys.feed.encode(), market.store.model
        now_ms = round((market.world.wall_s() + market.store.clock_skew_s) * 1000)
        calls = model.calls_since(now_ms - WITNESSED_MS, feed, leader.term)
        return self._fail_over(self._random.randint(0, calls), self._random.choice([0.0, 0.05, 0.1]), is_in_step=True)

    def _roll_back_and_end(self) -> str:
        """The leader heals the store and ends; the standby has read what is no longer there."""
        leader = self._market.leader()
        detail = self._roll_back_before_a_witness()
        if self._random.random() < 0.7:  # no command comes meanwhile: what was read last stays what is gone
            for process in [part.process for part in self._market.gateways if part.process is not None]:
                process.freeze()
                self._later(2.5, process.thaw)
        if leader is not None and leader.process is not None:
            self._end_once_healed(leader, leader.process, self._random.uniform(0.05, 0.6))
        return detail

    def _end_once_healed(self, engine: EnginePart, process: Process, after_s: float) -> None:
        market = self._market
        leader = market.world.leaders.get(process.name)
        if not self.is_on or engine.process is not process or leader is None:
            return
        if leader._publisher.store_id == market.store.model.replication_id:
            self._later(after_s, engine.stop if self._random.random() < 0.5 else lambda: engine.kill(3.0))
        else:
            self._later(0.01, lambda: self._end_once_healed(engine, process, after_s))

    def _roll_back_beyond_a_term(self) -> str:
        """The leader sleeps, another leads, the store forgets it: only the age of his lease tells the first one."""
        sleeping = self._market.leader()
        if sleeping is None or sleeping.process is None:
            return "nothing: nobody leads"
        process = sleeping.process
        process.freeze()
        self._later(self._random.uniform(1.4, 4.0), lambda: self._forget_the_other(process))
        return f"{process.name} sleeps"

    def _roll_back_beyond_a_term_of_the_half_asleep(self) -> str:
        """The leader wakes for a moment, just when another has the lease and has not announced its term."""
        sleeping = self._market.leader()
        if sleeping is None or sleeping.process is None:
            return "nothing: nobody leads"
        process = sleeping.process
        process.freeze()
        self._wake_between(process, self._market.world.now + 4.0)
        return f"{process.name} sleeps, but for a moment"

    def _wake_between(self, sleeping: Process, until: float) -> None:
        market = self._market
        other = market.leader()
        if not self.is_on or market.world.now > until:
            sleeping.thaw()
        elif other is None or other.process is None or other.process is sleeping:
            self._later(0.002, lambda: self._wake_between(sleeping, until))
        else:
            name = other.process.name
            market.network.slow[name] = None  # its announcement is late
            sleeping.thaw()
            self._later(self._random.uniform(0.02, 0.3), lambda: self._sleep_on(sleeping, name))

    def _sleep_on(self, sleeping: Process, other: str) -> None:
        self._market.network.slow.pop(other, None)
        if self.is_on:
            sleeping.freeze()
            self._later(self._random.uniform(0.3, 0.7), lambda: self._forget_the_other(sleeping))

    def _forget_the_other(self, sleeping: Process) -> None:
        market = self._market
        other = market.leader()
        present = market.world.leaders.get(other.process.name) if other and other.process else None
        if self.is_on and other is not None and present is not None and other.process is not sleeping:
            other.kill(self._span())
            calls = market.store.model.calls_since(0, market.history.keys.feed.encode(), present.term) + 1
            detail = self._fail_over(calls + self._random.randint(0, 3), 0.0)
            market.world.note("FAULT", f"the whole term of {other.name} is lost: {detail}")
        sleeping.thaw()

    def _fail_over(self, calls: int, span: float | None = None, *, is_in_step: bool = False) -> str:
        if span is None:
            span = self._random.choice([0.0, 0.1, 0.5, 1.5, 3.0])
        market, store = self._market, self._market.store
        calls = min(calls, store.model.undoable)
        store.down()
        store.model.roll_back(calls)
        store.model.restart()
        if calls and not is_in_step:
            store.clock_skew_s = self._random.choice([0.0, self._random.uniform(-CLOCK_SKEW_S, CLOCK_SKEW_S)])
        market.history.rolled_back()
        market.rollbacks += bool(calls)
        self._later(span, store.up)
        return f"{calls} calls lost, back after {span:.1f} s at {market.history.head}"

    def _split(self) -> str:
        """
        A replica is promoted, and the former primary goes on taking writes from those who have not noticed.

        The leader is one of them, and gateways. If nothing is told before replicas have it, it may be anybody. Without
        that, an engine that stays behind could lead there in the same epoch: see docs/simulation.md.
        """
        market, store = self._market, self._market.store
        leader = market.leader()
        if leader is None or leader.process is None or store.is_split:
            return "nothing: nobody leads, or there are two"
        engines: list[Part] = [leader]
        if parts.MATCHING.durability is Durability.REPLICA:
            engines = [engine for engine in market.engines if self._random.random() < 0.5]
        gateways = [gateway for gateway in market.gateways if self._random.random() < 0.7]
        stay = {part.process.name for part in [*engines, *gateways] if part.process is not None}
        span = self._span()
        share = self._random.choice([1.0, 0.7])
        store.split(lambda name: name in stay and self._random.random() < share)
        market.history.split()
        market.rollbacks += 1
        self._later(span, store.reunite)
        return f"{', '.join(sorted(stay)) or 'nobody'} at the former primary for {span:.2f} s"

    def _slow_store(self) -> str:
        """Every command takes its time, one after the other: a disk that stalls, a neighbour that is busy."""
        store, span = self._market.store, self._span()
        store.call_takes_s = self._random.choice([0.002, 0.01, 0.03])
        self._later(span, lambda: setattr(store, "call_takes_s", 0.0))
        return f"{store.call_takes_s * 1000:.0f} ms a command for {span:.2f} s"

    def _damage_frames(self) -> str:
        """Bytes between a user and gateways change on their way, as without TLS they might."""
        user, network, span = self._random.choice(self._market.users), self._market.network, self._span()
        network.damaged[user.name] = None
        self._later(span, lambda: network.damaged.pop(user.name, None))
        return f"{user.name} for {span:.2f} s"

    def _damage_checkpoint(self) -> str:
        """Of two, the newest, and end who could store another one: the next engine has the other one alone."""
        model, history = self._market.store.model, self._market.history
        newest, previous = history.checkpoints()
        if newest is None or previous is None or previous in history.damaged:
            return "none"
        at = self._random.randrange(len(newest))
        damaged = newest[:at] + bytes([newest[at] ^ 1 << self._random.randrange(8)]) + newest[at + 1 :]
        history.damaged.add(damaged)
        model.call(b"SET", history.keys.checkpoint.encode(), damaged)
        ended = [self._crash(engine) for engine in self._market.engines if self._random.random() < 0.7]
        return f"byte {at} of {len(newest)}; {', '.join(ended) or 'all live on'}"

    def _trim_feed(self) -> str:
        market = self._market
        market.history.was_trimmed = True
        keep = self._random.randint(1, 10)
        market.store.call("operator", [b"XTRIM", market.history.keys.feed.encode(), b"MAXLEN", b"%d" % keep])
        return f"to {keep}"

    def _repeat_command(self) -> str:
        market = self._market
        key = market.history.keys.commands.encode()
        stream = market.store.model.streams.get(key)
        if stream is None or not stream.ids:
            return "nothing"
        fields = stream.fields[-1 - self._random.randrange(min(5, len(stream.ids)))]
        market.store.call("repeater", [b"XADD", key, b"*", *fields])
        return f"{len(fields[1])} bytes"

    # -- users --------------------------------------------------------------------------------------------------------

    def _slow_user(self) -> str:
        user, span = self._random.choice(self._market.users), self._span()
        user.stop_reading()
        self._later(span, user.go_on_reading)
        return f"{user.name} for {span:.2f} s"

    def _silent_user(self) -> str:
        user = self._random.choice(self._market.users)
        user.stop_reading()
        return user.name

    def _disconnect_user(self) -> str:
        user = self._random.choice(self._market.users)
        user.disconnect()
        return user.name

    def _rubbish(self) -> str:
        user = self._random.choice(self._market.users)
        user.talk_rubbish()
        return user.name
