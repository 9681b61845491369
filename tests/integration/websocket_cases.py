"""What RFC 6455 asks of a server, case by case: bytes that a client sends, and what must come back.

In the groups of the Autobahn test suite (1 to 7, and 10), in our own words: that suite needs Python 2, and an echo
server. Here every message is no request, or one too large, so a reply stands for the echo. The groups of large messages
and of compression are left out: a gateway takes 256 KiB, and no extension.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from shared.websocket_frame import BINARY, CLOSE, FIN, PING, PONG, TEXT, client_frame

CONTINUATION: Final = 0
MASK: Final = b"\x37\xfa\x21\x3d"
NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002
INVALID_DATA: Final = 1007
LETTERS: Final = "Hello-µ@ßöäüàá-UTF-8!!".encode()
KOSME: Final = "κόσμε".encode()


class Case(NamedTuple):
    """One conversation."""

    group: str
    """Of the Autobahn test suite."""
    name: str
    sent: tuple[bytes, ...]
    """Written one after the other; a close with 1000 follows, and counts if the connection still stands."""
    replies: int = 0
    pongs: tuple[bytes, ...] = ()
    close: int | None = NORMAL
    """The code of the server's close; None: its close has none."""


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, reserved: int = 0) -> bytes:
    """Build a frame of a client, right or wrong."""
    whole = client_frame(payload, opcode, MASK)
    return bytes([opcode | reserved << 4 | (FIN if fin else 0)]) + whole[1:]


def chopped(data: bytes, size: int = 1) -> tuple[bytes, ...]:
    return tuple(data[at : at + size] for at in range(0, len(data), size))


def fragments(*parts: bytes, opcode: int = TEXT) -> tuple[bytes, ...]:
    """One message in so many fragments."""
    last = len(parts) - 1
    return tuple(frame(part, opcode if at == 0 else CONTINUATION, fin=at == last) for at, part in enumerate(parts))


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(code.to_bytes(2, "big") + reason, CLOSE)


def all_cases() -> list[Case]:
    """Every case once, in the order of the groups."""
    found = [
        *_framing(), *_pings(), *_reserved_bits(), *_opcodes(), *_fragmentation(), *_utf8(), *_closes(),
        Case("10", "64 KiB in fragments of 1,300 bytes", fragments(*chopped(b"*" * 65_536, 1_300)), replies=1),
    ]  # fmt: skip
    return list({case.sent: case for case in reversed(found)}.values())[::-1]


def _framing() -> Iterator[Case]:
    sizes = (0, 125, 126, 127, 128, 65_535, 65_536)
    for name, opcode in (("text", TEXT), ("binary", BINARY)):
        for size in sizes:
            yield Case("1", f"{name} of {size} bytes", (frame(b"*" * size, opcode),), replies=1)
        yield Case("1", f"{name} in chops of 997", chopped(frame(b"*" * 65_536, opcode), 997), replies=1)


def _pings() -> Iterator[Case]:
    full = b"\xfe" * 125
    yield Case("2", "without payload", (frame(b"", PING),), pongs=(b"",))
    yield Case("2", "with text", (frame(b"Hello", PING),), pongs=(b"Hello",))
    yield Case("2", "with bytes", (frame(b"\x00\xff\xfe\xfd", PING),), pongs=(b"\x00\xff\xfe\xfd",))
    yield Case("2", "of 125 bytes", (frame(full, PING),), pongs=(full,))
    yield Case("2", "of 126 bytes", (frame(b"\xfe" * 126, PING),), close=PROTOCOL_ERROR)
    yield Case("2", "byte by byte", chopped(frame(full, PING)), pongs=(full,))
    yield Case("2", "an unasked pong", (frame(b"", PONG),))
    yield Case("2", "an unasked pong with payload", (frame(b"unasked", PONG),))
    yield Case("2", "an unasked pong, then a ping", (frame(b"unasked", PONG), frame(b"ask", PING)), pongs=(b"ask",))
    ten = [b"payload-%d" % number for number in range(10)]
    yield Case("2", "ten", tuple(frame(payload, PING) for payload in ten), pongs=tuple(ten))
    yield Case("2", "ten, byte by byte", chopped(b"".join(frame(each, PING) for each in ten)), pongs=tuple(ten))


def _reserved_bits() -> Iterator[Case]:
    whole = frame(b"Hello")
    yield Case("3", "1", (frame(b"Hello", reserved=1),), close=PROTOCOL_ERROR)
    for reserved in (2, 3):
        bad = frame(b"Hello", reserved=reserved)
        yield Case("3", f"{reserved}, behind a message", (whole, bad, frame(b"", PING)), 1, close=PROTOCOL_ERROR)
    bad = whole + frame(b"Hello", reserved=4) + frame(b"", PING)
    yield Case("3", "4, byte by byte", chopped(bad), 1, close=PROTOCOL_ERROR)
    yield Case("3", "5, binary", (frame(b"\x00\xff", BINARY, reserved=5),), close=PROTOCOL_ERROR)
    yield Case("3", "6, ping", (frame(b"Hello", PING, reserved=6),), close=PROTOCOL_ERROR)
    yield Case("3", "7, close", (frame(b"", CLOSE, reserved=7),), close=PROTOCOL_ERROR)


def _opcodes() -> Iterator[Case]:
    whole, ping = frame(b"Hello"), frame(b"", PING)
    for first in (0x3, 0xB):
        for number, payload in enumerate((b"", b"reserved")):
            yield Case("4", f"opcode {first + number:x}", (frame(payload, first + number),), close=PROTOCOL_ERROR)
        for number in (2, 3):
            bad = frame(b"", first + number)
            yield Case("4", f"opcode {first + number:x}, behind a message", (whole, bad, ping), 1, close=PROTOCOL_ERROR)
        bad = frame(b"x", first + 4)
        yield Case("4", f"opcode {first + 4:x}, byte by byte", chopped(whole + bad + ping), 1, close=PROTOCOL_ERROR)


def _fragmentation() -> Iterator[Case]:
    whole, two = frame(b"Hello"), fragments(b"frag", b"ment")
    ping = frame(b"ping", PING)
    yield Case("5", "a ping in two", fragments(b"a", b"b", opcode=PING), close=PROTOCOL_ERROR)
    yield Case("5", "a pong in two", fragments(b"a", b"b", opcode=PONG), close=PROTOCOL_ERROR)
    yield Case("5", "a text in two", two, 1)
    yield Case("5", "a text in two, one write", (b"".join(two),), 1)
    yield Case("5", "a text in two, byte by byte", chopped(b"".join(two)), 1)
    for name, sent in (
        ("apart", (two[0], ping, two[1])),
        ("one write", (two[0] + ping + two[1],)),
        ("byte by byte", chopped(two[0] + ping + two[1])),
    ):
        yield Case("5", f"a ping between, {name}", sent, 1, (b"ping",))
    for fin in (True, False):
        bad = frame(b"nothing to continue", CONTINUATION, fin=fin)
        for name, sent in (
            ("apart", (bad, whole)), ("one write", (bad + whole,)), ("byte by byte", chopped(bad + whole)),
        ):  # fmt: skip
            yield Case("5", f"a continuation of nothing, fin {fin}, {name}", sent, close=PROTOCOL_ERROR)
    wrong = (*fragments(b"a", b"b"), frame(b"c", CONTINUATION, fin=False), whole)
    yield Case("5", "a continuation behind a whole message", wrong, 1, close=PROTOCOL_ERROR)
    again = (frame(b"c", CONTINUATION, fin=False), frame(b"d", CONTINUATION))
    yield Case("5", "the same in fragments", fragments(b"a", b"b") + again, 1, close=PROTOCOL_ERROR)
    yield Case("5", "a message within another", (frame(b"a", fin=False), whole), close=PROTOCOL_ERROR)
    five = fragments(b"1", b"2", b"3", b"4", b"5")
    mixed = (*five[:2], frame(b"p1", PING), five[2], frame(b"p2", PING), *five[3:])
    yield Case("5", "two pings among five", mixed, 1, (b"p1", b"p2"))
    yield Case("5", "two pings among five, one write", (b"".join(mixed),), 1, (b"p1", b"p2"))
    other = (frame(b"a", fin=False), frame(b"b", BINARY, fin=False))
    yield Case("5", "a message of another kind within", other, close=PROTOCOL_ERROR)


def _utf8() -> Iterator[Case]:
    for text in (b"", LETTERS, KOSME):
        yield Case("6", f"in fragments of a byte: {text!r}", fragments(*(chopped(text) or (b"",))), 1)
    yield Case("6", "three empty fragments", fragments(b"", b"", b""), 1)
    yield Case("6", "an empty fragment at both ends", fragments(b"", LETTERS, b""), 1)
    yield Case("6", "whole", (frame(LETTERS),), 1)
    yield Case("6", "two fragments", fragments(LETTERS[:13], LETTERS[13:]), 1)
    for valid in _VALID:
        yield Case("6", f"valid {valid.hex(' ')}", (frame(valid),), 1)
    for name, invalid in _invalid():
        yield Case("6", f"{name} {invalid[:8].hex(' ')}", (frame(invalid),), close=INVALID_DATA)
    surrogate = KOSME + b"\xed\xa0\x80" + b"edited"
    yield Case("6", "a surrogate within, whole", (frame(surrogate),), close=INVALID_DATA)
    yield Case("6", "a surrogate within, byte by byte", fragments(*chopped(surrogate)), close=INVALID_DATA)
    for name, parts in (
        ("at the fragment that is wrong", (KOSME, b"\xf4\x90\x80\x80", b"edited")),
        ("at the byte that is wrong", (KOSME + b"\xf4", b"\x90", b"\x80\x80edited")),
    ):
        # The last fragment is never sent: the connection fails as soon as that is certain.
        yield Case("6", f"fails {name}", fragments(*parts)[:-1], close=INVALID_DATA)
        yield Case("6", f"fails {name}, one write", (b"".join(fragments(*parts)),), close=INVALID_DATA)


def _closes() -> Iterator[Case]:
    whole = frame(b"Hello")
    yield Case("7", "a message, then close", (whole, close(NORMAL)), 1)
    yield Case("7", "two closes", (close(NORMAL), close(NORMAL)))
    yield Case("7", "a ping behind the close", (close(NORMAL), frame(b"late", PING)))
    yield Case("7", "a message behind the close", (close(NORMAL), whole))
    yield Case("7", "within a fragmented message", (frame(b"frag", fin=False), close(NORMAL), frame(b"", CONTINUATION)))
    yield Case("7", "behind 256 KiB", (frame(b"*" * 262_144), close(NORMAL), frame(b"", PING)), 1)
    yield Case("7", "without a code", (frame(b"", CLOSE),), close=None)
    yield Case("7", "of one byte", (frame(b"a", CLOSE),), close=PROTOCOL_ERROR)
    yield Case("7", "a code alone", (close(NORMAL),))
    yield Case("7", "with a reason", (close(NORMAL, b"bye"),))
    yield Case("7", "with the longest reason", (close(NORMAL, b"*" * 123),))
    yield Case("7", "with a reason too long", (close(NORMAL, b"*" * 124),), close=PROTOCOL_ERROR)
    yield Case("7", "with a reason that is no UTF-8", (close(NORMAL, KOSME + b"\xed\xa0\x80"),), close=INVALID_DATA)
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield Case("7", f"with the code {code}", (close(code),), close=code)
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535):
        yield Case("7", f"with the code {code}, which nobody may send", (close(code),), close=PROTOCOL_ERROR)


def _noncharacters() -> Iterator[bytes]:
    for plane in range(17):
        for last in (0xFFFE, 0xFFFF):
            yield chr(plane << 16 | last).encode()


_VALID: Final = (
    *(bytes.fromhex(each) for each in (
        "00", "7f", "c2 80", "df bf", "e0 a0 80", "ef bf bf", "f0 90 80 80", "f4 8f bf bf",
        "ed 9f bf", "ee 80 80", "ef bf bd", "f3 bf bf bf", "f0 9f bf bf", "f4 80 80 80",
    )),
    *_noncharacters(),
    *(bytes.fromhex(f"ef bf b{digit:x}") for digit in range(9, 16)),
)  # fmt: skip


def _invalid() -> Iterator[tuple[str, bytes]]:
    def named(name: str, *each: str) -> Iterator[tuple[str, bytes]]:
        yield from ((name, bytes.fromhex(found)) for found in each)

    yield from named("five and six bytes", "f8 88 80 80 80", "fc 84 80 80 80 80", "fb bf bf bf bf", "fd bf bf bf bf bf")
    yield from named("above U+10FFFF", "f4 90 80 80", "f7 bf bf bf", "f5 80 80 80")
    yield from (("continuations alone", (b"\x80\xbf" * 4)[:size]) for size in range(1, 9))
    yield ("every continuation", bytes(range(0x80, 0xC0)))
    for first, last in pairwise((0xC0, 0xE0, 0xF0, 0xF8, 0xFC, 0xFE)):
        yield ("beginnings alone", b" ".join(bytes([each]) for each in range(first, last)) + b" ")
    cut = ("c0", "e0 80", "f0 80 80", "f8 80 80 80", "fc 80 80 80 80", "df", "ef bf", "f7 bf bf", "fb bf bf bf",
           "fd bf bf bf bf", "ce ba e1 bd")  # fmt: skip
    yield from named("cut short", *cut)
    yield ("cut short, all", bytes.fromhex("".join(cut)))
    yield from named("impossible bytes", "fe", "ff", "fe fe ff ff")
    yield from named("a slash at length", "c0 af", "e0 80 af", "f0 80 80 af", "f8 80 80 80 af", "fc 80 80 80 80 af")
    yield from named("longer than needed", "c1 bf", "e0 9f bf", "f0 8f bf bf", "f8 87 bf bf bf", "fc 83 bf bf bf bf")
    yield from named("a zero at length", "c0 80", "e0 80 80", "f0 80 80 80", "f8 80 80 80 80", "fc 80 80 80 80 80")
    halves = ("ed a0 80", "ed ad bf", "ed ae 80", "ed af bf", "ed b0 80", "ed be 80", "ed bf bf")
    yield from named("half of a pair", *halves)
    yield from named("both halves", *(high + low for high in halves[:4] for low in (halves[4], halves[6])))
    yield from _within(bytes.fromhex("80 c0 fe ff ed"))


def _within(wrong: Iterable[int]) -> Iterator[tuple[str, bytes]]:
    """Yield a request that would be carried out, but for one byte in a text of it."""
    for byte in wrong:
        yield f"a request with {byte:x} in it", b'{"op":"ping","id":"' + bytes([byte]) + b'"}'
