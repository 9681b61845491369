"""One half of a transfer: an account's balance moves, and its user is told.

Owns that balance and message agree. Whoever books one half books the other by the same command.
"""

from __future__ import annotations

from openoutcry.wire.account import amount_text
from openoutcry.wire.messages import Transfer
from openoutcry.wire.types import TransferKind
from services.matching.accounts.funded_account import FundedAccount
from services.matching.traded_instrument import TradedInstrument
from shared.logs.events import PrivateTransfer


def booked(
    account: FundedAccount,
    market: TradedInstrument | None,
    transfer_id: str,
    kind: TransferKind,
    asset: str,
    amount: int,
    available_from: int,
    time_us: int,
) -> PrivateTransfer:
    """
    Book one half; returns what its account is told.

    Args:
        account: Whose balance moves.
        market: Of the asset, if that is lots; None for money.
        transfer_id: Name of the transfer.
        kind: Why it is made.
        asset: Symbol or currency.
        amount: What comes, or (negative) goes: lots or millionths.
        available_from: Lots that come cannot be sold before, µs; 0: at once.
        time_us: Of the command.
    """
    if market is not None:
        balance = str(account.move_lots(market, amount, available_from, time_us))
    else:
        balance = amount_text(account.move_cash(asset, amount))
    account.user_seq += 1
    told = str(amount) if market is not None else amount_text(amount)
    transfer = Transfer(account.user_seq, time_us, transfer_id, kind, asset, told, balance, available_from)
    return PrivateTransfer(account.user, transfer)
