"""A small market in the ledger's tables, written by hand: two users, two instruments, everything once."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from sqlalchemy import Engine, Table, insert

from services.ledger import schema
from services.ledger.aio.database import database_url, open_engine
from services.ledger.aio.ledger_ddl import make_partitions
from services.ledger.aio.migration import migrate

SECOND: Final = 1_000_000
ANN, BOB = "ann", "bob"
T0: Final = (int(time.time()) - 20) // 60 * 60 * SECOND
"""A whole minute, just gone."""
DAY: Final = time.strftime("%Y-%m-%d", time.gmtime(T0 // SECOND))
EPOCH: Final = 4_503_599_627_370_497


def ledger_engine(url: str) -> Engine:
    """Return an engine with the ledger's tables, empty, made as operators make them."""
    migrate(database_url(url))
    return open_engine(database_url(url), writes=False)


class LedgerMarket:
    """Writes rows, each packet one position further."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.history, self.position, self.time = 1, 0, T0
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.trade_ids: dict[str, int] = {}
        self.user_seqs: dict[str, int] = {}

    def write(self) -> None:
        """Send what has been gathered in one transaction, with the place."""
        with self.engine.begin() as connection:
            make_partitions(connection, self.history, self.position)
            for table in schema.metadata.tables.values():
                if rows := self.rows.pop(table.name, None):
                    connection.execute(insert(table), rows)
            connection.execute(schema.place.delete())
            connection.execute(insert(schema.place), [self._place()])

    def begin(self) -> None:
        """Begin history 1, list ACME and IDEA-1."""
        self.add(schema.history, number=1, shard=0, epoch=EPOCH, from_position=0, from_log_id="0-0", began=T0)
        for symbol, tick in (("ACME", "0.01"), ("IDEA-1", "0.000001")):
            definition = {"symbol": symbol, "kind": "share", "tick_size": tick, "lot_size": 10, "currency": "USD"}
            self.record(schema.instrument, symbol=symbol, definition=json.dumps(definition))
            fields = {"instrument": symbol, "reference": 77, "collar_bp": 0}
            self.record(schema.terms, instrument=symbol, time=self.time, fields=json.dumps(fields))
        self.packet()

    def packet(self, seconds: float = 0.001) -> None:
        """End the packet."""
        self.add(
            schema.packet, history=self.history, position=self.position + 1, prev=self.position, term=1, commands=1,
            log_id="1-0", time=self.time, published=self.time, sha256=b"\0" * 32,
        )  # fmt: skip
        self.position += 1
        self.time += int(seconds * SECOND)

    def add(self, table: Table, **row: Any) -> None:
        self.rows.setdefault(table.name, []).append(row)

    def record(self, table: Table, **row: Any) -> None:
        same = [each for each in self.rows.get(table.name, []) if each["position"] == self.position + 1]
        self.add(table, history=self.history, position=self.position + 1, ordinal=len(same), **row)

    def execution(self, user: str, order_id: int, what: str, remaining: int, **fields: Any) -> None:
        self.user_seqs[user] = self.user_seqs.get(user, 0) + 1
        row = {
            "user": user, "user_seq": self.user_seqs[user], "event": what, "time": self.time, "order_id": order_id,
            "client_order_id": f"c{order_id}", "instrument": "ACME", "side": "bid", "kind": "limit",
            "time_in_force": "gtc", "price": 1_005, "quantity": 10, "remaining": remaining, "fill_price": 0,
            "fill_quantity": 0, "trade_id": 0, "liquidity": "", "reason": "", "trigger": 0, "expires_at": 0,
            "expires_on": "", "held_until": 0,
        }  # fmt: skip
        self.record(schema.execution, **(row | fields))

    def trade(self, price: int, quantity: int, symbol: str = "ACME", auction_id: int = 0) -> None:
        number = self.trade_ids[symbol] = self.trade_ids.get(symbol, 0) + 1
        self.record(
            schema.trade, instrument=symbol, trade_id=number, seq=number, time=self.time, price=price,
            quantity=quantity, aggressor_side="bid", auction_id=auction_id, buyer=ANN, seller=BOB,
            buy_order_id=1, sell_order_id=2,
        )  # fmt: skip

    def day(self) -> None:
        """Let everything happen once, and more to ann than to bob."""
        self.begin()
        self.execution(ANN, 1, "accepted", 10)
        self.packet()
        self.execution(BOB, 2, "accepted", 4, side="ask", quantity=4)
        self.trade(1_005, 4)
        self.execution(ANN, 1, "filled", 6, fill_price=1_005, fill_quantity=4, trade_id=1, liquidity="maker")
        self.execution(BOB, 2, "filled", 0, side="ask", quantity=4, fill_price=1_005, fill_quantity=4, trade_id=1)
        self.packet()
        self.execution(BOB, 3, "accepted", 5, instrument="IDEA-1", quantity=5)
        self.execution(BOB, 3, "cancelled", 0, instrument="IDEA-1", quantity=5, reason="by_user")
        self.trade(7, 1, "IDEA-1", auction_id=3)
        self.execution(ANN, 0, "rejected", 0, reason="collar", client_order_id="=1+1")
        self.packet()
        self._transfers()
        self._office()
        self._accounts()
        self.add(schema.block, **self._block())
        self.packet()
        self.write()

    def _transfers(self) -> None:
        for number, (kind, asset, debit, credit, amount) in enumerate([
            ("deposit", "USD", "~bank", ANN, 1_500_000_000),
            ("grant", "ACME", "~issuer", BOB, 40),
            ("correction", "USD", ANN, BOB, 250_000),
        ]):  # fmt: skip
            self.record(
                schema.transfer, time=self.time, transfer_id=f"t{number}", kind=kind, asset=asset, debit=debit,
                credit=credit, amount=amount, debit_user_seq=5, credit_user_seq=6, available_from=0, actor="adam",
                confirmed_by="eve", note="@home, -1",
            )  # fmt: skip

    def _office(self) -> None:
        self.record(
            schema.refusal, time=self.time, user=ANN, command="PlaceOrder", instrument="ACME", code="collar",
            text="price: too far", rule_id="Q4", request=json.dumps({"price": 9}),
        )  # fmt: skip
        self.record(
            schema.admin_action, time=self.time, act="propose", actor="adam", proposal_id="p1", proposer="adam",
            state="proposed", code="", number=0, action="Halt", subject="instrument:ACME", fields="{}",
        )  # fmt: skip
        self.record(schema.rule, rule_id="Q4", kind="blackout", discreet=True, fields="{}", actor="carla")
        self.record(
            schema.clearance, clearance_id="k1", user=ANN, instrument="ACME", side="bid", lots=5, from_time=T0,
            until_time=T0 + SECOND, actor="carla",
        )  # fmt: skip
        for number in (9, 10):
            self.add(
                schema.access, audit_id=f"{T0 // 1000}-{number}", time=T0, where="gateway", user="mallory",
                code="not_permitted", text="no",
            )  # fmt: skip

    def _accounts(self) -> None:
        for user, lots, cost in ((ANN, 4, 402_000_000), (BOB, 36, 0)):
            self.add(
                schema.holding,
                user=user,
                instrument="ACME",
                lots=lots,
                cost=cost,
                result=12_345,
                position=self.position,
            )
            self.add(schema.purse, user=user, currency="USD", amount=1_000_000 * lots, position=self.position)
            for asset, amount in (("ACME", lots), ("USD", 5)):
                self.add(
                    schema.balance_eod, history=self.history, position=self.position + 1, trading_day=DAY,
                    user=user, asset=asset, amount=amount, cost=cost, result=12_345,
                )  # fmt: skip
        self.add(
            schema.candle_1m, instrument="ACME", start=T0, open=1_005, high=1_005, low=1_005, close=1_005, volume=4,
            trades=1, value="4020", first_trade_id=1, last_trade_id=1, auction=False,
        )  # fmt: skip

    def _block(self) -> dict[str, Any]:
        return {
            "history": self.history, "first_position": 1, "number": 1, "last_position": self.position + 1,
            "first_ms": 0, "first_n": 0, "last_ms": 0, "last_n": 0, "encoding": "zlib1", "data": b"", "time": self.time,
            "leaves": 1, "executions": 1, "transfers": 0, "salt_id": "s", "pieces": b"", "root": b"\1" * 32,
            "data_sha256": b"\2" * 32, "packets_sha256": b"\2" * 32, "chain": b"\3" * 32, "tree_nodes": b"",
            "tree_root": b"", "key_id": "k", "signature": b"\4" * 64,
        }  # fmt: skip

    def _place(self) -> dict[str, Any]:
        return {
            "shard": 0, "history": self.history, "epoch": EPOCH + self.history, "term": 1, "position": self.position,
            "feed_id": f"1-{self.position}", "log_id": "1-0",
            "time": max(self.time, int(time.time()) * SECOND - SECOND), "block": 1, "chain": b"\3" * 32,
        }  # fmt: skip
