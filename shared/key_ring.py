"""The keys that a gateway holds at present, and when they are to be loaded again.

Keys change while tokens are on their way: one whose key is not held yet must not be refused before the keys have been
loaded once more, since clients take a refusal as final. But invented names must not cause loads without bound. So a
name is awaited when it is first asked for, and refused once keys that were loaded later lack it. It is still looked for
again, since a provider may sign with a key before everybody sees it.
"""

from __future__ import annotations

from typing import Final

from openoutcry.wire.errors import OpenOutcryError
from shared.token_keys import TokenKey, TokenKeys

RELOAD_S: Final = 30.0
"""Shortest time between two loads that names of unknown keys ask for, and between a failed load and the next."""
REFRESH_S: Final = 300.0
"""Longest time between two loads: a key that was withdrawn is good for so long at most."""
FIRST_S: Final = 2.0
"""Time to the next load while there are no keys at all."""
KIDS_MAX: Final = 256
"""Names of unknown keys that are remembered; beyond it they are awaited without being remembered. The load that the
others ask for brings the key if there is one, and nobody's made-up names have a good token refused."""


class KeysAwaited(OpenOutcryError):
    """Whether a token is good cannot be said before the keys have been loaded again; nothing is wrong with it yet."""


class KeyRing:
    """
    The keys at present.

    Args:
        keys: To begin with; None while they have not been loaded.
    """

    def __init__(self, keys: TokenKeys | None) -> None:
        self.keys = keys
        self._sought: set[str] = set()
        """Names asked for since the last load began."""
        self._lacking: set[str] = set()
        """Those that it lacked."""
        self._asked: set[str] = set()
        """Those that the load under way will decide on."""
        self._due_at = float("-inf")
        self._early_at = float("-inf")

    def named(self, kid: str, algorithm: str) -> TokenKey | None:
        """
        Return the key of that name and algorithm; None if the identity provider has none.

        Raises:
            KeysAwaited: If that is not known yet.
        """
        key = self.held().named(kid, algorithm)
        if key is not None:
            return key
        if kid not in self._asked and len(self._sought) < KIDS_MAX:
            self._sought.add(kid)
        if kid in self._lacking:
            return None  # and sought again: the provider may have published it since
        raise KeysAwaited(f"{kid!r} is not known yet")

    def held(self) -> TokenKeys:
        """
        Return the keys.

        Raises:
            KeysAwaited: If none have been loaded yet.
        """
        if self.keys is None:
            raise KeysAwaited("no keys have been loaded yet")
        return self.keys

    # -- loading ----------------------------------------------------------------------------------------------------

    def is_due(self, now: float) -> bool:
        """Tell whether to load now, monotonic seconds."""
        return now >= (self._early_at if self._sought else self._due_at)

    def began(self, now: float) -> None:
        """Note that a load begins."""
        self._early_at = now + RELOAD_S
        self._asked, self._sought = self._sought, set()

    def replace(self, keys: TokenKeys, now: float) -> None:
        """Take what was loaded."""
        self.keys = keys
        self._lacking, self._asked = self._asked, set()
        self._due_at = now + REFRESH_S

    def keep(self, now: float) -> None:
        """Go on with the last good keys: the load has failed."""
        self._sought |= self._asked
        self._asked = set()
        self._due_at = now + (FIRST_S if self.keys is None else RELOAD_S)
        if self.keys is None:
            self._early_at = self._due_at
