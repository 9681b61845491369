"""What is tried: each case hurts a site in one way, and names the alerts that this must raise."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.alerts import faults
from tests.alerts.site import AlertSite, SiteOptions

Act = Callable[[AlertSite], contextlib.AbstractAsyncContextManager[None]]


class Case(NamedTuple):
    """A fault, and what it must raise."""

    name: str
    act: Act
    """The fault is there while this is entered."""
    raises: frozenset[str] = frozenset()
    """Each must fire within the time that it states."""
    also: frozenset[str] = frozenset()
    """What may fire besides, as a consequence."""
    options: SiteOptions = SiteOptions()
    watch_s: float = 0.0
    """How long to watch at least; a case that raises nothing needs it."""


def cases(healthy_s: float) -> list[Case]:
    """
    Return all of them.

    Args:
        healthy_s: How long a market in which nothing happens is watched.
    """
    wired, door = SiteOptions(is_wired=True), SiteOptions(door_sessions=20)
    seldom = SiteOptions(engine_settings={"OUTCRY_CHECKPOINT_INTERVAL_S": "60"})
    short = SiteOptions({"OUTCRY_CHECKPOINT_INTERVAL_S": "0.5", "OUTCRY_COMMAND_ENTRIES_MAX": "1"}, rate=200)
    little = {"OUTCRY_LEDGER_HOLD_ENTRIES": "2000", "OUTCRY_COMMAND_ENTRIES_MAX": "1"}
    idle, recorded = SiteOptions(rate=0), SiteOptions(has_ledger=True)
    few = SiteOptions(gateway_settings={"OUTCRY_CONNECTIONS_MAX": "20"})
    return [
        _case("nothing happens", faults.nothing, watch_s=healthy_s),
        _case("brief faults", faults.brief, watch_s=70.0),
        _case("an engine is away for 80 s", faults.standby_away, "NoStandby", watch_s=160.0),
        _case("a third engine joins and leaves", faults.third_engine, watch_s=60.0),
        _case("both engines die", faults.engines_die, "NoLeader NoStandby FeedStale"),
        _case("the leader dies again and again", faults.leaders_die, "LeaderChanges"),
        _case("a third engine writes to another store", faults.other_store, "TwoLeaders"),
        _case("a gateway is cut off from Redis", faults.cut_gateway, "FeedStale", options=wired),
        _case("a gateway is far from Redis", functools.partial(faults.far, "gateway-1"), "FeedSlow", options=wired),
        _case("the leader is far from Redis", faults.far_leader, "StoreSlow", "FeedSlow", options=wired),
        _case("a gateway has too little CPU", faults.starved_gateway, "EventLoopLag", "FeedSlow UsersLag"),
        _case("a gateway loses its place", faults.lost_place, "Resyncs", "FeedStale"),  # unfed at each loss
        _case("users never read", faults.silent_users, "UsersLag AbortRate", options=SiteOptions(rate=500)),
        _case("gateways are nearly full", faults.crowd, "GatewaysFull", options=few),
        _case("a gateway dies", faults.gateway_dies, "GatewaysFew"),
        _case("haproxy dies", faults.door_dies, "BalancerDown", options=door),
        _case("haproxy is nearly full", faults.crowd_at_door, "DoorFull", options=door),
        _case("Redis is full", faults.full, "StoreFull", "NoLeader NoStandby FeedStale CheckpointsFail"),
        _case("Redis loses its last entries", faults.lost_tail, "StoreLostTail", "Resyncs"),
        _case("a damaged checkpoint is found", faults.damaged_checkpoint, "CheckpointRefused", options=seldom),
        _case(
            "no checkpoint can be read",
            faults.broken_store,
            "EngineBroken NoLeader",
            "NoStandby FeedStale CheckpointRefused",
        ),
        _case("the command log has rubbish", faults.rubbish_in_log, "CorruptEntry"),
        _case("two trading days are planned", faults.plan_ends, "ScheduleEnds"),
        _case("the store's clock is ahead of the leader's", faults.clock_ahead, "ClocksDisagree"),
        _case("an option ends without a price", faults.unsettled_option, "SettlementPending", options=idle),
        _case("a recorded market is left alone", faults.nothing, options=recorded, watch_s=healthy_s / 2),
        _case("the ledger is away", faults.ledger_away, "LedgerDown", options=recorded),
        _case("the ledger's database is locked", faults.locked_database, "LedgerBehind", options=recorded),
        _case(
            "what is held for the ledger has a bound",
            faults.held_for_ledger,
            "LedgerHold",
            "LedgerGap LedgerBehind",
            options=SiteOptions({**little, "OUTCRY_CHECKPOINT_INTERVAL_S": "0.5"}, has_ledger=True, rate=500),
        ),
        _case("packets are gone before they are written", faults.unwritten_packets, "LedgerGap", options=recorded),
        _case("the database refuses a row", faults.refused_row, "LedgerStopped", "LedgerDown", options=recorded),
        _case("checkpoints are killed", faults.killed_checkpoints, "CheckpointsFail"),
        _case("the standby is paused again and again", faults.paused_standby, "StandbyDiffers", options=short),
    ]


def _case(name: str, act: Act, raises: str = "", also: str = "", **rest: Any) -> Case:
    return Case(name, act, frozenset(raises.split()), frozenset(also.split()), **rest)
