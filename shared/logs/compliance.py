"""Which actions are a compliance officer's: rules, clearances, kills, groups, and what ends orders or halts at once.

Gateways let the role propose these alone, and the engine lets it confirm these alone.
"""

from __future__ import annotations

from openoutcry.wire.types import MarketState
from shared.logs.commands import ActionCommand, SetMarketState
from shared.logs.market_commands import EndOrders, SetGroups
from shared.logs.rule_commands import SetClearance, SetKill, SetRule


def is_of_compliance(command: ActionCommand) -> bool:
    """Tell whether an action is one of compliance."""
    if isinstance(command, SetMarketState):
        return command.state is MarketState.HALTED
    return isinstance(command, SetRule | SetClearance | SetKill | SetGroups | EndOrders)
