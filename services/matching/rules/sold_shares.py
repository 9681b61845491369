"""What users under a rule of kind sell_share had at its first ask, and what they have sold since.

Owns these numbers and their bound. They end with the rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openoutcry.wire.types import Code
from services.matching.money_text import lots_text
from services.matching.price_range import BASIS
from services.matching.traded_instrument import Refusal
from shared.logs.rule_commands import Rule

SOLD_SHARES_MAX: Final = 200_000
"""Rows of a rule, a user and an instrument; beyond it whoever has none may not offer."""


class SoldShares:
    """
    The numbers.

    Args:
        rows: As `rows` gave them.
    """

    __slots__ = ("_shares",)

    def __init__(self, rows: Iterable[tuple[str, str, str, int, int]] = ()) -> None:
        self._shares: dict[tuple[str, str, str], tuple[int, int]] = {
            (rule_id, user, symbol): (base, sold) for rule_id, user, symbol, base, sold in rows
        }

    def rows(self) -> list[tuple[str, str, str, int, int]]:
        """Return (rule_id, user, symbol, lots that had vested at the first ask, lots sold since), by first ask."""
        return [(*key, *numbers) for key, numbers in self._shares.items()]

    def __len__(self) -> int:
        return len(self._shares)

    def begin(self, rule: Rule, user: str, symbol: str, vested: int) -> None:
        """Take a user's first ask under a rule; later ones change nothing. O(1)."""
        if len(self._shares) < SOLD_SHARES_MAX:
            self._shares.setdefault((rule.rule_id, user, symbol), (vested, 0))

    def sell(self, rule: Rule, user: str, symbol: str, lots: int) -> None:
        """Count lots of a fill; O(1)."""
        key = (rule.rule_id, user, symbol)
        if key in self._shares:
            base, sold = self._shares[key]
            self._shares[key] = base, sold + lots

    def end(self, rule_id: str) -> None:
        """Forget what a rule counted; O(all)."""
        self._shares = {key: numbers for key, numbers in self._shares.items() if key[0] != rule_id}

    def left(self, rule: Rule, user: str, symbol: str, vested: int) -> tuple[int, int]:
        """Return the lots that a user may offer in all while a rule is in force, and those not sold yet; O(1)."""
        base, sold = self._shares.get((rule.rule_id, user, symbol), (vested, 0))
        most = max(base, 0) * rule.parameters.share_bp // BASIS
        return most, most - sold

    def refusal(self, rule: Rule, user: str, symbol: str, vested: int, offered: int, wanted: int) -> Refusal | None:
        """
        Return why a user may not offer so many lots, or None.

        Args:
            rule: Which says so.
            user: Whose lots.
            symbol: Of what.
            vested: Lots that have vested by now; they count if nothing has been offered yet.
            offered: Lots of the user's other asks.
            wanted: Lots of this one.
        """
        if (rule.rule_id, user, symbol) not in self._shares and len(self._shares) >= SOLD_SHARES_MAX:
            text = f"instrument: {SOLD_SHARES_MAX:,} shares are counted, and there is no room for another"
            return Refusal(Code.TOO_MANY_HOLDINGS, text)
        most, unsold = self.left(rule, user, symbol, vested)
        free = unsold - offered
        if wanted <= free:
            return None
        percent = f"{rule.parameters.share_bp / 100:g}"
        text = f"quantity: you may sell {lots_text(most)} ({percent} % of what had vested), {max(free, 0):,} are left"
        return Refusal(Code.SELL_SHARE, f"{text}, not {wanted:,} (rule {rule.rule_id})")
