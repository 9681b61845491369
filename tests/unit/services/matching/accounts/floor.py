"""A market with accounts for tests: two instruments, money and lots by transfers, and short ways to ask."""

from __future__ import annotations

from typing import Any

from openoutcry.wire.instrument import Instrument
from openoutcry.wire.types import BANK, ISSUER, Code, Side, TransferKind
from services.matching.accounts.funded_account import FundedAccount, Holding
from services.matching.accounts.limits import Limits
from shared.logs.commands import CancelAll, CancelOrder, ListInstrument, ReplaceOrder
from shared.logs.events import Event, Outcome
from shared.logs.market_commands import BeginAccounts, MakeTransfer, SetGroups, SetLimits, SetTerms
from tests.unit.services.matching.flow import Desk, code, outcome

CENT = 10_000
"""Millionths."""
DOLLAR = 100 * CENT
OTHER = Instrument("OTHER", price_max=1_000_000, quantity_max=1_000_000)


class Floor(Desk):
    """An engine that keeps accounts, with ACME (tick 0.01 USD, one unit a lot) and OTHER."""

    def __init__(self, **config: int) -> None:
        super().__init__(**config)
        self.does(ListInstrument, OTHER)
        assert code(self.does(BeginAccounts, "root")) is Code.OK
        self.ids = 0

    def transfer(
        self, kind: TransferKind, asset: str, debit: str, credit: str, amount: int, **fields: Any
    ) -> list[Event]:
        self.ids += 1
        given = {"transfer_id": f"t{self.ids}", "available_from": 0, "note": "", "cancel_orders": False, **fields}
        return self.does(
            MakeTransfer,
            "root",
            given["transfer_id"],
            kind,
            asset,
            debit,
            credit,
            amount,
            given["available_from"],
            given["note"],
            given["cancel_orders"],
        )

    def deposit(self, user: str, dollars: int) -> None:
        assert code(self.transfer(TransferKind.DEPOSIT, "USD", BANK, user, dollars * DOLLAR)) is Code.OK

    def grant(self, user: str, lots: int, symbol: str = "ACME", available_from: int = 0) -> None:
        granted = self.transfer(TransferKind.GRANT, symbol, ISSUER, user, lots, available_from=available_from)
        assert code(granted) is Code.OK

    def limit(self, user: str = "", group: str = "", instrument: str | None = None, **limits: int) -> None:
        assert code(self.does(SetLimits, "root", user, group, instrument, Limits(**limits))) is Code.OK

    def terms(self, reference: int, collar_bp: int, symbol: str = "ACME") -> None:
        assert code(self.does(SetTerms, "root", symbol, reference, collar_bp)) is Code.OK

    def join(self, user: str, *groups: str) -> None:
        assert code(self.does(SetGroups, "root", user, groups)) is Code.OK

    def replace(self, user: str, order_id: int, price: int | None, quantity: int | None) -> Outcome:
        return outcome(self.does(ReplaceOrder, user, order_id, "", price, quantity))

    def cancel(self, user: str, order_id: int) -> Outcome:
        return outcome(self.does(CancelOrder, user, order_id, ""))

    def cancel_all(self, user: str) -> Outcome:
        return outcome(self.does(CancelAll, user, None))

    def bid(self, user: str, price: int, quantity: int, **rules: Any) -> Outcome:
        return outcome(self.place(user, Side.BID, price, quantity, **rules))

    def ask(self, user: str, price: int, quantity: int, **rules: Any) -> Outcome:
        return outcome(self.place(user, Side.ASK, price, quantity, **rules))

    def account(self, user: str) -> FundedAccount:
        self.engine.check_invariants()
        account = self.engine.account(user)
        assert isinstance(account, FundedAccount)
        return account

    def cash(self, user: str) -> tuple[int, int]:
        """What a user has and what of it is reserved, in cents."""
        purse = self.account(user).purse("USD")
        assert purse.amount % CENT == purse.reserved % CENT == 0
        return purse.amount // CENT, purse.reserved // CENT

    def holding(self, user: str, symbol: str = "ACME") -> Holding:
        return self.account(user).holdings[symbol]
