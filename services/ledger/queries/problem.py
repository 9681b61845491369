"""What the interface refuses, as RFC 9457 has it: problem+json with our `code`, and the field, the limit, the value."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from openoutcry.wire.errors import OpenOutcryError

MEDIA_TYPE: Final = "application/problem+json"
SHOWN_LETTERS_MAX: Final = 64
"""Of what somebody sent: a refusal does not repeat more of it."""


class Problem(OpenOutcryError):
    """
    A request that is not answered.

    Args:
        status: Of HTTP.
        code: Ours, for programs.
        text: One sentence for people, naming field, rule and limit.
        field: The parameter that is wrong; "" if it is none.
        limit: What it may be at most, or at least.
        value: What it was.
        headers: Of the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        text: str,
        field: str = "",
        *,
        limit: int | None = None,
        value: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.field = field
        self.limit = limit
        self.value = value
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON object."""
        found: dict[str, Any] = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.text,
            "code": self.code,
        }
        if self.field:
            found["field"] = shown(self.field)
        if self.limit is not None:
            found["limit"] = self.limit
        if self.value is not None:
            found["value"] = shown(self.value)
        return found


def bad_request(field: str, text: str, *, limit: int | None = None, value: object = None) -> Problem:
    """Return the refusal of a parameter; its sentence begins with the parameter's name."""
    return Problem(HTTPStatus.BAD_REQUEST, "bad_request", f"{shown(field)}: {text}", field, limit=limit, value=value)


def not_found(code: str, field: str, text: str) -> Problem:
    """Return the answer for what is not there, or is somebody else's: the two look alike."""
    return Problem(HTTPStatus.NOT_FOUND, code, f"{field}: {text}", field)


def unavailable(code: str, text: str, retry_after_s: int) -> Problem:
    """Return the answer while there is none; `retry_after_s` are whole seconds."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, text, headers={"Retry-After": str(retry_after_s)})


def shown(value: object) -> str | int:
    """Return what somebody sent as an answer may repeat it: short, without what terminals obey."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
        return value
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[: SHOWN_LETTERS_MAX + 1])
    return text if len(text) <= SHOWN_LETTERS_MAX else f"{text[:SHOWN_LETTERS_MAX]}…"
