"""What operators set and see of a gateway, without a socket."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.messages import Goodbye
from services.gateway.aio.settings import GatewaySettings
from services.gateway.gateway import AGE_SPREAD, TURNS
from services.gateway.limits import GatewayLimits
from services.gateway.metrics import AcceptStatistics, FeedStatistics, GatewayCollector
from tests.unit.services.gateway.test_gateway import House


def sweep(house: House) -> None:
    for turn in range(TURNS):
        house.gateway.sweep(turn, house.now, house.time_us)


def test_an_old_connection_is_sent_away_once_with_a_slot_of_its_own() -> None:
    house = House(limits=GatewayLimits(connection_age_s=100))
    client, listener = house.enter()
    house.now += 100 * (1 - AGE_SPREAD) - 1
    sweep(house)
    assert listener.closed is None
    house.now = client.expires_at
    listener.forget()
    sweep(house)
    sweep(house)
    goodbyes = [message for message in listener.messages if isinstance(message, Goodbye)]
    assert len(goodbyes) == 1
    assert goodbyes[0].code == CloseCode.SHUTTING_DOWN
    assert listener.closed is not None
    assert house.gateway.closed[CloseCode.SHUTTING_DOWN] == 1


def test_ages_are_spread_below_the_limit() -> None:
    """A replica that came up with a thousand users at once must not lose them at once."""
    house = House(limits=GatewayLimits(connection_age_s=100, connections_per_user=1_000))
    ages = [house.enter()[0].expires_at - house.now for _ in range(100)]
    assert 100 * (1 - AGE_SPREAD) <= min(ages) < 90 < max(ages) <= 100


def test_without_a_limit_connections_stay() -> None:
    house = House(limits=GatewaySettings().limits())
    _, listener = house.enter()
    house.now += 1e9
    sweep(house)
    assert listener.closed is None


def test_metrics_are_read_from_the_gateways_own_counters() -> None:
    house = House()
    registry = CollectorRegistry()
    accepts = AcceptStatistics()
    registry.register(GatewayCollector(house.gateway, FeedStatistics(), accepts, lambda: house.now + 1.5))
    client, listener = house.enter()
    house.ask(client, listener, op="subscribe", channel="book", instruments=["ACME", "BETA"])
    house.ask(client, listener, op="subscribe", channel="account")
    accepts.refused[503] += 2

    def sample(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"outcry_gateway_{name}", labels)

    assert sample("connections") == 1
    assert sample("subscriptions", channel="book") == 2
    assert sample("subscriptions", channel="account") == 1
    assert sample("accepts_refused_total", status="503") == 2
    assert sample("feed_silence_seconds") == 1.5
    assert (sample("fed"), sample("draining")) == (1, 0)
    house.gateway.drain(house.now, house.time_us)
    assert sample("draining") == 1
    assert sample("closed_total", code="4000") == 1
