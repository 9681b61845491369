"""The gateway: follows the feed, keeps a copy of every book, and fans it out to WebSocket users.

For use alone, in one process, with an `OrderBook`: `MarketDataService`.
"""

from services.gateway.market_data_service import MarketDataService

__all__ = ["MarketDataService"]
