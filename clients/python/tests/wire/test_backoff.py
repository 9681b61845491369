"""Full jitter: the bound doubles, the delay is anywhere below it."""

from __future__ import annotations

from random import Random

from openoutcry.wire.backoff import Backoff


class AlwaysLongest(Random):
    def uniform(self, a: float, b: float) -> float:
        assert a == 0
        return b


def test_the_bound_doubles_up_to_its_limit() -> None:
    backoff = Backoff(AlwaysLongest(), first_s=1, max_s=5)
    assert [backoff.next_delay() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_a_success_starts_over() -> None:
    backoff = Backoff(AlwaysLongest(), first_s=1, max_s=5)
    backoff.next_delay()
    backoff.reset()
    assert backoff.next_delay() == 1


def test_a_thousand_clients_come_back_spread_out() -> None:
    """With a fixed delay they would all return at once."""
    random = Random(1)
    delays = [Backoff(random, first_s=1).next_delay() for _ in range(1_000)]
    tenths = {int(delay * 10) for delay in delays}
    assert tenths == set(range(10))
