"""What a token's roles allow.

Owns the sentence for those whom they do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openoutcry.wire.errors import InvalidRequest
from openoutcry.wire.types import Code
from services.gateway.request_rules import RequestForm
from shared.identity import Identity

VIEWER: Final = "viewer"
"""What whoever has no role is called."""


def check_role(identity: Identity, request: RequestForm, allowed: Iterable[str], what: str) -> None:
    """
    Return if one of a user's roles is among those that allow it.

    Raises:
        InvalidRequest: `not_permitted`; names the roles that the token has, and `what` they may not do.
    """
    if identity.roles.isdisjoint(allowed):
        roles = ", ".join(sorted(identity.roles)) or VIEWER
        raise InvalidRequest(Code.NOT_PERMITTED, f"role: {roles} may not {what}", request.id)
