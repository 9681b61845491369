"""The engine is a function of its commands: nothing else decides what it says.

Recovery, the standby, healing and audit all rest on this.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from openoutcry.wire.account import AccountBook
from openoutcry.wire.depth_book import DepthBook
from openoutcry.wire.sequence import Verdict
from openoutcry.wire.types import Code
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder, take_changes
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import CancelOrder, Command, ReplaceOrder
from shared.logs.events import Outcome, PrivateExecution
from shared.logs.packet import Packet, decode_packet, encode_packet
from tests.property.command_flow import command_logs
from tests.property.examples import FEWER

CUTS = st.sets(st.integers(0, 70))


def apply_all(engine: Engine, log: list[Command], start: int = 0) -> list[bytes]:
    """What each command caused, as bytes; times rise by a second each."""
    told = [repr(engine.apply(command, (start + n) * 1_000_000)).encode() for n, command in enumerate(log)]
    take_changes(engine)
    return told


def packets(log: list[Command], cuts: set[int]) -> tuple[Engine, list[Packet]]:
    """The log's packets, as readers decode them, one ending before each cut."""
    builder = PacketBuilder(Engine())
    found: list[Packet] = []
    for n, command in enumerate(log):
        if n in cuts and (packet := builder.take()) is not None:
            found.append(decode_packet(encode_packet(packet)))
        builder.apply(command, n * 1_000_000)
    if (packet := builder.take()) is not None:
        found.append(decode_packet(encode_packet(packet)))
    return builder.engine, found


def state(engine: Engine) -> bytes:
    return encode_checkpoint(Checkpoint(engine, 1, "store"))


@FEWER
@given(log=command_logs(), cuts=CUTS)
def test_batches_are_no_part_of_the_result(log: list[Command], cuts: set[int]) -> None:
    """A run under load and a replay at rest must number and say the same, byte for byte."""
    engine_cut, cut = packets(log, cuts)
    engine_whole, whole = packets(log, set())
    for field in ("trades", "executions", "outcomes", "statuses", "listings", "switches", "acts", "shown"):
        assert repr([row for packet in cut for row in getattr(packet, field)]) == repr(
            [row for packet in whole for row in getattr(packet, field)]
        )
    assert state(engine_cut) == state(engine_whole)
    engine_cut.check_invariants()


@FEWER
@given(log=command_logs(), cuts=CUTS)
def test_merged_changes_compose_to_the_engines_books(log: list[Command], cuts: set[int]) -> None:
    """A gateway that applies every packet holds the engine's books and accounts; positions chain without a hole."""
    engine, cut = packets(log, cuts)
    books: dict[str, DepthBook] = {}
    accounts: dict[str, AccountBook] = {}
    listing = {symbol: market.instrument for symbol, market in engine.instruments.items()}
    position = 0
    for packet in cut:
        assert packet.prev == position
        position = packet.position
        for change in packet.changes:
            book = books.setdefault(change.instrument, DepthBook(change.instrument))
            assert book.seq == change.prev_seq
            assert book.advance(change.seq, 0, change.bids, change.asks, change.digest) is Verdict.APPLY
        for user, execution in packet.executions:
            account = accounts.setdefault(user, AccountBook(listing))
            assert account.apply(execution) is Verdict.APPLY
        for user, on in packet.switches:
            accounts.setdefault(user, AccountBook(listing)).cancel_on_disconnect = on
    assert position == engine.position == len(log)
    for symbol, market in engine.instruments.items():
        replica = books.get(symbol, DepthBook(symbol))
        assert (replica.seq, replica.digest) == (market.book.seq, market.book.digest)
    for user, account in engine.accounts.items():
        replica_account = accounts.get(user, AccountBook(listing)).account()
        message = account.message()
        assert message._replace(orders=sorted(message.orders)) == replica_account._replace(
            orders=sorted(replica_account.orders)
        )


@FEWER
@given(log=command_logs(), at=st.integers(0, 60))
def test_a_checkpoint_continues_identically(log: list[Command], at: int) -> None:
    """A recovered engine must say what the dead one would have said, priorities and counters included."""
    engine = Engine()
    apply_all(engine, log[:at])
    data = state(engine)
    recovered = decode_checkpoint(data).engine
    assert state(recovered) == data
    assert apply_all(recovered, log[at:], at) == apply_all(engine, log[at:], at)
    assert state(recovered) == state(engine)
    recovered.check_invariants()


@FEWER
@given(log=command_logs(), at=st.integers(0, 60))
def test_reading_the_log_again_changes_nothing(log: list[Command], at: int) -> None:
    """After a store's failover the log is read again from an earlier point; nothing may happen twice."""
    engine = Engine()
    apply_all(engine, log)
    before = state(engine)
    for command in log[at:]:
        assert engine.apply(command, 10**15) == []
    assert state(engine) == before
    assert engine.take_changed() == []


@given(log=command_logs())
def test_outcomes_numbers_and_owners(log: list[Command]) -> None:
    """
    Every command has exactly one outcome, every user's executions are numbered, and nobody changes another's order.

    A gateway answers the user's request from the outcome; none may be missing, none doubled. The private stream is
    replicated by its numbers, like a book. Who names another's order is told that there is none.
    """
    engine = Engine()
    numbers: dict[str, int] = {}
    owners: dict[int, str] = {}
    for command in log:
        events = engine.apply(command, 0)
        [outcome] = [event for event in events if isinstance(event, Outcome)]
        assert outcome is events[-1]
        assert (outcome.source, outcome.number) == (command.source, command.number)
        assert bool(outcome.code) == bool(outcome.text)
        is_foreign = (
            isinstance(command, CancelOrder | ReplaceOrder)
            and owners.get(command.order_id, command.user) != command.user
        )
        for event in events:
            if isinstance(event, PrivateExecution):
                numbers[event.user] = numbers.get(event.user, 0) + 1
                assert event.execution.user_seq == numbers[event.user]
                if event.execution.order_id:
                    assert owners.setdefault(event.execution.order_id, event.user) == event.user
        changed = engine.take_changed()
        if is_foreign:
            assert outcome.code is Code.UNKNOWN_ORDER
            assert events == [outcome]
            assert changed == []
