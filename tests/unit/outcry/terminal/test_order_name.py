"""An order is sent again under its name while the exchange is sure to know it, and not for longer."""

from __future__ import annotations

from collections.abc import Iterator

from outcry.terminal.order_name import SAFE_S, OrderName
from services.matching.idempotency import WINDOW_S


def numbered() -> Iterator[str]:
    return (f"order-{number}" for number in range(10))


def test_it_may_be_sent_again_for_as_long_as_that_is_safe() -> None:
    name = OrderName(numbered().__next__)
    text = name.text
    assert name.send(1_000.0)
    assert name.send(1_000.0 + SAFE_S)
    assert name.text == text
    assert not name.send(1_000.1 + SAFE_S), "counted from the first try, whatever came after"


def test_another_order_has_another_name_and_its_own_time() -> None:
    name = OrderName(numbered().__next__)
    text = name.text
    assert name.send(1_000.0)
    name.renew()
    assert name.text != text
    assert name.send(9_000.0)


def test_the_exchange_knows_it_for_longer() -> None:
    assert SAFE_S < WINDOW_S
