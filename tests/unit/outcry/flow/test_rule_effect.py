"""What a blackout did is told from the feed alone."""

from __future__ import annotations

from openoutcry.wire.types import Code
from outcry.flow.funding import BLACKOUT_S
from outcry.flow.order_flow import OrderFlow
from outcry.flow.rule_effect import RuleEffect
from services.matching.default_listing import DEFAULT_LISTING
from services.matching.engine import Engine
from services.matching.packet_builder import PacketBuilder
from shared.logs.commands import Command, ListInstrument
from shared.logs.packet import decode_packet, encode_packet

DAY_US = 20_000 * 86_400_000_000


def test_orders_that_ended_users_and_refusals_are_counted_and_the_first_sentence_is_kept() -> None:
    engine, flow, effect = Engine(), OrderFlow(DEFAULT_LISTING, "bots-1", seed=1), RuleEffect(Code.BLACKOUT)
    builder = PacketBuilder(engine)

    def apply(commands: list[Command], second: int) -> None:
        for command in commands:
            builder.apply(command, DAY_US + second * 1_000_000)
        if (packet := builder.take()) is not None:
            effect.add(decode_packet(encode_packet(packet)))

    apply([ListInstrument("leader", n, each) for n, each in enumerate(DEFAULT_LISTING, 1)], 0)
    apply([*flow.funding(DAY_US), *flow.opening()], 0)
    for second in range(1, 12):
        apply(flow.commands(300), second)
    assert effect.told() == {"ended": 0, "users": 0, "refused": 0, "sentence": ""}
    apply(flow.blackout(DAY_US + 12_000_000), 12)
    ended = effect.told()
    assert ended["ended"] >= ended["users"] > 0
    assert (ended["refused"], ended["sentence"]) == (0, "")
    for second in range(12, 12 + BLACKOUT_S):
        apply(flow.commands(300), second)
    told = effect.told()
    assert (told["ended"], told["users"]) == (ended["ended"], ended["users"])
    assert told["refused"] > 0
    symbol = DEFAULT_LISTING[0].symbol
    assert told["sentence"].startswith(f"instrument: {symbol} is closed to the group insiders until")
