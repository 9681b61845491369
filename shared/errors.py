"""The error tree. Our misuse and the peer's misbehaviour are different classes.

* OpenOutcryError
    * InvalidArgument: a caller of ours gave what cannot be; also a ValueError
    * ConfigurationError: settings, files or flags are wrong; the text says which and what to do
    * ProtocolError: the peer broke the protocol
        * MalformedMessage: bytes that are no message of it
        * InvalidRequest: a request that its rules refuse; becomes a `reply`
    * CorruptEntry: a Redis Stream entry or key that is not what we write; names its id
    * StoreUnavailable: Redis did not answer in time
    * LeadershipLost: another engine leads, or the log goes on without us
    * Disconnected: the client's connection ended; carries the close code
"""

from __future__ import annotations

from typing import Any

from shared.types import Code


class OpenOutcryError(Exception):
    """Root of all errors of this project. Copies and pickles keep text and fields."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), *self.args), vars(self)


class InvalidArgument(OpenOutcryError, ValueError):
    """A caller gave what cannot be, such as a price that is no whole number; nothing was done, or sent."""


class ConfigurationError(OpenOutcryError):
    """Settings, files or flags are wrong; the text says which, and what to do."""


class ProtocolError(OpenOutcryError):
    """The peer broke the protocol."""


class MalformedMessage(ProtocolError):
    """Bytes that are no message of the protocol."""


class InvalidRequest(ProtocolError):
    """
    A request that the rules refuse; becomes a `reply`, and the connection lives.

    Args:
        code: Which rule.
        text: One sentence naming field, rule and limit.
        request_id: The request's `id` as far as it could be read, else None.
    """

    def __init__(self, code: Code, text: str, request_id: int | str | None = None) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.request_id = request_id


class CorruptEntry(OpenOutcryError):
    """
    A stored entry is not what we write; the reader stops, nothing is skipped.

    Args:
        key: The Redis key.
        entry_id: The stream entry's id, or "" for a plain key.
        reason: What is wrong with it.
    """

    def __init__(self, key: str, entry_id: str, reason: str) -> None:
        where = f"{key} entry {entry_id}" if entry_id else key
        super().__init__(f"{where} is corrupt: {reason}")
        self.key = key
        self.entry_id = entry_id
        self.reason = reason


class StoreUnavailable(OpenOutcryError):
    """Redis did not answer in time."""


class LeadershipLost(OpenOutcryError):
    """Another engine leads, or the log goes on without us: this one must stop."""


class Disconnected(OpenOutcryError):
    """
    The client's connection ended.

    Args:
        code: WebSocket close code, 1006 when there was none.
        reason: The peer's words.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"disconnected with {code}: {reason or 'no reason given'}")
        self.code = code
        self.reason = reason


def _remade(kind: type[OpenOutcryError], *args: object) -> OpenOutcryError:
    """Make an error without its constructor, which asks for more than the text that `args` holds."""
    return kind.__new__(kind, *args)
