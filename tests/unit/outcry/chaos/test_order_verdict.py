"""What traders were told beside the final history: the judge must not let anything pass."""

from __future__ import annotations

from outcry.chaos.order_verdict import judge_orders
from outcry.chaos.trader_record import Acknowledged, HeldAccount
from tests.unit.outcry.chaos.history_house import ann, entry, history
from tests.unit.services.gateway.exchange import Exchange


def test_orders_that_are_in_once_are_good() -> None:
    exchange = Exchange("ACME")
    read = history(*(entry(exchange, executions=[exchange.accepted("ann", number)]) for number in (1, 2)))
    verdict = judge_orders([ann(exchange, 1, 2)], read)
    assert (verdict.is_good, verdict.acknowledged, verdict.complaints) == (True, 2, [])


def test_an_acknowledged_order_that_is_nowhere_is_lost() -> None:
    exchange = Exchange("ACME")
    read = history(entry(exchange, executions=[exchange.accepted("ann", 1)]))
    record = ann(exchange, 1)
    record = record._replace(acknowledged=[*record.acknowledged, Acknowledged("c9", 9, 1000)])
    verdict = judge_orders([record], read)
    assert (verdict.is_good, verdict.lost) == (False, 1)
    assert "c9 of ann was acknowledged as 9, and is nowhere" in verdict.complaints


def test_a_loss_before_a_new_epoch_was_announced_by_it() -> None:
    """Only what was acknowledged before the new epoch began: a later loss is nobody's announcement."""
    exchange = Exchange("ACME")
    first = entry(exchange)
    exchange.epoch += 1
    read = history(first, entry(exchange, commands=99))
    record = ann(exchange, account=HeldAccount(True, 0, [], {}, {}))
    before, after = Acknowledged("c1", 1, 50), Acknowledged("c2", 2, 150)
    verdict = judge_orders([record._replace(acknowledged=[before, after])], read)
    assert (verdict.announced_lost, verdict.lost) == (1, 1)


def test_an_order_that_is_in_twice_is_duplicated_whether_anybody_was_told_or_not() -> None:
    exchange = Exchange("ACME")
    entries = []
    for order_id in (1, 2):
        private = exchange.accepted("ann", order_id)
        execution = private.execution._replace(client_order_id="c1")
        entries.append(entry(exchange, executions=[private._replace(execution=execution)]))
    verdict = judge_orders([], history(*entries))
    assert verdict.duplicated == 1
    assert not verdict.is_good


def test_an_acknowledgement_that_names_another_order_is_a_contradiction() -> None:
    exchange = Exchange("ACME")
    read = history(entry(exchange, executions=[exchange.accepted("ann", 1)]))
    record = ann(exchange, 1)._replace(acknowledged=[Acknowledged("c1", 5, 1000)])
    assert judge_orders([record], read).contradicted == 1


def test_a_refused_order_that_is_in_is_a_contradiction() -> None:
    exchange = Exchange("ACME")
    read = history(entry(exchange, executions=[exchange.accepted("ann", 1)]))
    assert judge_orders([ann(exchange, 1, refused=["c1"])], read).contradicted == 1


def test_an_execution_that_the_history_does_not_have_is_a_contradiction() -> None:
    exchange = Exchange("ACME")
    read = history(entry(exchange, executions=[exchange.accepted("ann", 1)]))
    record = ann(exchange, 1)
    wrong = record._replace(executions=[record.executions[0]._replace(event="filled")])
    assert judge_orders([wrong], read).contradicted == 1


def test_an_account_that_is_not_the_historys_is_a_contradiction() -> None:
    exchange = Exchange("ACME")
    read = history(entry(exchange, executions=[exchange.accepted("ann", 1)]))
    assert judge_orders([ann(exchange, 1, account=HeldAccount(True, 1, [], {}, {}))], read).contradicted == 1


def test_an_unresolved_order_is_counted_and_is_no_fault() -> None:
    exchange = Exchange("ACME")
    read = history(entry(exchange, executions=[exchange.accepted("ann", 1)]))
    verdict = judge_orders([ann(exchange, 1, unresolved=["c2"])], read)
    assert (verdict.is_good, verdict.unresolved) == (True, 1)


def test_no_order_at_all_proves_nothing() -> None:
    assert not judge_orders([], history()).is_good
