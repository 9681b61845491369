"""The two windows of what has been seen."""

from __future__ import annotations

import pytest

from services.matching import idempotency
from services.matching.accounts.account import UserAccount
from services.matching.idempotency import WINDOW_S, ClientOrderIds, OrderIdRows, Sources


def test_numbers_of_a_source_only_rise() -> None:
    """Equal or lower is a repetition; gaps are the writer's business."""
    sources = Sources()
    assert [sources.advance("a", number) for number in (1, 1, 3, 2, 4)] == [True, False, True, False, True]
    assert sources.advance("b", 1)
    assert sources.rows() == [("a", 4), ("b", 1)]


def test_the_source_silent_longest_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the order of the log, which all engines share; a skipped command does not count as speaking."""
    monkeypatch.setattr(idempotency, "SOURCES_MAX", 2)
    sources = Sources()
    for source, number in (("a", 1), ("b", 1), ("a", 2), ("b", 1), ("c", 1)):
        sources.advance(source, number)
    assert sources.rows() == [("a", 2), ("c", 1)]


class Shop:
    """A window with its users, ticking once a second of the log's time."""

    def __init__(self) -> None:
        self.ids = ClientOrderIds()
        self.accounts = {user: UserAccount(user) for user in ("ann", "bob")}
        self.ticks = 0
        self.time_us = 0
        self.orders = 0

    def add(self, user: str, *names: str) -> None:
        for name in names:
            self.orders += 1
            self.ids.add(self.accounts[user], name, self.orders)

    def pass_s(self, seconds: int, *, ticks: bool = True, time: bool = True) -> None:
        """Let time pass; without ticks it is an outage that ends, without time a clock that stands still."""
        self.time_us += seconds * 1_000_000 if not ticks else 0
        for _ in range(seconds if ticks else 1):
            self.ticks += 1
            self.time_us += 1_000_000 if time else 0
            self.ids.tick(self.ticks, self.time_us)

    def known(self, user: str) -> list[str]:
        return list(self.accounts[user].accepted_ids)

    def again(self) -> Shop:
        """The same, from what a checkpoint holds."""
        found = Shop()
        rows = self.ids.rows({"ann": 0, "bob": 1})
        found.ids = ClientOrderIds.restored(OrderIdRows._make(list(rows)), list(found.accounts.values()))
        found.ticks, found.time_us, found.orders = self.ticks, self.time_us, self.orders
        return found


def test_an_id_is_known_for_the_whole_window() -> None:
    """Whatever comes after it; and then it is forgotten, or the memory would have no end."""
    shop = Shop()
    shop.add("ann", "x")
    shop.pass_s(WINDOW_S)
    shop.add("bob", "y")
    assert (shop.known("ann"), shop.known("bob")) == (["x"], ["y"])
    shop.pass_s(1)
    assert (shop.known("ann"), shop.known("bob")) == ([], ["y"])
    shop.pass_s(WINDOW_S)
    assert shop.ids.held == 0
    shop.ids.check_invariants()


@pytest.mark.parametrize("stands", ["ticks", "time"])
def test_neither_an_outage_nor_a_clock_set_forward_ends_a_window(stands: str) -> None:
    """An hour without a leader is none in which anybody could repeat an order; nor is one that a clock leaps over."""
    shop = Shop()
    shop.add("ann", "x")
    shop.pass_s(1)
    shop.pass_s(WINDOW_S + 100, **{stands: False})
    assert shop.known("ann") == ["x"]


def test_a_clock_that_stands_still_for_good_does_not_fill_the_window() -> None:
    """One entry whose id lies years ahead stops the log's clock for years: the market would refuse every order."""
    shop = Shop()
    shop.add("ann", "x")
    shop.pass_s(2 * WINDOW_S + 1, time=False)
    assert shop.known("ann") == []
    shop.ids.check_invariants()


def test_the_window_survives_its_way_through_a_checkpoint() -> None:
    """With ages, orders and what is due: the same ids are forgotten at the same ticks."""
    shop = Shop()
    shop.add("ann", "x")
    shop.pass_s(7)
    shop.add("bob", "y", "x")
    shop.pass_s(3)
    shop.add("ann", "z")
    again = shop.again()
    for window in (shop, again):
        assert window.accounts["ann"].accepted_ids == {"x": 1, "z": 4}
        window.pass_s(WINDOW_S - 9)
        assert (window.known("ann"), window.known("bob")) == (["z"], ["y", "x"])
        window.pass_s(7)
        assert (window.known("ann"), window.known("bob")) == (["z"], [])
        window.ids.check_invariants()
    assert again.ids.rows({"ann": 0, "bob": 1}) == shop.ids.rows({"ann": 0, "bob": 1})


def test_what_is_due_is_forgotten_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy ten minutes must not end in one long tick; every later order helps, so nothing piles up."""
    monkeypatch.setattr(idempotency, "FORGOTTEN_PER_TICK_MAX", 3)
    shop = Shop()
    shop.add("ann", *"abcdefghij")
    shop.pass_s(WINDOW_S + 1)
    assert shop.known("ann") == [*"defghij"]
    shop = shop.again()
    shop.add("bob", "y")
    assert shop.known("ann") == [*"fghij"]
    shop.pass_s(2)
    assert (shop.known("ann"), shop.known("bob")) == ([], ["y"])
    shop.ids.check_invariants()


def test_nobody_can_take_all_the_room() -> None:
    """A user may hold as many ids as are free: the limit is never passed, and whoever holds few always finds room."""
    ids, limit = ClientOrderIds(), 90
    greedy = [UserAccount("greedy"), UserAccount("another")]
    for n in range(limit):
        for account in greedy:
            if ids.has_room(account, limit):
                ids.add(account, str(n), n)
    assert [len(account.accepted_ids) for account in greedy] == [30, 30]
    modest = UserAccount("modest")
    for n in range(limit):
        if ids.has_room(modest, limit):
            ids.add(modest, str(n), n)
    assert len(modest.accepted_ids) == 15
    assert ids.held < limit
