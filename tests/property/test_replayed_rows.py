"""A verification makes the rows of what it replays as the ledger's writer makes them of the packets' bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outcry.time_machine.replayed_rows import ReplayedRows
from services.ledger.asked_commands import AskedCommands
from services.ledger.command_block import StoredEntry
from services.ledger.rows import Memory, Rows
from services.matching import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import ACTIONS, Command, encode_commands
from shared.logs.feed_entry import FeedEntry
from shared.logs.packet import FeedId, decode_packet, encode_packet
from shared.logs.stream_keys import COMMANDS_FIELD
from tests.property.account_flow import account_logs
from tests.property.command_flow import command_logs
from tests.property.examples import FEWER
from tests.property.funded_flow import funded_logs
from tests.property.recorded_market import START_MS
from tests.property.rule_flow import rule_logs

LOGS = st.one_of(funded_logs(), account_logs(), command_logs(), rule_logs())
HISTORY, TERM, PUBLISHED = 3, 2, 17


@FEWER
@given(log=LOGS, cuts=st.sets(st.integers(0, 80)))
def test_rows_of_a_replayed_packet_are_those_of_its_bytes(log: list[Command], cuts: set[int]) -> None:
    builder = PacketBuilder(Engine())
    written, replayed = Rows(HISTORY, Memory()), ReplayedRows(HISTORY, Memory())
    asked: list[StoredEntry] = []
    has_acts = False
    packets = 0
    for n, command in enumerate([*log, None]):
        if n in cuts or command is None:
            packet = builder.take()
            if packet is not None:
                data = encode_packet(packet)
                entry = FeedEntry(FeedId(TERM, packet.position), decode_packet(data), data, PUBLISHED)
                written.add(entry, AskedCommands(asked))
                replayed.add(packet, data, (TERM, PUBLISHED), asked, has_acts=has_acts)
                packets += 1
            asked.clear()
            has_acts = False
        if command is not None:
            ms = START_MS + n * 700
            asked.append((f"{ms}-0".encode(), {COMMANDS_FIELD: encode_commands([command])}))
            has_acts = has_acts or type(command) in ACTIONS.values()
            builder.apply(command, ms * 1_000)
    del written.by_table["packet"]
    replayed.by_table.pop("packet", None)
    assert {table: rows for table, rows in replayed.by_table.items() if rows} == written.by_table
    assert (replayed.packets, replayed.commands) == (written.packets, written.commands)
    assert replayed.count == packets + sum(map(len, written.by_table.values()))
