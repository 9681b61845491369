"""The matching engine: a deterministic function from a log of commands to a log of market data.

For use in one's own process: `OrderBook` with `Order` matches; `Engine` adds instruments, users and rules. The root
is pure; `aio` reads and publishes; `python -m services.matching` runs it all.
"""

from services.matching.book.book_event import AuctionFill, BookEvent, BookRefusal, Cancelled, Fill, Replaced
from services.matching.book.order import Order
from services.matching.book.order_book import OrderBook
from services.matching.engine import Engine
from services.matching.floor import EngineConfig

__all__ = [
    "AuctionFill",
    "BookEvent",
    "BookRefusal",
    "Cancelled",
    "Engine",
    "EngineConfig",
    "Fill",
    "Order",
    "OrderBook",
    "Replaced",
]
