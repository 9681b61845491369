"""The request of option holders: to exercise some lots; its form, and the command that it becomes.

Owns who may ask. Whether it can be done is the engine's to say.
"""

from __future__ import annotations

from typing import Final, Literal

from services.gateway.request_rules import ClientOrderId, LotsField, RequestForm, Symbol
from services.gateway.roles import check_role
from shared.identity import Identity
from shared.logs.option_commands import Exercise

TRADERS: Final = ("trader",)


class ExerciseRequest(RequestForm):
    """Exercise lots of an option: money and lots of its underlying change hands, both or neither; for traders."""

    op: Literal["exercise"]
    exercise_id: ClientOrderId
    """The user's own name for it: the same again changes nothing."""
    instrument: Symbol
    lots: LotsField


def exercise_command(source: str, number: int, identity: Identity, request: ExerciseRequest) -> Exercise:
    """
    Return the command of an exercise.

    Raises:
        InvalidRequest: `not_permitted`.
    """
    check_role(identity, request, TRADERS, "exercise options")
    return Exercise(source, number, identity.user, request.exercise_id, request.instrument, request.lots)
