"""A gateway's accounts are the engine's: by packets cut anywhere, or from snapshots at any point and packets after it.

Equal means: in every field, whatever the order in which things are named. A part of a holding whose time is over may
be named or not, and so may a holding of which nothing else is left.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.replica import Changes, MarketReplica
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command
from shared.logs.events import PrivateExecution, PrivateTransfer
from shared.logs.market_commands import BeginAccounts
from shared.logs.packet import FeedId, Packet, decode_packet, encode_packet
from shared.logs.rule_commands import RuleKind, RuleParameters, SetRule
from shared.logs.snapshots import (
    decode_accounts,
    decode_book_state,
    encode_accounts,
    encode_book_state,
)
from tests.comparable_account import comparable
from tests.property.account_flow import account_logs
from tests.property.command_flow import command_logs
from tests.property.examples import FEWER
from tests.property.funded_flow import funded_logs
from tests.property.rule_flow import START_US, rule_logs

HOLDING_PERIOD = SetRule(
    "office", 1, "root", "held", RuleKind.HOLDING_PERIOD, (), (), 0, 0, RuleParameters(days=1), discreet=False
)
"""For everybody, so that most fills hold lots back."""
CUTS = st.sets(st.integers(0, 70))
LOGS = st.one_of(funded_logs(), funded_logs(), account_logs(), command_logs())


def packets(log: list[Command], cuts: set[int], start_us: int = 0) -> tuple[Engine, list[Packet], list[MarketReplica]]:
    """The log's packets, as readers decode them, and replicas that began before the first, and at each cut."""
    builder = PacketBuilder(Engine())
    found: list[Packet] = []
    replicas = [MarketReplica()]
    for n, command in enumerate(log):
        if n in cuts and (packet := builder.take()) is not None:
            found.append(decode_packet(encode_packet(packet)))
            apply(replicas, found[-1])
            replicas.append(MarketReplica())
            load(replicas[-1], builder.engine)
        builder.apply(command, start_us + n * 1_000_000)
    if (packet := builder.take()) is not None:
        found.append(decode_packet(encode_packet(packet)))
        apply(replicas, found[-1])
    return builder.engine, found, replicas


def apply(replicas: list[MarketReplica], packet: Packet) -> None:
    for replica in replicas:
        replica.apply(FeedId(1, packet.position), packet, 0, Changes())


def load(replica: MarketReplica, engine: Engine) -> None:
    accounts = {user: account.message() for user, account in engine.accounts.items()}
    states = [market.book_state(engine.epoch, "1-1") for market in engine.instruments.values()]
    replica.load(
        FeedId(1, engine.position),
        [market.instrument for market in engine.instruments.values()],
        [decode_book_state(encode_book_state(state)) for state in states],
        decode_accounts(encode_accounts(accounts)),
        0,
    )


@FEWER
@given(log=LOGS, cuts=CUTS)
def test_every_account_is_the_engines(log: list[Command], cuts: set[int]) -> None:
    engine, _, replicas = packets(log, cuts)
    check_replicas(engine, replicas)


@FEWER
@given(log=rule_logs(), cuts=CUTS)
def test_every_account_is_the_engines_under_rules(log: list[Command], cuts: set[int]) -> None:
    """Also what a holding period holds back, which begins with a fill."""
    begun = next(n for n, command in enumerate(log, 1) if isinstance(command, BeginAccounts))
    engine, _, replicas = packets([*log[:begun], HOLDING_PERIOD, *log[begun:]], cuts, START_US)
    check_replicas(engine, replicas)


def check_replicas(engine: Engine, replicas: list[MarketReplica]) -> None:
    for replica in replicas:
        assert replica.keeps_accounts is (engine.accounting is not None)
        assert set(replica.accounts) <= set(engine.accounts)
        for user, account in engine.accounts.items():
            expected = comparable(account.message(), engine.time)
            assert comparable(replica.account(user), engine.time) == expected
        for symbol, market in engine.instruments.items():
            assert replica.instruments[symbol].terms == market.terms()


@FEWER
@given(log=LOGS, cuts=CUTS)
def test_what_is_passed_on_is_numbered_without_holes(log: list[Command], cuts: set[int]) -> None:
    """Transfers and executions of a user share their numbers, and go out in their order."""
    _, found, _ = packets(log, cuts)
    replica, numbers, passed_on = MarketReplica(), dict[str, int](), 0
    for packet in found:
        changes = Changes()
        replica.apply(FeedId(1, packet.position), packet, 0, changes)
        for user, private in changes.executions:
            numbers[user] = numbers.get(user, 0) + 1
            assert private.user_seq == numbers[user]
        passed_on += len(changes.executions)
        again = Changes()
        replica.apply(FeedId(1, packet.position), packet, 0, again)
        assert not again.executions
        assert not again.terms
        assert not again.beginnings
    private_rows = [row for packet in found for row in (*packet.executions, *packet.transfers)]
    assert passed_on == len(private_rows)
    assert all(isinstance(row, PrivateExecution | PrivateTransfer) for row in private_rows)
