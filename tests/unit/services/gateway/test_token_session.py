"""A session lasts as long as its token: what is said when, and what is said no more."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from openoutcry.wire.close_codes import CloseCode
from openoutcry.wire.codec import Encoding
from openoutcry.wire.messages import Goodbye, Heartbeat, Message, Reply, Welcome
from openoutcry.wire.types import Code
from services.gateway.gateway import TURNS, WAITING_FOR_KEY_MAX, ConnectedClient, Gateway
from services.gateway.limits import GatewayLimits
from shared.identity import Authenticator, mint_token
from shared.key_ring import KeyRing, KeysAwaited
from shared.token_keys import read_jwks
from tests.unit.services.gateway.listener import Listener
from tests.unit.services.gateway.test_gateway import SECRET, House, kinds, reply

UNIX = 5.0
"""The house's clock when it begins, seconds."""


def enter_until(house: House, ends_at: float, user: str = "ann") -> tuple[ConnectedClient, Listener]:
    """Log in with a token that ends then."""
    client, listener = house.enter(user="")
    house.ask(client, listener, op="login", token=mint_token(user, SECRET, ends_at))
    return client, listener


def pass_time(house: House, seconds: float) -> None:
    house.now += seconds
    house.time_us += int(seconds * 1e6)


def goodbyes(listener: Listener) -> list[int]:
    return [message.code for message in listener.heard(Goodbye)]


def test_a_login_hears_when_it_ends() -> None:
    house = House()
    client, listener = house.enter(user="")
    messages = house.ask(client, listener, op="login", token=mint_token("ann", SECRET, 65))
    assert reply(messages).data == {"expires_at": 65_000_000}


def test_a_token_without_a_foreseeable_end_is_one_that_json_holds() -> None:
    house = House()
    client, listener = house.enter(user="")
    messages = house.ask(client, listener, op="login", token=mint_token("ann", SECRET, 2**53 - 1))
    assert reply(messages).data == {"expires_at": 2**53 - 1}


def test_a_session_ends_with_its_token() -> None:
    """Orders were accepted 12 s after `exp`, and the account went on."""
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    house.ask(client, listener, op="subscribe", channel="account")
    listener.forget()
    pass_time(house, 59.9)
    house.gateway.sweep(0, house.now, house.time_us)
    assert not goodbyes(listener)
    pass_time(house, 0.1)
    house.gateway.sweep(0, house.now, house.time_us)
    assert goodbyes(listener) == [CloseCode.TOKEN_EXPIRED]
    assert listener.closed is not None
    assert listener.closed[0] is CloseCode.TOKEN_EXPIRED


def test_whichever_turn_the_sweep_is_at_a_token_ends() -> None:
    """Clients are swept once a second; a token's end does not wait for that."""
    house = House()
    _, listener = enter_until(house, UNIX + 60)
    pass_time(house, 60)
    house.gateway.sweep(TURNS - 1, house.now, house.time_us)
    assert goodbyes(listener) == [CloseCode.TOKEN_EXPIRED]


def test_a_request_after_the_end_is_not_carried_out() -> None:
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    pass_time(house, 60)
    messages = house.ask(
        client, listener, op="order", client_order_id="a", instrument="ACME", side="bid", quantity=1, price=5
    )
    assert kinds(messages) == [Goodbye]
    assert not house.gateway.orders.in_flight


def test_nothing_of_the_account_comes_after_the_end() -> None:
    """Not even what the feed brings before the next sweep."""
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    house.ask(client, listener, op="subscribe", channel="account")
    stays, other = house.enter()
    house.ask(stays, other, op="subscribe", channel="account")
    listener.forget()
    pass_time(house, 60)
    house.gateway.heard(house.gateway.market.load(*house.exchange.snapshots()), house.now, house.time_us)
    assert kinds(listener.messages) == [Goodbye]
    assert other.messages


def test_a_login_before_the_end_extends_the_session() -> None:
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    pass_time(house, 30)
    messages = house.ask(client, listener, op="login", token=mint_token("ann", SECRET, UNIX + 120))
    assert kinds(messages) == [Reply]
    assert reply(messages).ok
    assert reply(messages).data == {"expires_at": 125_000_000}
    pass_time(house, 60)
    house.gateway.sweep(0, house.now, house.time_us)
    assert not goodbyes(listener)
    pass_time(house, 30)
    house.gateway.sweep(0, house.now, house.time_us)
    assert goodbyes(listener) == [CloseCode.TOKEN_EXPIRED]


def test_an_extended_session_ends_with_its_token_whatever_fraction_of_a_second_the_clock_shows() -> None:
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    pass_time(house, 30.75)
    messages = house.ask(client, listener, op="login", token=mint_token("ann", SECRET, UNIX + 120))
    assert reply(messages).data == {"expires_at": 125_000_000}
    pass_time(house, 89.0)
    house.gateway.sweep(0, house.now, house.time_us)
    assert not goodbyes(listener)
    pass_time(house, 0.25)
    house.gateway.sweep(0, house.now, house.time_us)
    assert goodbyes(listener) == [CloseCode.TOKEN_EXPIRED]


def test_an_older_token_shortens_nothing() -> None:
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    messages = house.ask(client, listener, op="login", token=mint_token("ann", SECRET, UNIX + 10))
    assert reply(messages).data == {"expires_at": 65_000_000}


def test_another_user_is_refused_by_a_sentence_and_the_session_goes_on() -> None:
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    messages = house.ask(client, listener, op="login", token=mint_token("bob", SECRET, UNIX + 120))
    assert kinds(messages) == [Reply]
    assert reply(messages).code == Code.ALREADY_AUTHENTICATED
    assert "another user; this connection is ann's" in reply(messages).text
    assert reply(house.ask(client, listener, op="ping")).ok
    assert client.session.identity.user == "ann"


@pytest.mark.parametrize("token", ["rubbish", mint_token("ann", SECRET, 0), mint_token("ann", b"x" * 32, 600)])
def test_a_wrong_token_takes_nothing_from_a_session(token: str) -> None:
    """Its own token is still good."""
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    messages = house.ask(client, listener, op="login", token=token)
    assert kinds(messages) == [Reply]
    assert reply(messages).code == Code.NOT_AUTHENTICATED
    assert reply(house.ask(client, listener, op="ping")).ok


def test_one_who_left_before_the_end_is_forgotten() -> None:
    house = House()
    client, listener = enter_until(house, UNIX + 60)
    house.gateway.lost(client)
    pass_time(house, 60)
    house.gateway.sweep(0, house.now, house.time_us)
    assert not goodbyes(listener)
    assert len(house.gateway._token_ends) == 0


# -- keys that are on their way --------------------------------------------------------------------------------------

KEY = ec.generate_private_key(ec.SECP256R1())


def jwks(kid: str) -> Any:
    return read_jwks(json.dumps({"keys": [ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": kid}]}).encode())


class ProviderHouse(House):
    """A gateway whose users come with an identity provider's tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = KeyRing(jwks("old"))
        self.gateway = Gateway("gateway-1", Authenticator(self.ring), GatewayLimits(), 0.0, Random(1))
        loaded = self.gateway.market.load(*self.exchange.snapshots())
        self.gateway.heard(loaded, self.now, self.time_us)

    def login(self, kid: str) -> tuple[ConnectedClient, Listener, list[Message]]:
        client, listener = self.enter(user="")
        token = jwt.encode({"sub": "ann", "exp": 65}, KEY, algorithm="ES256", headers={"kid": kid})
        return client, listener, list(self.ask(client, listener, op="login", token=token))

    def load(self, kid: str) -> None:
        self.ring.began(self.now)
        self.ring.replace(jwks(kid), self.now)
        self.loaded()

    def loaded(self) -> None:
        self.gateway.keys_loaded()
        while self.gateway.has_more:
            self.gateway.go_on(self.now, self.time_us)


def test_a_login_waits_for_a_key_that_is_on_its_way() -> None:
    house = ProviderHouse()
    _, listener, messages = house.login("new")
    assert not messages
    house.load("new")
    assert kinds(listener.messages) == [Reply, Welcome]


def test_what_comes_behind_a_login_that_waits_is_done_behind_it() -> None:
    """It was refused as if there had been no login: of two like programs the one that came as a key changed failed."""
    house = ProviderHouse()
    client, listener, _ = house.login("new")
    assert not house.ask(client, listener, op="ping", id=2)
    house.ring.began(house.now)
    house.ring.keep(house.now)
    house.loaded()
    assert not house.ask(client, listener, op="login", token="x.y.z", id=3)
    assert not house.ask(client, listener, op="ping", id=4)
    house.load("new")
    assert kinds(listener.messages) == [Reply, Welcome, Reply, Reply, Reply]
    assert [(answer.id, answer.code) for answer in listener.heard(Reply)] == [
        (1, Code.OK),
        (2, Code.OK),
        (3, Code.NOT_AUTHENTICATED),
        (4, Code.OK),
    ]


def test_no_more_than_some_may_come_behind_a_login_that_waits() -> None:
    house = ProviderHouse()
    client, listener, _ = house.login("new")
    for number in range(WAITING_FOR_KEY_MAX):
        assert not house.ask(client, listener, op="ping", id=number)
    assert reply(house.ask(client, listener, op="ping")).code is Code.BUSY


def test_one_that_asks_without_end_behind_a_login_that_waits_is_sent_away() -> None:
    """A stranger with a made-up key was answered `busy` as fast as it could ask, 5 s long."""
    house = ProviderHouse()
    client, listener, _ = house.login("made-up")
    for _ in range(WAITING_FOR_KEY_MAX + house.gateway.limits.refusals.burst):
        house.ask(client, listener, op="ping")
    assert listener.closed is None
    assert kinds(house.ask(client, listener, op="ping")) == [Reply, Goodbye]
    assert listener.closed is not None
    assert listener.closed[0] is CloseCode.RATE
    listener.forget()
    assert not house.ask(client, listener, op="ping")
    house.load("made-up")
    assert not listener.messages


def test_of_many_logins_that_waited_one_is_answered_a_turn() -> None:
    """A hundred, each with eight subscribes behind it, held everybody for 450 ms."""
    house = ProviderHouse()
    listeners = [house.login("new")[1] for _ in range(3)]
    gone, _, _ = house.login("new")
    house.ring.began(house.now)
    house.ring.replace(jwks("new"), house.now)
    house.gateway.keys_loaded()
    house.gateway.lost(gone)
    for number in range(4):
        assert house.gateway.has_more
        assert [len(each.messages) for each in listeners] == [2] * number + [0] * (3 - number)
        house.gateway.go_on(house.now, house.time_us)
    assert not house.gateway.has_more


def test_what_comes_behind_a_login_that_is_refused_is_not_done() -> None:
    house = ProviderHouse()
    client, listener, _ = house.login("made-up")
    house.ask(client, listener, op="ping", id=2)
    house.load("old")
    assert kinds(listener.messages) == [Reply, Goodbye]


def test_it_is_refused_when_the_key_does_not_come() -> None:
    house = ProviderHouse()
    _, listener, _ = house.login("made-up")
    house.load("old")
    assert kinds(listener.messages) == [Reply, Goodbye]
    assert goodbyes(listener) == [CloseCode.NOT_AUTHENTICATED]


def test_a_failed_load_lets_it_wait_until_the_logins_own_deadline() -> None:
    house = ProviderHouse()
    _, listener, _ = house.login("new")
    house.ring.began(house.now)
    house.ring.keep(house.now)
    house.loaded()
    assert not listener.messages
    pass_time(house, 5)
    for turn in range(TURNS):
        house.gateway.sweep(turn, house.now, house.time_us)
    assert goodbyes(listener) == [CloseCode.NOT_AUTHENTICATED]
    listener.forget()
    house.load("new")
    assert not listener.messages


def with_roles(user: str, ends_at: int, *roles: str) -> str:
    return jwt.encode({"sub": user, "exp": ends_at, "roles": roles}, SECRET, algorithm="HS256")


def test_the_session_has_the_roles_of_the_token_that_ends_last() -> None:
    """A shorter token is no way to keep a role beyond the end of the token that gave it."""
    house = House()
    client, listener = house.enter(user="")
    for ends_at, role, held in ((65, "trader", "trader"), (60, "chief", "trader"), (70, "guest", "guest")):
        house.ask(client, listener, op="login", token=with_roles("ann", ends_at, role))
        assert client.session.identity[:4] == ("ann", {held}, frozenset(), float(max(ends_at, 65)))
    house.ask(client, listener, op="login", token=with_roles("bob", 90, "chief"))
    assert client.session.identity.roles == {"guest"}


def test_one_who_waits_may_leave() -> None:
    house = ProviderHouse()
    client, listener, _ = house.login("new")
    house.gateway.lost(client)
    house.load("new")
    assert not listener.messages


def test_a_handshake_cannot_wait_and_hears_so() -> None:
    house = ProviderHouse()
    token = jwt.encode({"sub": "ann", "exp": 65}, KEY, algorithm="ES256", headers={"kid": "new"})
    with pytest.raises(KeysAwaited):
        house.gateway.authenticate(token, UNIX)


def test_heartbeats_go_on_for_who_stays() -> None:
    house = House()
    _, gone = enter_until(house, UNIX + 1)
    _, stays = house.enter(encoding=Encoding.JSON)
    pass_time(house, 2)
    for turn in range(TURNS):
        house.gateway.sweep(turn, house.now, house.time_us)
    assert not gone.heard(Heartbeat)
    assert stays.heard(Heartbeat)
