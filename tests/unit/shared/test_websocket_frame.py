"""Frames against the websockets library, which is the reference here."""

from __future__ import annotations

import pytest
from websockets.frames import Frame as LibraryFrame
from websockets.frames import Opcode
from websockets.streams import StreamReader

from openoutcry.wire.errors import MalformedMessage
from shared.websocket_frame import BINARY, CLOSE, FIN, TEXT, Frame, FrameReader, client_frame, server_frame

SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 70_001]
MASK = b"\x01\x02\x03\xff"


def parsed(data: bytes, *, mask: bool) -> LibraryFrame:
    """Read one frame with the library's parser."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    parser = LibraryFrame.parse(reader.read_exact, mask=mask, max_size=None)
    try:
        while True:
            next(parser)
    except StopIteration as found:
        frame: LibraryFrame = found.value
        return frame


@pytest.mark.parametrize("size", SIZES)
def test_the_library_reads_a_server_frame(size: int) -> None:
    payload = bytes(index % 251 for index in range(size))
    frame = parsed(server_frame(payload, BINARY), mask=False)
    assert (frame.opcode, frame.data, frame.fin) == (Opcode.BINARY, payload, True)


@pytest.mark.parametrize("size", SIZES)
def test_the_library_reads_a_client_frame(size: int) -> None:
    payload = bytes(index % 251 for index in range(size))
    assert parsed(client_frame(payload, TEXT, MASK), mask=True).data == payload


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1_000, 1_000_000])
def test_frames_are_found_however_the_bytes_were_cut(chunk: int) -> None:
    frames = [Frame(BINARY, b"x" * size) for size in (0, 5, 126, 3_000)] + [Frame(CLOSE, b"\x0f\xa0bye")]
    stream = b"".join(server_frame(frame.payload, frame.opcode) for frame in frames)
    reader, found = FrameReader(), []
    for start in range(0, len(stream), chunk):
        found += reader.receive(stream[start : start + chunk])
    assert found == frames


@pytest.mark.parametrize(("size", "cut"), [(200, cut) for cut in range(5)] + [(70_000, cut) for cut in range(11)])
def test_a_header_waits_for_all_its_length_bytes(size: int, cut: int) -> None:
    frame = server_frame(b"y" * size, BINARY)
    reader = FrameReader()
    assert reader.receive(frame[:cut]) == []
    assert reader.receive(frame[cut:]) == [Frame(BINARY, b"y" * size)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(client_frame(b"abc", BINARY, MASK), id="masked"),
        pytest.param(bytes((BINARY, 1, 65)), id="fragmented"),
        pytest.param(bytes((FIN | BINARY, 126, 0xFF, 0xFF)), id="oversized"),
    ],
)
def test_what_a_server_never_sends_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        FrameReader(payload_bytes_max=1_000).receive(data)
