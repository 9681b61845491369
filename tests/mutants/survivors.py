"""Generated faults that no test can see, each with the reason: whoever finds one that can be seen takes it out."""

from __future__ import annotations

from typing import Final

EQUIVALENT: Final[dict[tuple[str, str, str], str]] = {
    (
        "services/gateway/client_address.py",
        'end = data.find(b"\\r\\n", 0, V1_BYTES_MAX)',
        'end = data.find(b"\\r\\n", 1, V1_BYTES_MAX)',
    ): "the data begins with PROXY: there is no line's end at its first byte",
    (
        "services/gateway/client_frames.py",
        "width = 2 if size == 126 else 8",
        "width = 2 if size <= 126 else 8",
    ): "a size below 126 has been returned before",
    (
        "services/gateway/request_rules.py",
        'if error["type"] == "value_error" and not error["loc"]:',
        'if error["type"] == "value_error" or not error["loc"]:',
    ): "only rules of a whole request have no place in it, and they are its only value errors",
    (
        "services/matching/floor.py",
        "elif type(event) is Cancelled:",
        "elif type(event) == Cancelled:",
    ): "classes are equal only to themselves",
    (
        "services/matching/recovery/shadow.py",
        "if recovery.end != recovery.feed_id:",
        "if recovery.end > recovery.feed_id:",
    ): "the feed never ends before the last packet that was read from it",
    (
        "shared/websocket_frame.py",
        "if available - start < width:",
        "if available | start < width:",
    ): "a header that has not come whole ends before its payload begins, and is waited for there",
}
"""File, line without and with the fault, to why nothing that the program promises is other with it."""
