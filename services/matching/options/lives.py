"""How options end: their orders, then what their holders are paid, then they are delisted.

Owns the expiries and the settlement. The price is one that was set for the underlying and the day, else that of the
underlying's last auction of that day, else nothing happens until there is one: never a guess. Holders are settled some
with each command; meanwhile nothing of the instrument can trade or be transferred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

from openoutcry.wire.option_terms import OptionTerms, option_terms
from openoutcry.wire.types import ISSUER, Code, TransferKind
from services.matching.accounts.account import UserAccount
from services.matching.accounts.funded_account import FundedAccount, Holding
from services.matching.accounts.outlook import price_refusal
from services.matching.accounts.transfers import SYSTEM_ACCOUNTS
from services.matching.floor import Floor
from services.matching.life import Life
from services.matching.options.vault import Vault
from services.matching.timers import EXPIRY_RANK
from services.matching.traded_instrument import Refusal, TradedInstrument
from shared.logs.option_commands import SetSettlementPrice

EXPIRY: Final = "option_expiry"
"""Timer of an option's end."""
SETTLED_MAX: Final = 100
"""Holders that one command settles, over all options; some 10 ms with their packet."""
LOOKED_AT_MAX: Final = 50_000
"""Accounts that one command looks at for holders: 5 ms."""
AUCTION_AGE_US: Final = 12 * 3600 * 1_000_000
"""An auction so long before the close is of another day."""
VESTING: Final = "vesting"
"""Why lots are held back that have not been earned yet: they lapse."""
_OK: Final = Refusal(Code.OK, "")


class Lives:
    """
    The ends of a shard's options.

    Args:
        floor: Its instruments and accounts.
        vault: Makes the transfers.
    """

    def __init__(self, floor: Floor, vault: Vault) -> None:
        self._floor = floor
        self._vault = vault
        self.prices: dict[str, tuple[str, int]] = {}
        """By underlying: day and price that were set last."""
        self.closings: dict[str, tuple[str, int]] = {}
        """By instrument: day and price of its last closing after an auction."""
        self.settling: dict[str, tuple[int, int]] = {}
        """By option: accounts that have been looked at, and how many of them could not be settled."""
        self._left = (0, 0)  # position, and the holders that its command may still settle
        self.on_end: list[Callable[[TradedInstrument], object]] = []
        """What else happens when an option comes to its end, before its orders end."""
        floor.on_timer[EXPIRY] = self._expire
        floor.on_resumed.append(self._resumed)

    def rows(self) -> list[Any]:
        """Return what `restore` takes; empty if nothing has happened."""
        lives = {market.symbol: market.life.value for market in self._floor.instruments.values() if market.life}
        rows = [lives, self.prices, self.closings, self.settling]
        return rows if any(rows) else []

    def restore(self, rows: Iterable[Any]) -> None:
        """Take what was stored, into a floor that has its instruments."""
        lives, prices, closings, settling = rows
        for symbol, life in lives.items():
            market = self._floor.instruments[symbol]
            market.life = Life(life)
            market.find_state()
        self.prices = {symbol: (day, price) for symbol, (day, price) in prices.items()}
        self.closings = {symbol: (day, price) for symbol, (day, price) in closings.items()}
        self.settling = {symbol: (seen, failed) for symbol, (seen, failed) in settling.items()}

    @property
    def pending(self) -> int:
        """How many options wait for a settlement price, or for somebody who cannot pay; O(instruments)."""
        return sum(market.life is Life.PENDING for market in self._floor.instruments.values())

    def listed(self, market: TradedInstrument) -> None:
        """Have a newly listed instrument end at its time, if it has one."""
        terms = option_terms(market.instrument.option)
        if terms is not None:
            self._floor.timers.set(EXPIRY, market.symbol, terms.expires_at, EXPIRY_RANK)

    def set_price(self, command: SetSettlementPrice) -> Refusal:
        """Take a settlement price, and settle what waits for it, or say why not; O(instruments)."""
        floor = self._floor
        refusal = price_refusal(command, floor.instruments, kept=floor.accounting is not None)
        if refusal is not None:
            return refusal
        self.prices[command.instrument] = (command.day, command.price)
        self._settle_waiting(command.instrument, command.day)
        return _OK

    def closed(self, market: TradedInstrument, trading_day: str) -> None:
        """Note the price of an instrument that has closed for the day, if an auction was near; settle what waits."""
        if market.closing_day == trading_day and self._floor.time - market.auction_time <= AUCTION_AGE_US:
            self.closings[market.symbol] = (trading_day, market.closing_price)
            self._settle_waiting(market.symbol, trading_day)

    def go_on(self) -> None:
        """Settle the next holders."""
        for symbol in list(self.settling):
            self._settle_some(self._floor.instruments[symbol])

    # One option's way.

    def _expire(self, symbol: str) -> None:
        floor, market = self._floor, self._floor.instruments[symbol]
        if market.life is not Life.TRADING:
            return
        market.life = Life.ENDING
        for follow in self.on_end:
            follow(market)
        floor.tell_state(market)
        floor.sweep(floor.open_orders_of(market), Code.EXPIRED)
        if not market.is_paused:
            self._settle(market)

    def _resumed(self, market: TradedInstrument) -> None:
        if market.life is Life.ENDING:
            self._settle(market)

    def _settle_waiting(self, underlying: str, day: str) -> None:
        for market in self._floor.instruments.values():
            if market.life is Life.PENDING:
                terms = option_terms(market.instrument.option)
                if terms is not None and (terms.underlying, terms.expiry) == (underlying, day):
                    self._settle(market)

    def _settle(self, market: TradedInstrument) -> None:
        """Begin to settle an option whose orders have ended, if its price is known."""
        terms = option_terms(market.instrument.option)
        assert terms is not None
        if self._floor.accounting is None:
            self._become(market, Life.OVER)
        elif not self._price(terms):
            self._become(market, Life.PENDING)
        else:
            self.settling[market.symbol] = (0, 0)
            self._floor.timers.wake_at_once()
            self._become(market, Life.SETTLING)
            self._settle_some(market)

    def _price(self, terms: OptionTerms) -> int:
        for known in (self.prices, self.closings):
            day, price = known.get(terms.underlying, ("", 0))
            if day == terms.expiry:
                return price
        return 0

    def _become(self, market: TradedInstrument, life: Life) -> None:
        market.life = life
        self._floor.tell_state(market)

    # Its holders.

    def _settle_some(self, market: TradedInstrument) -> None:
        """Settle holders in the order of the accounts, as many as this command may; then it is over."""
        terms, symbol = option_terms(market.instrument.option), market.symbol
        assert terms is not None
        seen, failed = self.settling[symbol]
        position, left = self._left
        left = left if position == self._floor.position else SETTLED_MAX
        looked_at = list(islice(self._floor.accounts.values(), seen, seen + LOOKED_AT_MAX))
        for account in looked_at:
            if not left:
                break
            seen += 1
            holding = _holding(account, symbol)
            if holding is not None and account.user not in SYSTEM_ACCOUNTS:
                assert isinstance(account, FundedAccount)
                failed += not self._settle_one(account, holding, symbol, terms)
                left -= 1
        self._left = (self._floor.position, left)
        if seen < len(self._floor.accounts):
            self.settling[symbol] = (seen, failed)
            return
        del self.settling[symbol]
        self._become(market, Life.PENDING if failed else Life.OVER)

    def _settle_one(self, account: FundedAccount, holding: Holding, symbol: str, terms: OptionTerms) -> bool:
        """Settle one holder; False if somebody cannot pay, and nothing has changed."""
        vault, lots, user = self._vault, holding.lots, account.user
        kind = TransferKind.EXPIRY
        ticks = terms.in_the_money(self._price(terms)) if terms.at_expiry != "lapse" else 0
        unit = ticks * terms.multiplier * vault.tick_value(terms)
        currency = self._floor.instruments[terms.underlying].currency
        if lots < 0:
            if not vault.free_cash(account, currency, -lots * unit):
                return False
            name = vault.name(kind)
            vault.move(name, kind, currency, user, ISSUER, -lots * unit)
            vault.move(name, kind, symbol, ISSUER, user, -lots)
            return True
        earned = max(lots - _unvested(holding, self._floor.time), 0)
        if ticks and terms.at_expiry == "exercise" and earned and self._can_exercise(account, terms, earned):
            vault.exercise(account, symbol, terms, earned, vault.name(TransferKind.EXERCISE))
            vault.move(vault.name(kind), kind, symbol, user, ISSUER, lots - earned)
            return True
        if not vault.can_give(currency, earned * unit):
            return False
        name = vault.name(kind)
        vault.move(name, kind, currency, ISSUER, user, earned * unit)
        vault.move(name, kind, symbol, user, ISSUER, lots)
        return True

    def _can_exercise(self, account: FundedAccount, terms: OptionTerms, lots: int) -> bool:
        """Tell whether money and lots can change hands; who cannot pay or deliver is paid what it is worth instead."""
        vault, shares = self._vault, lots * terms.multiplier
        currency = self._floor.instruments[terms.underlying].currency
        value = vault.strike_value(terms, lots)
        if terms.right == "put":
            return shares <= vault.free_lots(account, terms.underlying) and vault.can_give(currency, value)
        affords = value <= account.free_cash(currency) and vault.has_room(account, terms.underlying)
        return affords and vault.can_give(terms.underlying, shares)


def _holding(account: UserAccount, symbol: str) -> Holding | None:
    holding = account.holdings.get(symbol) if isinstance(account, FundedAccount) else None
    return holding if holding is not None and holding.lots else None


def _unvested(holding: Holding, time_us: int) -> int:
    return sum([lots for until, why, lots in holding.restricted if why == VESTING and until > time_us])
