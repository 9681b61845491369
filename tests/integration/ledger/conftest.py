"""The interface over a small market, on both databases."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from services.ledger.aio.api import make_app
from services.ledger.aio.ledger_api import ApiSettings
from shared.token_bucket import Rate
from tests.asgi_client import AsgiClient, authenticator
from tests.ledger_market import LedgerMarket, ledger_engine


class MarketHouse:
    """A market in a database, and whoever asks about it."""

    def __init__(self, url: str) -> None:
        self.engine = ledger_engine(url)
        self.market = LedgerMarket(self.engine)
        self.settings = ApiSettings(requests=Rate(10_000, 10_000), searched_from=0)

    def client(self, user: str = "ann", *roles: str) -> AsgiClient:
        return AsgiClient(make_app(self.engine, authenticator(), settings=self.settings), user, roles)


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarketHouse]:
    """An empty one, on each database."""
    name = f"house_{secrets.token_hex(6)}"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp(name) / 'ledger.db'}"
    else:
        url = request.getfixturevalue("postgres").make_database(name)
    found = MarketHouse(url)
    yield found
    found.engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop_database(name)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MarketHouse]:
    """One on SQLite in which everything has happened once; do not change it."""
    found = MarketHouse(f"sqlite:///{tmp_path_factory.mktemp('day') / 'ledger.db'}")
    found.market.day()
    yield found
    found.engine.dispose()
