"""The errors that client and services share. Our misuse and the peer's misbehaviour are different classes.

OpenOutcryError
├── InvalidArgument         a caller of ours gave what cannot be; also a ValueError
├── ConfigurationError      settings, files or flags are wrong; the text says which and what to do
└── ProtocolError           the peer broke the protocol
    ├── MalformedMessage    bytes that are no message of it
    └── InvalidRequest      a request that its rules refuse; becomes a `reply`

The client's own are in `openoutcry.errors`. Those of services and instruments stand beside their users;
docs/architecture.md, "Errors", has all of them.
"""

from __future__ import annotations

from typing import Any

from openoutcry.wire.types import Code


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


def _remade(kind: type[OpenOutcryError], *args: object) -> OpenOutcryError:
    """Make an error without its constructor, which asks for more than the text that `args` holds."""
    return kind.__new__(kind, *args)
