"""Is every acknowledged order in the final history, exactly once? And does every account agree with it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from outcry.chaos.final_history import FinalHistory
from outcry.chaos.trader_record import HeldAccount, SeenExecution, TraderRecord
from outcry.flow.special_effect import SpecialEffect

COMPLAINTS_MAX: Final = 10


class OrderVerdict(NamedTuple):
    """What came of the comparison."""

    acknowledged: int
    """Orders that were acknowledged to traders."""
    lost: int
    """Of these, not in the final history, though no new epoch has said that something may be missing."""
    announced_lost: int
    """Of these, lost with a store that went back, and a new epoch after the acknowledgement said so."""
    duplicated: int
    """Orders that are in the final history more than once, acknowledged or not."""
    contradicted: int
    """Orders that were refused and are in; whose acknowledgement names another order; executions and accounts that are
    not the history's."""
    unresolved: int
    """Orders of which traders do not know yet; neither good nor bad."""
    findings: int
    """What does not hold of the history in itself."""
    complaints: Sequence[str]
    """The first few of all of these, in words."""
    special: Mapping[str, int] = MappingProxyType({})
    """Stops and orders for the day that were accepted, and what came of them, by name."""

    @property
    def is_good(self) -> bool:
        """Whether orders were acknowledged, and nothing is wrong; what was announced as lost is not."""
        return self.acknowledged > 0 and not (self.lost or self.duplicated or self.contradicted or self.findings)


def judge_orders(records: Sequence[TraderRecord], history: FinalHistory) -> OrderVerdict:
    """
    Compare the traders' replies with the final history.

    Args:
        records: Of every trader, from the beginning.
        history: Every packet of it.
    """
    lost = _losses(records, history)
    contradictions: list[str] = []
    for record in records:
        contradictions += record.contradictions
        contradictions += _wrong_answers(record, history)
        contradictions += _wrong_executions(record, history)
        contradictions += _wrong_account(record, history)
    doubled = [f"{name} of {user} is in as {ids}" for (user, name), ids in history.accepted.items() if len(ids) > 1]
    return OrderVerdict(
        acknowledged=sum(len(record.acknowledged) for record in records),
        lost=len(lost),
        announced_lost=_announced(records, history),
        duplicated=len(doubled),
        contradicted=len(contradictions),
        unresolved=sum(len(record.unresolved) for record in records),
        findings=history.finding_count,
        complaints=[*lost, *doubled, *contradictions, *history.findings][:COMPLAINTS_MAX],
        special=_special(records, history),
    )


def _special(records: Sequence[TraderRecord], history: FinalHistory) -> Mapping[str, int]:
    effect = SpecialEffect()
    for record in records:
        for execution in history.executions.get(record.user, {}).values():
            effect.note(execution)
    return effect.told()


def _last_loss_us(history: FinalHistory) -> int:
    """Return when the last epoch began, if it was not the first: before it, history may have been lost."""
    return history.epochs[-1].published_us if len(history.epochs) > 1 else 0


def _losses(records: Sequence[TraderRecord], history: FinalHistory) -> list[str]:
    since_us = _last_loss_us(history)
    return [
        f"{order.client_order_id} of {record.user} was acknowledged as {order.order_id}, and is nowhere"
        for record in records
        for order in record.acknowledged
        if (record.user, order.client_order_id) not in history.accepted and order.told_us >= since_us
    ]


def _announced(records: Sequence[TraderRecord], history: FinalHistory) -> int:
    since_us = _last_loss_us(history)
    return sum(
        (record.user, order.client_order_id) not in history.accepted and order.told_us < since_us
        for record in records
        for order in record.acknowledged
    )


def _wrong_answers(record: TraderRecord, history: FinalHistory) -> Iterator[str]:
    for order in record.acknowledged:
        known = history.accepted.get((record.user, order.client_order_id), [])
        if known and order.order_id and order.order_id not in known and order.told_us >= _last_loss_us(history):
            yield f"{order.client_order_id} of {record.user} was acknowledged as {order.order_id}, it is {known}"
    for name in record.refused:
        if (record.user, name) in history.accepted:
            yield f"{name} of {record.user} was refused, and is in"


def _wrong_executions(record: TraderRecord, history: FinalHistory) -> Iterator[str]:
    """Find executions that were sent and are not in the history, but for those of an epoch that is over."""
    known = history.executions.get(record.user, {})
    for seen in record.executions:
        if seen.told_us < _last_loss_us(history):
            continue
        truth = known.get(seen.user_seq)
        if truth is None or seen[:5] != _seen(truth.user_seq, truth.event, truth.order_id, truth.client_order_id,
                                              truth.trade_id):  # fmt: skip
            yield f"{record.user} was sent execution {seen.user_seq} ({seen.event}), the history has {truth}"


def _seen(user_seq: int, event: str, order_id: int, client_order_id: str, trade_id: int) -> tuple[object, ...]:
    return SeenExecution(user_seq, str(event), order_id, client_order_id, trade_id, 0)[:5]


def _wrong_account(record: TraderRecord, history: FinalHistory) -> Iterator[str]:
    book = history.accounts.get(record.user)
    held = record.account
    if book is None:
        if held.user_seq:
            yield f"{record.user} holds an account at {held.user_seq}, the history has none"
        return
    positions = {symbol: lots for symbol, lots in book.positions.items() if lots}
    truth = HeldAccount(True, book.user_seq, sorted(book.orders), positions, _nonzero(book.cash))  # noqa: FBT003
    said = held._replace(order_ids=list(held.order_ids), positions=_nonzero(held.positions), cash=_nonzero(held.cash))
    if said != truth:
        yield f"{record.user} holds {said}, the history has {truth}"


def _nonzero(amounts: object) -> dict[str, int]:
    assert isinstance(amounts, dict)
    return {name: amount for name, amount in amounts.items() if amount}
