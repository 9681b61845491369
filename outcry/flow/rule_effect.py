"""What a rule of the company did to a crowd's orders, as the feed shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openoutcry.wire.types import Code, ExecutionEvent
from shared.logs.packet import Packet


class RuleEffect:
    """
    Orders that a rule has ended or refused.

    Args:
        code: Of the rule's kind: the reason of its cancels and the code of its refusals.
    """

    def __init__(self, code: Code) -> None:
        self._code = code
        self._ended = 0
        self._users: set[str] = set()
        self._refused = 0
        self._sentence = ""

    def add(self, packet: Packet) -> None:
        """Count a packet; O(its executions)."""
        for user, execution in packet.executions:
            if execution.reason != self._code:
                continue
            if execution.event == ExecutionEvent.CANCELLED:
                self._ended += 1
                self._users.add(user)
            elif execution.event == ExecutionEvent.REJECTED:
                self._refused += 1
        if not self._sentence:
            self._sentence = next((each.text for each in packet.outcomes if each.code == self._code), "")

    def told(self) -> Mapping[str, Any]:
        """Return it by name, ready for JSON; `sentence` is the first refusal's, or empty."""
        return {
            "ended": self._ended,
            "users": len(self._users),
            "refused": self._refused,
            "sentence": self._sentence,
        }
