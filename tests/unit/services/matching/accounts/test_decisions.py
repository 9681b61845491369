"""Two administrators: one proposes, another confirms, and what is carried out is carried out once and whole."""

from __future__ import annotations

import time
from typing import Any

import pytest

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import Code, MarketState, ProposalState, Side, TransferKind
from services.matching.accounts import outlook
from services.matching.accounts.funded_account import FundedAccount
from services.matching.accounts.outlook import NO_ACCOUNTS
from services.matching.accounts.proposals import OPEN_ACTIONS_MAX, OPEN_PROPOSALS_MAX
from services.matching.recovery.checkpoint import Checkpoint, decode_checkpoint, encode_checkpoint
from shared.logs.commands import (
    ACTIONS,
    Confirm,
    ListInstrument,
    Propose,
    ProposedAction,
    ReadMarket,
    SetMarketState,
    Tick,
    decode_commands,
    encode_commands,
)
from shared.logs.events import AdministrativeAct, Event, MarketShown
from shared.logs.market_commands import (
    BeginAccounts,
    EndOrders,
    Limits,
    MakeTransfer,
    SetGroups,
    SetLimits,
    SetTerms,
)
from shared.logs.option_commands import SetSettlementPrice
from shared.logs.rule_commands import RuleKind, RuleParameters, SetClearance, SetKill, SetRule
from shared.logs.session_commands import EndCall, ScheduledStep, SetSchedule
from tests.unit.services.matching.flow import ACME, Desk, code, executions, outcome

HOUR_US = 3_600_000_000
NAMES = {kind: name for name, kind in ACTIONS.items()}
WITHDRAWAL = ("w1", TransferKind.WITHDRAWAL, "USD", "ann", "~bank", 60_000_000, 0, "", False)


def action(kind: Any, *fields: Any) -> ProposedAction:
    head = ("", 0) if kind in (ListInstrument, SetMarketState) else ("", 0, "")
    return ProposedAction(NAMES[kind], kind(*head, *fields))


class Office(Desk):
    """A market with accounts, in which ann has 100.00 USD, and its administrators."""

    def __init__(self, *, four_eyes: bool = True) -> None:
        super().__init__()
        assert code(self.proposes("adam", "begin", action(BeginAccounts, four_eyes))) is Code.OK
        self.does(MakeTransfer, "~", "d1", TransferKind.DEPOSIT, "USD", "~bank", "ann", 100_000_000, 0, "", False)

    def proposes(self, actor: str, proposal_id: str, *actions: ProposedAction) -> list[Event]:
        return self.does(Propose, actor, proposal_id, actions)

    def confirms(self, actor: str, proposal_id: str) -> list[Event]:
        return self.does(Confirm, actor, proposal_id)

    def ann(self) -> int:
        account = self.engine.accounts["ann"]
        assert isinstance(account, FundedAccount)
        return account.purses["USD"].amount


def act(events: list[Event]) -> AdministrativeAct:
    [found] = [event for event in events if isinstance(event, AdministrativeAct)]
    return found


def test_a_transfer_waits_for_another_administrator() -> None:
    office = Office()
    proposed = office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))
    assert (code(proposed), act(proposed).state, office.ann()) == (Code.OK, ProposalState.PROPOSED, 100_000_000)
    confirmed = office.confirms("eve", "p1")
    told = act(confirmed)
    assert (code(confirmed), told.state, office.ann()) == (Code.OK, ProposalState.DONE, 40_000_000)
    assert (told.act, told.actor, told.proposer, told.proposal_id) == ("confirm", "eve", "adam", "p1")
    assert told.actions == (action(MakeTransfer, *WITHDRAWAL),)
    office.engine.check_invariants()


def test_nobody_confirms_what_they_proposed() -> None:
    office = Office()
    office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))
    refused = office.confirms("adam", "p1")
    assert outcome(refused).text == "actor: adam proposed it, another administrator confirms"
    assert (code(refused), act(refused).state, office.ann()) == (Code.FOUR_EYES, ProposalState.PROPOSED, 100_000_000)
    office.proposes("eve", "p1", action(MakeTransfer, *WITHDRAWAL))  # the same again is the same, and no confirmation
    assert office.ann() == 100_000_000
    assert code(office.confirms("adam", "p1")) is Code.FOUR_EYES


def test_what_was_spent_meanwhile_is_refused_at_the_confirmation() -> None:
    """Case 13: nothing is half done, and the proposal waits on."""
    office = Office()
    office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))
    office.place("ann", Side.BID, 500, 10)  # reserves 50.00 of 100.00
    refused = office.confirms("eve", "p1")
    assert outcome(refused)[2:4] == (
        Code.INSUFFICIENT_CASH,
        "amount: needs 60.00 USD, 50.00 are free (50.00 reserved by open orders)",
    )
    assert [type(event).__name__ for event in refused] == ["AdministrativeAct", "Outcome"]
    assert (act(refused).state, office.ann()) == (ProposalState.PROPOSED, 100_000_000)
    office.does(EndOrders, "adam", "ann", None)
    assert code(office.confirms("eve", "p1")) is Code.OK
    office.engine.check_invariants()


def test_all_actions_of_a_proposal_are_carried_out_or_none() -> None:
    office = Office()
    beta = Instrument("BETA", currency="EUR", price_max=500)
    actions = (
        action(ListInstrument, beta),
        action(SetTerms, "BETA", 400, 1_000),
        action(SetLimits, "", "staff", "BETA", Limits(order_quantity_max=5)),
        action(SetGroups, "bob", ("staff",)),
        action(MakeTransfer, "g1", TransferKind.GRANT, "BETA", "~issuer", "bob", 7, 0, "", False),
        action(MakeTransfer, "g2", TransferKind.DEPOSIT, "EUR", "~bank", "bob", 5, 0, "", False),
    )
    wrong = office.proposes("adam", "p1", *actions, action(SetTerms, "BETA", 501, 0))
    assert outcome(wrong).text == "actions.6.set_terms: reference: is from 1 to 500 ticks, or 0 for none, not 501"
    assert act(wrong).state is ProposalState.NONE
    assert "BETA" not in office.engine.instruments
    assert code(office.proposes("adam", "p1", *actions)) is Code.OK
    assert "BETA" not in office.engine.instruments
    assert code(office.confirms("eve", "p1")) is Code.OK
    bob = office.engine.accounts["bob"]
    assert isinstance(bob, FundedAccount)
    assert (bob.groups, bob.holdings["BETA"].lots, bob.purses["EUR"].amount) == (("staff",), 7, 5)
    assert office.engine.instruments["BETA"].collar_bp == 1_000
    office.engine.check_invariants()


def test_a_confirmation_again_is_the_same() -> None:
    office = Office()
    office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))
    office.confirms("eve", "p1")
    again = office.confirms("eve", "p1")
    assert (code(again), act(again).state, act(again).actions) == (Code.OK, ProposalState.DONE, ())
    again = office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))
    assert (code(again), act(again).state, office.ann()) == (Code.OK, ProposalState.DONE, 40_000_000)
    other = office.proposes("adam", "p1", action(SetTerms, "ACME", 100, 0))
    assert code(other) is Code.DUPLICATE_PROPOSAL
    assert outcome(other).text == "proposal_id: p1 was used before, for something else"


def test_a_proposal_waits_for_less_than_a_day() -> None:
    office = Office()
    office.proposes("adam", "p1", action(SetTerms, "ACME", 100, 0))
    office.time += 24 * HOUR_US
    refused = office.confirms("eve", "p1")
    assert (code(refused), act(refused).state) == (Code.PROPOSAL_EXPIRED, ProposalState.EXPIRED)
    assert outcome(refused).text == "proposal_id: p1 waited for 24 hours; propose it again"
    assert act(office.proposes("adam", "p1", action(SetTerms, "ACME", 100, 0))).state is ProposalState.PROPOSED
    office.time += 24 * HOUR_US - 1
    assert code(office.confirms("eve", "p1")) is Code.OK


def test_what_was_never_proposed_is_not_known() -> None:
    refused = Office().confirms("eve", "p9")
    assert outcome(refused)[2:4] == (Code.UNKNOWN_PROPOSAL, "proposal_id: no proposal p9 waits")
    assert act(refused).proposer == ""


@pytest.mark.parametrize(
    ("proposed", "needs_two"),
    [
        (action(SetMarketState, "ACME", MarketState.HALTED, "news"), False),
        (action(SetMarketState, "ACME", MarketState.CLOSED, "news"), True),
        (action(SetMarketState, "ACME", MarketState.OPEN, ""), True),
        (action(EndOrders, "ann", None), False),
        (action(MakeTransfer, *WITHDRAWAL), True),
        (action(SetLimits, "ann", "", None, Limits(may_short=1)), True),
        (action(SetGroups, "ann", ("staff",)), True),
        (action(SetTerms, "ACME", 1, 1), True),
        (action(ListInstrument, Instrument("BETA")), True),
        (action(BeginAccounts, True), False),
    ],
)
def test_what_one_may_do_is_done_at_once(proposed: ProposedAction, *, needs_two: bool) -> None:
    told = act(Office().proposes("adam", "p1", proposed))
    assert (told.code, told.state) == (Code.OK, ProposalState.PROPOSED if needs_two else ProposalState.DONE)
    assert act(Office(four_eyes=False).proposes("adam", "p1", proposed)).state is (
        ProposalState.DONE if proposed.name != "begin_accounts" else ProposalState.NONE
    )


def test_a_halt_refuses_orders_and_ends_none() -> None:
    office = Office()
    office.place("ann", Side.BID, 100, 1)
    office.proposes("adam", "p1", action(SetMarketState, "ACME", MarketState.HALTED, "news"))
    assert outcome(office.place("ann", Side.BID, 100, 1)).text == "instrument: ACME is halted, because news"
    assert len(office.engine.accounts["ann"].orders) == 1


def test_a_users_orders_are_ended_for_the_exchange() -> None:
    office = Office()
    office.place("ann", Side.BID, 100, 1)
    events = office.proposes("adam", "p1", action(EndOrders, "ann", "ACME"))
    assert outcome(events).cancelled == 1
    assert [execution.reason for execution in executions(events, "ann")] == [Code.BY_EXCHANGE]


def test_four_eyes_are_decided_once() -> None:
    office = Office(four_eyes=False)
    refused = office.proposes("adam", "p1", action(BeginAccounts, True))
    assert outcome(refused).text == "four_eyes: was decided when the accounts began, and stays"


def test_a_market_without_accounts_has_two_administrators_too() -> None:
    desk = Desk()
    halt, resume = ("h", MarketState.HALTED), ("r", MarketState.OPEN)
    for proposal_id, state in (halt, resume):
        events = desk.does(Propose, "adam", proposal_id, (action(SetMarketState, "ACME", state, ""),))
        assert code(events) is Code.OK
    assert desk.engine.instruments["ACME"].state is MarketState.HALTED
    assert code(desk.does(Confirm, "eve", "r")) is Code.OK
    assert desk.engine.instruments["ACME"].state is MarketState.OPEN
    refused = desk.does(Propose, "adam", "t", (action(SetTerms, "ACME", 1, 1),))
    assert outcome(refused).text == NO_ACCOUNTS.text


@pytest.mark.parametrize(
    ("actions", "sentence"),
    [
        (
            (action(EndOrders, "ann", None), action(SetTerms, "ACME", 1, 1)),
            "actions.0.end_orders: is proposed alone; of transfers, deposits and grants go together",
        ),
        (
            (action(SetTerms, "ACME", 1, 1), action(MakeTransfer, *WITHDRAWAL)),
            "actions.1.make_transfer: is proposed alone; of transfers, deposits and grants go together",
        ),
        (
            (action(MakeTransfer, "d9", TransferKind.DEPOSIT, "USD", "~bank", "ann", 1, 0, "", False),) * 2,
            "actions.1.make_transfer: transfer_id: d9 stands twice",
        ),
        ((action(SetMarketState, "ACME", MarketState.HALTED, "a\x00b"),), "reason: is at most 200 characters"),
        ((action(SetMarketState, "NONE", MarketState.HALTED, ""),), "instrument: there is no NONE"),
        ((action(EndOrders, "~bank", None),), "user: '~bank' cannot be a user's name"),
        ((action(ListInstrument, Instrument("USD")),), "instrument: USD's currency USD is an instrument here"),
        (
            (action(ListInstrument, Instrument("X", currency="ACME")),),
            "instrument: X's currency ACME is an instrument here",
        ),
        ((action(ListInstrument, ACME._replace(name="x")),), "instrument: ACME is listed already"),
    ],
)
def test_what_cannot_be_done_is_refused_as_it_is_proposed(actions: tuple[ProposedAction, ...], sentence: str) -> None:
    office = Office()
    refused = office.proposes("adam", "p1", *actions)
    assert outcome(refused).text.startswith(sentence)
    assert act(refused).state is ProposalState.NONE
    assert code(office.confirms("eve", "p1")) is Code.UNKNOWN_PROPOSAL


def test_deposits_of_one_proposal_are_judged_together() -> None:
    """Each alone would fit below the highest amount; both would not."""
    office = Office()
    deposits = [
        action(MakeTransfer, f"d{n}", TransferKind.DEPOSIT, "USD", "~bank", f"u{n}", 2**62 - 1, 0, "", False)
        for n in range(2, 5)
    ]
    refused = office.proposes("adam", "p1", *deposits)
    assert code(refused) is Code.AMOUNT_OUT_OF_RANGE
    assert outcome(refused).text.startswith("actions.1.make_transfer: amount: all accounts together")
    assert code(office.proposes("adam", "p2", deposits[0])) is Code.OK


def test_so_many_proposals_may_wait() -> None:
    office = Office()
    for n in range(OPEN_PROPOSALS_MAX):
        office.proposes("adam", f"p{n}", action(SetTerms, "ACME", 100, 0))
    refused = office.proposes("adam", "more", action(SetTerms, "ACME", 100, 0))
    assert code(refused) is Code.TOO_MANY_PROPOSALS
    assert outcome(refused).text == "proposal_id: 1,024 proposals wait, and there is no room for another"
    office.time += 24 * HOUR_US
    assert code(office.proposes("adam", "more", action(SetTerms, "ACME", 100, 0))) is Code.OK
    office.engine.check_invariants()


def test_whoever_asks_is_shown_what_is_set_and_what_waits() -> None:
    office = Office(four_eyes=False)
    limits = Limits(collar_bp=500, may_short=3)
    office.proposes("adam", "p1", action(SetTerms, "ACME", 100, 0), action(SetLimits, "", "staff", None, limits))
    office.proposes("adam", "p2", action(SetGroups, "ann", ("staff",)))
    [shown, answer] = office.does(ReadMarket, "eve", 0)
    assert isinstance(shown, MarketShown)
    assert (shown.source, shown.number, answer[2]) == ("gateway", office.number, Code.OK)
    assert (shown.revision, shown.total) == (3, 4)
    assert shown.rows == [
        ("market", True, False),
        ("instrument", "ACME", "open", "", 100, 0, {}),
        ("limits", "", "staff", None, {"collar_bp": 500, "may_short": 3}),
        ("groups", "ann", ("staff",)),
    ]
    assert code(office.does(ReadMarket, "eve", -1)) is Code.BAD_REQUEST


def test_what_is_shown_at_once_is_bounded() -> None:
    office = Office()
    terms = action(SetTerms, "ACME", 100, 0)
    for n in range(4):
        office.proposes("adam", f"p{n}", *[terms] * 40)
    seen: list[Any] = []
    while True:
        shown = office.does(ReadMarket, "eve", len(seen))[0]
        assert isinstance(shown, MarketShown)
        assert shown.total == 6
        seen += shown.rows
        if len(seen) == shown.total:
            break
        assert sum(1 + (len(row[-1]) if row[0] == "proposal" else 0) for row in shown.rows) <= 100
    assert [row[1] for row in seen] == [True, "ACME", "p0", "p1", "p2", "p3"]
    assert seen[2][2:] == (
        "adam",
        office.time,
        [("set_terms", {"instrument": "ACME", "reference": 100, "collar_bp": 0})] * 40,
    )


def test_a_large_market_begins_accounts_at_once() -> None:
    """Every instrument beside every other took 22 s for 10,000 of them, in which nobody trades."""
    desk = Desk()
    for n in range(4_000):
        desk.does(ListInstrument, Instrument(f"S{n}"))
    began = time.perf_counter()
    listings = [action(ListInstrument, Instrument(f"N{n}")) for n in range(50)]
    assert code(desk.does(Propose, "adam", "p1", (action(BeginAccounts, True), *listings[:49]))) is Code.OK
    assert code(desk.does(Confirm, "eve", "p1")) is Code.OK
    assert time.perf_counter() - began < 1


def test_proposals_are_in_the_checkpoint() -> None:
    office = Office()
    office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))
    office.proposes("adam", "p2", action(ListInstrument, Instrument("BETA")))
    office.proposes("adam", "p3", action(SetMarketState, "ACME", MarketState.HALTED, "news"))
    data = encode_checkpoint(Checkpoint(office.engine, 1, "store"))
    restored = decode_checkpoint(data).engine
    assert encode_checkpoint(Checkpoint(restored, 1, "store")) == data
    for engine in (office.engine, restored):
        office.engine = engine
        office.number = 100
        assert code(office.confirms("eve", "p1")) is Code.OK
        assert code(office.confirms("eve", "p2")) is Code.OK
        office.does(Tick)
        engine.check_invariants()
    assert restored.instruments["BETA"].instrument == Instrument("BETA")


def test_proposals_survive_the_log() -> None:
    actions = (
        action(BeginAccounts, False),
        action(MakeTransfer, *WITHDRAWAL),
        action(SetLimits, "", "staff", None, Limits(collar_bp=5)),
        action(SetGroups, "ann", ("staff", "finance")),
        action(SetTerms, "ACME", 1, 2),
        action(ListInstrument, Instrument("BETA")),
        action(SetMarketState, "ACME", MarketState.HALTED, "news"),
        action(EndOrders, "ann", None),
        action(SetRule, "Q4", RuleKind.BLACKOUT, ("finance",), ("ACME",), 1, 2, RuleParameters(exercise=True), True),
        action(SetKill, "user", "ann", True, "leaver"),
        action(SetClearance, "C-17", "ann", "ACME", Side.ASK, 100, 0, 5),
        action(SetSchedule, "berlin", "2026.3", (ScheduledStep("2026-11-30", 5, "close"),)),
        action(EndCall, "ACME", 7, True),
        action(SetSettlementPrice, "ACME", "2027-03-19", 100),
    )
    commands = [Propose("g", 1, "adam", "p1", actions), Confirm("g", 2, "eve", "p1"), ReadMarket("g", 3, "eve", 0)]
    assert decode_commands(encode_commands(commands)) == commands  # type: ignore[arg-type]
    assert {each.name for each in actions} == set(ACTIONS)


def test_no_proposal_makes_more_actions_wait_than_may() -> None:
    office = Office()
    deposits = [
        action(MakeTransfer, f"t{n}", TransferKind.DEPOSIT, "USD", "~bank", "ann", 1, 0, "", False) for n in range(50)
    ]
    for n in range(OPEN_ACTIONS_MAX // 50 - 1):
        assert code(office.proposes("adam", f"p{n}", *deposits)) is Code.OK
    assert code(office.proposes("adam", "q", *deposits[:49])) is Code.OK
    assert code(office.proposes("adam", "r", *deposits[:2])) is Code.TOO_MANY_PROPOSALS
    assert code(office.proposes("adam", "s", *deposits[:1])) is Code.OK
    office.engine.check_invariants()


@pytest.mark.parametrize("place", [0, 1])
def test_one_action_that_needs_two_has_all_of_them_wait(place: int) -> None:
    office = Office()
    actions = [action(SetMarketState, "ACME", MarketState.HALTED, "news")] * 2
    actions[place] = action(SetLimits, "ann", "", None, Limits(may_short=1_000))
    assert act(office.proposes("adam", "p", *actions)).state is ProposalState.PROPOSED
    assert office.engine.instruments["ACME"].state is MarketState.OPEN


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            action(SetMarketState, "ACME", MarketState.OPEN, ""),
            action(SetMarketState, "BETA", MarketState.OPEN, ""),
        ),
        (action(ListInstrument, Instrument("C")), action(ListInstrument, Instrument("C", currency="EUR"))),
        (action(SetTerms, "ACME", 5, 0), action(SetTerms, "BETA", 5, 0)),
        (action(SetGroups, "ann", ("a",)), action(SetGroups, "bob", ("a",))),
        (action(SetLimits, "ann", "", None, Limits()), action(SetLimits, "bob", "", None, Limits())),
    ],
)
def test_a_name_that_waits_is_of_no_other_proposal(first: ProposedAction, second: ProposedAction) -> None:
    """What a colleague has read is what a confirmation carries out, to the first field."""
    office = Office()
    office.does(ListInstrument, Instrument("BETA"))
    assert code(office.proposes("adam", "p", first)) is Code.OK
    assert code(office.proposes("eve", "p", second)) is Code.DUPLICATE_PROPOSAL


def test_a_checkpoint_counts_the_actions_that_wait() -> None:
    office = Office()
    office.proposes("adam", "p", *[action(SetTerms, "ACME", n, 0) for n in range(1, 4)])
    office.engine = decode_checkpoint(encode_checkpoint(Checkpoint(office.engine, 1, "store"))).engine
    office.engine.check_invariants()
    assert code(office.confirms("bea", "p")) is Code.OK
    office.engine.check_invariants()


def test_a_proposal_that_expired_may_be_made_again() -> None:
    office = Office()
    office.proposes("adam", "p", action(SetTerms, "ACME", 1, 0))
    office.time += 24 * HOUR_US
    assert act(office.proposes("bea", "p", action(SetTerms, "ACME", 1, 0))).proposer == "bea"
    office.engine.check_invariants()
    assert code(office.confirms("bea", "p")) is Code.FOUR_EYES
    assert code(office.confirms("adam", "p")) is Code.OK


def test_what_a_proposal_needs_is_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(four_eyes=False)

    def grants(name: str, *rows: tuple[str, int]) -> Code:
        made = [
            action(MakeTransfer, f"{name}-{n}", TransferKind.GRANT, "ACME", "~issuer", user, 1, until_us, "", False)
            for n, (user, until_us) in enumerate(rows)
        ]
        return code(office.proposes("adam", name, *made))

    later = office.time + HOUR_US
    assert grants("a", *[("ann", later + n) for n in range(49)]) is Code.OK
    monkeypatch.setattr(outlook, "RESTRICTED_MAX", 51)
    assert grants("b", ("ann", later + 49), ("ann", later + 50), ("ann", later + 51)) is Code.BAD_REQUEST
    assert grants("c", ("ann", later + 49), ("ann", later), ("ann", later + 50)) is Code.OK
    monkeypatch.setattr(outlook, "HOLDINGS_MAX", 5)
    assert grants("d", ("bob", 0), ("cat", 0), ("dan", 0)) is Code.TOO_MANY_HOLDINGS  # with ~issuer's and ann's
    assert grants("e", ("bob", 0), ("cat", 0)) is Code.OK
    monkeypatch.setattr(outlook, "LIMITS_MAX", 1)
    both = [action(SetLimits, user, "", None, Limits(may_short=1)) for user in ("ann", "bob")]
    assert code(office.proposes("adam", "f", *both)) is Code.BAD_REQUEST
    assert code(office.proposes("adam", "g", both[0])) is Code.OK


def test_whoever_confirms_sees_which_limit_is_which() -> None:
    """It was a list of seven values without names."""
    office = Office()
    office.proposes("adam", "p", action(SetLimits, "ann", "", None, Limits(may_short=100)))
    shown = office.does(ReadMarket, "eve", 0)
    [rows] = [event.rows for event in shown if isinstance(event, MarketShown)]
    [(name, fields)] = rows[-1][-1]
    assert (name, fields["limits"]) == ("set_limits", {"may_short": 100})


def test_whoever_proposed_it_takes_it_back_and_nobody_else() -> None:
    office = Office()
    office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))
    refused = office.does(Confirm, "eve", "p1", False, True)
    assert (code(refused), act(refused).state) == (Code.NOT_PERMITTED, ProposalState.PROPOSED)
    assert outcome(refused).text == "actor: adam proposed it, and nobody else withdraws it"
    for _ in range(2):  # again is the same
        withdrawn = office.does(Confirm, "adam", "p1", False, True)
        assert (code(withdrawn), act(withdrawn).act, act(withdrawn).state) == (
            Code.OK,
            "withdraw",
            ProposalState.WITHDRAWN,
        )
    late = office.confirms("eve", "p1")
    assert (code(late), outcome(late).text, office.ann()) == (
        Code.UNKNOWN_PROPOSAL,
        "proposal_id: p1 was withdrawn",
        100_000_000,
    )
    office.engine.check_invariants()
    assert act(office.proposes("adam", "p1", action(MakeTransfer, *WITHDRAWAL))).state is ProposalState.PROPOSED
    assert code(office.confirms("eve", "p1")) is Code.OK
    done = office.does(Confirm, "adam", "p1", False, True)
    assert (code(done), act(done).state, office.ann()) == (Code.UNKNOWN_PROPOSAL, ProposalState.DONE, 40_000_000)
    assert code(office.does(Confirm, "adam", "p9", False, True)) is Code.UNKNOWN_PROPOSAL
