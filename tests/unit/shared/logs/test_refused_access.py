"""Refused accesses are told in a bounded way: a flood of them costs no memory, and the oldest give way."""

from __future__ import annotations

import pytest

from shared.logs.refused_access import TEXT_MAX, TOLD_A_SECOND_MAX, WAITING_MAX, RefusedAccesses, read_refused


def test_a_flood_is_bounded() -> None:
    refused = RefusedAccesses("gateway")
    for number in range(10 * WAITING_MAX):
        refused.tell("ann", "not_permitted", f"{number}", number)
    taken = refused.take()
    assert len(taken) == TOLD_A_SECOND_MAX
    assert taken[0].time == 9 * WAITING_MAX
    assert len(refused.take()) == WAITING_MAX - TOLD_A_SECOND_MAX
    assert refused.take() == []


def test_an_entry_comes_back_as_it_was_told() -> None:
    refused = RefusedAccesses("ledger")
    refused.tell("ann", "forbidden", "x" * 1_000, 7)
    [entry] = refused.take()
    fields = entry.fields()
    stored = dict(zip([each.encode() for each in fields[::2]], [each.encode() for each in fields[1::2]], strict=True))
    assert read_refused(stored) == entry._replace(text="x" * TEXT_MAX)
    with pytest.raises(KeyError):
        read_refused({b"x": b"y"})
