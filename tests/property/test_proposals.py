"""Random administrators at random times: the engine answers and does what the plainest administration would."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import Code, MarketState, TransferKind
from services.matching import Engine
from services.matching.accounts.funded_account import FundedAccount
from services.matching.packet_builder import PacketBuilder
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import Confirm, ListInstrument, Propose, ProposedAction, SetMarketState
from shared.logs.events import AdministrativeAct, Outcome
from shared.logs.market_commands import BeginAccounts, EndOrders, MakeTransfer, SetTerms
from shared.logs.packet import decode_packet, encode_packet
from tests.property.naive_proposals import DAY_US, NaiveAction, NaiveAdministration

ACME = Instrument("ACME", price_max=1_000, quantity_max=100)
ACTORS = st.sampled_from(["adam", "eve"])
IDS = st.sampled_from(["p1", "p2", "p3", "p4"])
ACTIONS = (
    st.tuples(st.just("refer"), st.sampled_from([0, 7, 1_000, 1_001]))
    | st.tuples(st.sampled_from(["halt", "resume", "end"]), st.just(0))
    | st.tuples(st.sampled_from(["deposit", "withdraw"]), st.sampled_from([5, 6, 11]))
)
STEPS = st.tuples(
    ACTORS, IDS, st.lists(ACTIONS, min_size=1, max_size=3), st.sampled_from([0, 0, 1, DAY_US - 1, DAY_US])
)
CONFIRMATIONS = st.tuples(ACTORS, IDS, st.none(), st.sampled_from([0, 0, 1, DAY_US - 1, DAY_US]))


def proposed(action: NaiveAction) -> ProposedAction:
    name, value = action
    match name:
        case "refer":
            return ProposedAction("set_terms", SetTerms("", 0, "", "ACME", value, 0))
        case "halt" | "resume":
            state = MarketState.HALTED if name == "halt" else MarketState.OPEN
            return ProposedAction("set_market_state", SetMarketState("", 0, "ACME", state, ""))
        case "end":
            return ProposedAction("end_orders", EndOrders("", 0, "", "ann", None))
    kind, debit, credit = TransferKind.DEPOSIT, "~bank", "ann"
    if name == "withdraw":
        kind, debit, credit = TransferKind.WITHDRAWAL, "ann", "~bank"
    transfer = MakeTransfer("", 0, "", f"{name}-{value}", kind, "USD", debit, credit, value, 0, "", False)
    return ProposedAction("make_transfer", transfer)


def begun() -> Engine:
    engine = Engine()
    engine.apply(ListInstrument("leader", 1, ACME), 0)
    engine.apply(BeginAccounts("leader", 2, "adam"), 0)
    return engine


def facts(engine: Engine) -> tuple[int, int, str]:
    account, market = engine.accounts.get("ann"), engine.instruments["ACME"]
    purse = account.purses.get("USD") if isinstance(account, FundedAccount) else None
    return (purse.amount if purse is not None else 0), market.reference, market.state.value


@given(steps=st.lists(STEPS | CONFIRMATIONS, max_size=25), at=st.integers(0, 25))
@example(steps=[("adam", "p1", [("deposit", 5)], 0), ("eve", "p1", None, DAY_US - 1)], at=1)
@example(steps=[("adam", "p1", [("deposit", 5), ("refer", 7)], 0), ("eve", "p1", None, 0)], at=1)
def test_proposals_are_as_in_plain_words(steps: list[Any], at: int) -> None:
    """Answers, the market, and the acts told; a checkpoint at any point changes nothing."""
    engine, naive = begun(), NaiveAdministration()
    builder = PacketBuilder(engine)
    now = 0
    for number, (actor, proposal_id, actions, later) in enumerate(steps, 1):
        now += later
        if number == at:
            builder = PacketBuilder(decode_checkpoint(encode_checkpoint(Checkpoint(builder.engine, 1, "s"))).engine)
        if actions is None:
            command: Any = Confirm("gateway", number, actor, proposal_id)
            expected = naive.confirm(actor, proposal_id, now)
        else:
            command = Propose("gateway", number, actor, proposal_id, tuple(map(proposed, actions)))
            expected = naive.propose(actor, proposal_id, actions, now)
        *events, outcome = builder.apply(command, now)
        assert isinstance(outcome, Outcome)
        assert (outcome.code, bool(outcome.text)) == (expected, expected is not Code.OK)
        [act] = [event for event in events if isinstance(event, AdministrativeAct)]
        assert (act.source, act.number, act.actor, act.code, act.time) == ("gateway", number, actor, expected, now)
        if expected is not Code.OK:
            assert events == [act]
        assert facts(builder.engine) == (naive.market.money, naive.market.reference, naive.market.state)
        builder.engine.check_invariants()
        packet = builder.take()
        assert packet is not None
        assert [told[:9] for told in decode_packet(encode_packet(packet)).acts] == [act[:9]]
