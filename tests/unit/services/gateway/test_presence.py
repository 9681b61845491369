"""Whom a gateway calls present, and when."""

from __future__ import annotations

from openoutcry.wire.messages import Goodbye, Reply
from openoutcry.wire.types import Code
from services.gateway.gateway import PRESENT_RETURN_MS_MAX, TURNS
from services.gateway.limits import GatewayLimits
from services.gateway.presence import PresenceRound
from shared.logs.commands import Command, Present
from shared.logs.events import CancelOnDisconnectSet
from tests.unit.services.gateway.test_gateway import House

SILENCE_S = GatewayLimits().presence_silence_s


def watching(*users: str) -> House:
    house = House()
    house.feed(switches=[CancelOnDisconnectSet(user, on=True) for user in users])
    return house


def sweep(house: House) -> None:
    """One round over all clients."""
    for turn in range(TURNS):
        house.gateway.sweep(turn, house.now, house.time_us)


def said(house: House) -> list[Command]:
    return house.gateway.orders.take_batch()


def test_a_round_gathers_everybody_once() -> None:
    presence = PresenceRound(5.0)
    presence.met("ann", 100.0, 103.0)
    presence.met("ann", 100.0, 104.0)
    presence.met("bob", 90.0, 104.0)
    assert presence.take(is_round_over=False) == []
    assert presence.take(is_round_over=True) == ["ann"]
    assert presence.take(is_round_over=True) == []


def test_who_comes_is_not_kept_waiting_for_the_end_of_the_round() -> None:
    """A second can be what is left of the grace."""
    presence = PresenceRound(5.0)
    presence.came("ann")
    assert presence.take(is_round_over=False) == ["ann"]
    assert presence.take(is_round_over=False) == []


def test_watched_users_with_a_connection_are_called_present_once_a_round() -> None:
    """Once, however many connections they have; nobody else is named, and no command is made for nobody."""
    house = watching("ann", "away")
    sweep(house)
    assert said(house) == []
    for user in ("ann", "ann", "bob"):
        house.enter(user)
    said(house)
    sweep(house)
    assert [command.users for command in said(house) if isinstance(command, Present)] == [("ann",)]


def test_a_login_is_said_with_the_next_turn() -> None:
    house = watching("ann")
    house.enter("ann")
    house.gateway.sweep(0, house.now, house.time_us)
    assert said(house) == [Present("gateway-1", 1, ("ann",))]


def test_who_has_left_is_called_present_no_more() -> None:
    house = watching("ann")
    client, _ = house.enter("ann")
    sweep(house)
    said(house)
    house.gateway.lost(client)
    sweep(house)
    assert said(house) == []


def test_a_connection_of_which_nothing_is_heard_does_not_count() -> None:
    """A frozen process, or a cable that was cut, leaves a connection open for minutes."""
    house = watching("ann")
    client, listener = house.enter("ann")
    for _ in range(3):
        house.now += SILENCE_S / 2
        sweep(house)
    pings = listener.pings
    said(house)
    sweep(house)
    assert said(house) == []
    client.heard_at = house.now
    sweep(house)
    assert [command.users for command in said(house) if isinstance(command, Present)] == [("ann",)]
    assert pings == 3


def test_only_watched_users_are_pinged() -> None:
    house = watching("ann")
    _, listener = house.enter("bob")
    sweep(house)
    assert listener.pings == 0


def test_watched_users_are_asked_back_within_the_grace() -> None:
    """A planned shutdown of a large replica must not cancel the orders of those who do as they were asked."""
    house = watching("u0", "u1", "u2")
    listeners = [house.enter(f"u{number}")[1] for number in range(3000)]
    house.gateway.drain(house.now, house.time_us)
    slots = [listener.heard(Goodbye)[0].reconnect_in_ms for listener in listeners]
    assert max(slots[:3]) < PRESENT_RETURN_MS_MAX < max(slots[3:])


def test_of_a_client_that_has_said_present_only_requests_count() -> None:
    """A browser answers pings for a page that is frozen: its orders stood after 30 s."""
    house = watching("ann")
    client, listener = house.enter("ann")
    reply = house.ask(client, listener, op="present")[0]
    assert reply == Reply(1, True, Code.OK, "", {})
    sweep(house)
    said(house)
    house.now += SILENCE_S + 1
    client.heard_at = house.now  # a pong
    sweep(house)
    assert said(house) == []
    house.ask(client, listener, op="ping")  # any request will do
    sweep(house)
    assert said(house) == [Present("gateway-1", 2, ("ann",))]


def test_a_client_that_has_never_said_present_counts_by_its_pongs_too() -> None:
    """Clients from before `present` go on as they did."""
    house = watching("ann")
    client, listener = house.enter("ann")
    house.ask(client, listener, op="ping")
    sweep(house)
    said(house)
    house.now += SILENCE_S + 1
    client.heard_at = house.now
    sweep(house)
    assert said(house) == [Present("gateway-1", 2, ("ann",))]


def test_even_a_refused_request_shows_that_its_program_runs() -> None:
    house = watching("ann")
    client, listener = house.enter("ann")
    house.ask(client, listener, op="present")
    sweep(house)
    said(house)
    house.now += SILENCE_S + 1
    assert not house.ask(client, listener, op="cancel")[0].ok  # type: ignore[union-attr]
    sweep(house)
    assert said(house) == [Present("gateway-1", 2, ("ann",))]
