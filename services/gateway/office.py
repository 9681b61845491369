"""The administrators' requests: who may make them, the commands that they become, and what their replies hold.

Owns which roles may make them. The actor is the token's user, never a request's. Whether what is asked can be done, and
who else must agree, is the engine's to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.types import Code
from services.gateway.office_actions import read_proposed
from services.gateway.requests import Administer, ConfirmProposal, OfficeRequest, ShowMarket, WithdrawProposal
from services.gateway.roles import check_role
from shared.identity import Identity
from shared.logs.commands import Confirm, Propose, ReadMarket
from shared.logs.compliance import is_of_compliance
from shared.logs.events import AdministrativeAct, MarketShown, Outcome, PairsRefused

OFFICE_REQUESTS: Final = (Administer, ConfirmProposal, WithdrawProposal, ShowMarket)
Told: TypeAlias = AdministrativeAct | MarketShown | PairsRefused
_ADMINISTRATORS: Final = ("admin",)
_OFFICERS: Final = ("admin", "compliance")
_READERS: Final = ("admin", "compliance", "auditor")


def office_command(
    source: str, number: int, identity: Identity, request: OfficeRequest
) -> Propose | Confirm | ReadMarket:
    """
    Return the command of an administrator's request.

    Raises:
        InvalidRequest: `not_permitted`, or `bad_request` for an action of the wrong form.
    """
    user = identity.user
    match request:
        case Administer():
            check_role(identity, request, _OFFICERS, "administer the market")
            try:
                actions = read_proposed(request.actions)
            except ValueError as error:
                raise InvalidRequest(Code.BAD_REQUEST, str(error), request.id) from error
            if not all(is_of_compliance(action.command) for action in actions):
                check_role(identity, request, _ADMINISTRATORS, "propose what is not of rules alone")
            return Propose(source, number, user, request.proposal_id, actions)
        case ConfirmProposal():
            check_role(identity, request, _OFFICERS, "confirm proposals")
            return Confirm(source, number, user, request.proposal_id, identity.roles.isdisjoint(_ADMINISTRATORS))
        case WithdrawProposal():
            check_role(identity, request, _OFFICERS, "withdraw proposals")
            return Confirm(source, number, user, request.proposal_id, withdraws=True)
        case ShowMarket():
            check_role(identity, request, _READERS, "see what is set")
            return ReadMarket(source, number, user, request.start)


def office_data(request: OfficeRequest, outcome: Outcome, told: Iterable[Told]) -> dict[str, Any]:
    """Return the data of a reply; `told` is what the packet says of the commands, others' included."""
    mine = next((each for each in told if (each.source, each.number) == (outcome.source, outcome.number)), None)
    if isinstance(mine, MarketShown):
        return {"revision": mine.revision, "total": mine.total, "rows": mine.rows}
    if not isinstance(mine, AdministrativeAct) or isinstance(request, ShowMarket):
        return {}
    data: dict[str, Any] = {"proposal_id": request.proposal_id, "state": str(mine.state)}
    if outcome.cancelled:
        data["cancelled"] = outcome.cancelled
    return data
