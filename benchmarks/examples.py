"""A typical message of every type, in as many seeded variants as are asked for."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from benchmarks.books import TIME, book, delta, snapshot
from openoutcry.wire.account import amount_text
from openoutcry.wire.instrument import Instrument
from openoutcry.wire.messages import (
    Account,
    Auction,
    Delta,
    Execution,
    Goodbye,
    Heartbeat,
    Message,
    OpenOrder,
    Reply,
    Status,
    Terms,
    Ticker,
    Trade,
    Transfer,
    Welcome,
)
from openoutcry.wire.types import (
    Code,
    ExecutionEvent,
    Liquidity,
    MarketState,
    OrderKind,
    Phase,
    Side,
    TimeInForce,
    TransferKind,
)

SYMBOLS: Final = ("ACME", "GLOBEX", "INITECH", "UMBRELLA", "HOOLI", "GPU-HOUR", "DESK-HQ", "SHIP-Q1")
_LIMITS: Final = ("request_bytes", "requests_per_second", "orders_per_second", "connections_per_user", "lag_ms")


def _price(random: Random) -> int:
    return 99_900 + random.randrange(200)


def _quantity(random: Random) -> int:
    return 1 + random.randrange(500)


def _time(random: Random) -> int:
    return TIME + random.randrange(10**9)


def _side(random: Random) -> Side:
    return random.choice((Side.BID, Side.ASK))


def _welcome(random: Random) -> Welcome:
    limits = {name: random.randrange(1, 20_000) for name in _LIMITS}
    return Welcome(1, f"g1-{random.randrange(10**4)}", "ada", _time(random), 1_000, limits)


def _reply(random: Random) -> Reply:
    data = {"order_id": random.randrange(10**6)}
    return Reply(random.randrange(10**4), ok=True, code=Code.OK, text="", data=data)


def _delta(changes: int) -> Callable[[Random], Delta]:
    return lambda random: delta(book(100, random), changes, random)


def _trade(random: Random) -> Trade:
    seq, number = random.randrange(10**6), random.randrange(10**5)
    return Trade("ACME", seq, number, _time(random), _price(random), _quantity(random), _side(random))


def _ticker(random: Random) -> Ticker:
    prices = [_price(random) for _ in range(6)]
    return Ticker(
        "ACME",
        random.randrange(10**6),
        _time(random),
        prices[0],
        _quantity(random),
        prices[1],
        _quantity(random),
        prices[2],
        prices[3],
        prices[4],
        prices[5],
        random.randrange(10**6),
    )


def _status(random: Random) -> Status:
    return Status("ACME", random.choice((MarketState.HALTED, MarketState.OPEN)), "", _time(random))


def _heartbeat(random: Random) -> Heartbeat:
    return Heartbeat(_time(random), {symbol: random.randrange(10**6) for symbol in SYMBOLS})


def _open_order(random: Random) -> OpenOrder:
    number, quantity = random.randrange(10**6), _quantity(random)
    name = f"mine-{random.randrange(10**4)}"
    return OpenOrder(
        number, name, "ACME", _side(random), OrderKind.LIMIT, TimeInForce.GTC, _price(random), quantity, quantity
    )


def _account(random: Random) -> Account:
    positions = {symbol: random.randrange(500) for symbol in SYMBOLS[:3]}
    orders = [_open_order(random) for _ in range(5)]
    cash = {"USD": amount_text(random.randrange(-(10**12), 10**12))}
    return Account(random.randrange(10**4), orders, positions, cash)


def _execution(random: Random) -> Execution:
    quantity, price = _quantity(random), _price(random)
    return Execution(
        random.randrange(10**4),
        ExecutionEvent.FILLED,
        _time(random),
        random.randrange(10**6),
        f"mine-{random.randrange(10**4)}",
        "ACME",
        _side(random),
        OrderKind.LIMIT,
        TimeInForce.GTC,
        price,
        quantity,
        0,
        price,
        quantity,
        random.randrange(10**5),
        Liquidity.MAKER,
        Code.OK,
    )


def _transfer(random: Random) -> Transfer:
    number, lots = random.randrange(10**4), _quantity(random)
    name = f"grants-{random.randrange(10**3)}"
    balance = str(lots + random.randrange(10**4))
    until = _time(random)
    return Transfer(number, _time(random), name, TransferKind.GRANT, "ACME", str(lots), balance, until)


def _auction(random: Random) -> Auction:
    time, volume, surplus = _time(random), random.randrange(5_000), random.randrange(500)
    return Auction("ACME", random.randrange(1, 100_000), time, 7, Phase.OPENING, _price(random), volume, surplus, time)


def _terms(random: Random) -> Terms:
    return Terms("ACME", _time(random), _price(random), random.choice((0, 500, 1_000)))


def _goodbye(random: Random) -> Goodbye:
    return Goodbye(4_000, "shutting down", random.randrange(5_000))


def _instrument(random: Random) -> Instrument:
    symbol = random.choice(SYMBOLS)
    return Instrument(symbol, "share", f"{symbol.title()} common stock")


EXAMPLES: Final[dict[str, Callable[[Random], Message]]] = {
    "welcome": _welcome,
    "reply": _reply,
    "snapshot, 20 levels a side": lambda random: snapshot(20, random),
    "delta, 1 level": _delta(1),
    "delta, 2 levels": _delta(2),
    "delta, 10 levels": _delta(10),
    "trade": _trade,
    "ticker": _ticker,
    "status": _status,
    "heartbeat, 8 books": _heartbeat,
    "account, 5 orders": _account,
    "execution": _execution,
    "goodbye": _goodbye,
    "instrument": _instrument,
    "transfer": _transfer,
    "auction": _auction,
    "terms": _terms,
}
"""What to call a message, and how to make one."""
