"""Single moments of a simulated market, without chance: what a seed may meet or not, and must always hold."""

from __future__ import annotations

from services.matching.recovery.checkpoint import read_head
from shared.logs.packet import FeedId
from tests.simulation.market import Market
from tests.simulation.simulation import inside
from tests.simulation.world import World


def test_a_leader_that_is_asked_to_stop_stores_all_and_gives_the_lease_back() -> None:
    """The next engine need neither wait for the lease's end nor read the log again."""
    world = World(1)
    with inside(world):
        market = Market(world)
        world.run_until(4.0)
        leader = market.leader()
        assert leader is not None
        for engine in market.engines:
            if engine is not leader:
                engine.kill(60.0)  # it would take the lease, and store all of it, at once
        for gateway in market.gateways:
            gateway.kill(60.0)  # nothing is appended any more
        world.run_until(4.9)
        leader.stop()
        while leader.process is not None:
            world.run_until(world.now + 0.001)
            assert world.now < 8.0
        keys, model = market.history.keys, market.store.model
        newest = model.do_get(keys.checkpoint.encode())
        head = market.history.head
        assert newest is not None
        assert head is not None
        assert model.do_get(keys.lease.encode()) is None
        position = market.history.recover().engine.position
        stands_at = model.do_get(keys.cover.encode())
        assert stands_at is not None
        assert FeedId.parse(stands_at) == head.feed_id
        assert read_head(newest).position == position == head.packet.position
        for process in list(world.processes):
            process.kill()


def test_commands_that_come_after_a_failover_are_read_wherever_the_reader_had_been() -> None:
    """
    The new primary lacks the last entries and its clock stands behind: what is appended next comes before those.

    A packet is under way then: whose publication finds another store notices at once, and not with the next packet.
    """
    world = World(2)
    with inside(world):
        market = Market(world)
        world.run_until(4.0)
        part = market.leader()
        assert part is not None
        assert part.process is not None
        leader = world.leaders[part.process.name]
        while leader.engine.position == leader.last_id.position:
            world.run_until(world.now + 0.0002)
            assert world.now < 6.0
        store = market.store
        store.down()
        store.model.roll_back(40)
        store.model.restart()
        store.clock_skew_s = -2.0
        market.history.rolled_back()
        market.rollbacks += 1
        store.up()
        world.run_until(7.0)
        market.reopen()
        for user in market.users:
            user.is_trading = False
        world.run_until(10.0)
        assert market.unrest() == ""
        assert len(market.history.tips) == 1
        market.check_final_state()
        for process in list(world.processes):
            process.kill()


def test_a_market_is_not_at_rest_while_news_of_an_account_is_on_its_way() -> None:
    """What happens to an order that is in no book, such as a stop that ends by itself, shows in no other way."""
    world = World(1)
    with inside(world):
        market = Market(world)
        world.run_until(8.0)
        for user in market.users:
            user.is_trading = False
        world.run_until(12.0)
        assert market.unrest() == ""
        user = next(user for user in market.users if user.session.account.account.user_seq)
        user.session.account.account.user_seq -= 1
        assert "holds number" in market.unrest()
        for process in list(world.processes):
            process.kill()
