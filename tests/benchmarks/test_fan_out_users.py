"""The C users find every kind of fault that they are there to find; a figure that nobody checked would be none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.server import Server, ServerConnection, broadcast, serve

from benchmarks.fan_out.build import NoCompiler, program
from benchmarks.fan_out.mark import MARK_BYTES, marked
from benchmarks.fan_out.users import CUsers, Report, UsersFailed, UsersPlan, write_hello
from openoutcry.testing import Fault, ScriptedServer
from openoutcry.wire.codec import Encoding, encode_messages

USERS: Final = 4
DEADLINE_S: Final = 10.0


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    try:
        program("users")
    except NoCompiler as error:
        pytest.skip(str(error))


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text("".join(f"user-{number}\n" for number in range(USERS)), encoding="utf-8")
    return path


def book_plan(server: ScriptedServer, tokens: Path, slow_percent: float = 0.0) -> UsersPlan:
    hello = write_hello(tokens.with_name("hello"), {"op": "subscribe", "id": 1, "channel": "book"})
    url = urlsplit(server.url)
    return UsersPlan(
        connect=(url.netloc,),
        users=USERS,
        check="book",
        path=url.path,
        subprotocol=Encoding.MSGPACK.value,
        tokens=tokens,
        hello=hello,
        slow_percent=slow_percent,
    )


async def reported(users: CUsers, condition: Callable[[Report], bool]) -> Report:
    """Poll until the report is as expected; else fail with the last one."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition(report := await asyncio.to_thread(users.report)):
        assert time.monotonic() < deadline, report
    return report


async def after(fault: Fault, tokens: Path, condition: Callable[[Report], bool]) -> Report:
    """Tell a change with a fault between two without, and return what users report of it."""
    async with ScriptedServer() as server:
        with CUsers(book_plan(server, tokens)) as users:
            await asyncio.to_thread(users.open_all)
            await server.change(bids={100: 5}, asks={101: 4})
            await server.change(bids={99: 7}, fault=fault)
            await server.change(asks={101: 0, 102: 3})
            return await reported(users, condition)


async def test_books_of_all_users_become_the_servers(tokens: Path) -> None:
    """Thousands of random changes: levels come, change and go, and the tables grow and are made anew."""
    random = Random(7)
    async with ScriptedServer() as server:
        await server.change(bids={price: price for price in range(1, 300)})
        with CUsers(book_plan(server, tokens)) as users:
            opened = await asyncio.to_thread(users.open_all)
            for _ in range(200):
                levels = {random.randrange(1, 3_000): random.choice((0, 0, 1, 70_000)) for _ in range(20)}
                await server.change(bids=levels, asks={price + 3_000: quantity for price, quantity in levels.items()})
            book = server.market.book
            report = await reported(users, lambda report: report.updates == 200 * USERS)
            assert opened.whole == USERS
            assert report.faults == {}
            assert report.deltas == report.digests_checked - report.snapshots == 200 * USERS
            [position] = report.books
            assert position == ("ACME", book.epoch, book.seq, book.digest, USERS)


@pytest.mark.parametrize("fault", [Fault.WRONG_DIGEST, Fault.WRONG_LEVEL])
async def test_wrong_books_are_found(tokens: Path, fault: Fault) -> None:
    """And stay wrong: what follows is not taken for good."""
    report = await after(fault, tokens, lambda report: report.deltas == 3 * USERS)
    assert report.digests_wrong == report.stale == report.ignored == USERS
    assert report.books == []


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.SWAPPED])
async def test_gaps_are_found(tokens: Path, fault: Fault) -> None:
    report = await after(fault, tokens, lambda report: report.stale == USERS)
    assert report.gaps == USERS
    assert report.digests_wrong == 0


async def test_a_lost_last_change_is_found_by_the_heartbeat(tokens: Path) -> None:
    async with ScriptedServer() as server:
        with CUsers(book_plan(server, tokens)) as users:
            await asyncio.to_thread(users.open_all)
            await server.change(bids={100: 5}, fault=Fault.LOST)
            for client in server.clients:
                client.sent_seq = server.market.book.seq
            report = await reported(users, lambda report: report.stale == USERS)
            assert report.gaps == USERS


async def test_repetitions_are_counted_and_change_nothing(tokens: Path) -> None:
    report = await after(Fault.TWICE, tokens, lambda report: report.updates == 3 * USERS)
    assert report.out_of_order == USERS
    assert report.digests_wrong == report.gaps == report.stale == 0


async def test_users_who_do_not_read_are_counted_apart(tokens: Path) -> None:
    async with ScriptedServer() as server:
        with CUsers(book_plan(server, tokens, slow_percent=50.0)) as users:
            await asyncio.to_thread(users.open_all)
            await server.change(bids={100: 5})
            report = await reported(users, lambda report: report.updates == USERS // 2)
            assert (report.users, report.slow_users, report.slow_open) == (USERS // 2, USERS // 2, USERS // 2)
            server.drop_clients()
            report = await reported(users, lambda report: report.open == report.slow_open == 0)
            assert (report.disconnects, report.slow_disconnects) == (USERS // 2, USERS // 2)


async def test_whoever_is_refused_is_told_with_the_reason(tokens: Path) -> None:
    async with ScriptedServer() as server:
        server.http_status = 503
        with CUsers(book_plan(server, tokens)) as users:
            opened = await asyncio.to_thread(users.open)
            assert (opened.opened, opened.failed, opened.whole) == (0, USERS, 0)
            assert "503" in (opened.first_failure or "")


async def test_a_message_cut_short_is_malformed_wherever_it_is_cut(tokens: Path) -> None:
    """Each user gets one byte more than the one before; the last gets all of it but the last byte."""
    async with ScriptedServer() as server:
        delta = server.market.set(bids={100: 5, 70_000: 1 << 31}, asks={1 << 20: 300})
        packet = encode_messages([delta], Encoding.MSGPACK)
        with CUsers(book_plan(server, tokens)._replace(users=len(packet))) as users:
            await asyncio.to_thread(users.open_all)
            for size, client in enumerate(server.clients.copy()):
                await client.socket.send(packet[:size])
            report = await reported(users, lambda report: report.open == 0)
            assert report.malformed == report.disconnects == len(packet)


class Speaker:
    """A server that says any frames to all its clients."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port: int = next(iter(server.sockets)).getsockname()[1]

    def say(self, *payloads: bytes) -> None:
        for payload in payloads:
            broadcast(self.server.connections, payload)


async def heard(payloads: Sequence[bytes], condition: Callable[[Report], bool]) -> Report:
    """Say payloads to users who look for marks, and return what they report."""

    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(wait, "127.0.0.1", 0, compression=None) as server:
        speaker = Speaker(server)
        with CUsers(UsersPlan((f"127.0.0.1:{speaker.port}",), USERS, "marks", "/")) as users:
            await asyncio.to_thread(users.open_all)
            users.reset()
            speaker.say(*payloads)
            return await reported(users, condition)


def marks(*counters: int, size: int = 60) -> Iterator[bytes]:
    for counter in counters:
        yield marked(counter, time.time_ns() // 1000 - 5_000, size)


async def test_marks_are_counted_and_timed() -> None:
    report = await heard(list(marks(1, 2, 3)), lambda report: report.updates == 3 * USERS)
    assert report.faults == {}
    assert (report.frames, report.first_mark, report.last_mark) == (3 * USERS, 1, 3)
    assert 5_000 <= report.latency_us.p50 <= report.latency_us.max


@pytest.mark.parametrize("cut", [1, 4, 20, MARK_BYTES - 1, MARK_BYTES, MARK_BYTES + 1, 70])
async def test_marks_may_share_frames_and_be_cut_between_them(cut: int) -> None:
    """A broker that gathers messages cuts them wherever its buffer ends."""
    stream = b"MSG oo 1 60\r\n".join([b"", *marks(1, 2, 3), *marks(4, size=MARK_BYTES)])
    pieces = [stream[at : at + cut] for at in range(0, len(stream), cut)]
    report = await heard(pieces, lambda report: report.frames == len(pieces) * USERS)
    assert report.faults == {}
    assert report.updates == 4 * USERS


async def test_missing_and_repeated_marks_are_found() -> None:
    report = await heard(list(marks(1, 2, 4, 5, 4)), lambda report: report.updates == 5 * USERS)
    assert (report.gaps, report.out_of_order) == (USERS, USERS)


async def test_a_broken_mark_is_malformed() -> None:
    broken = next(marks(1)).replace(b";", b",")
    report = await heard([broken, *marks(2)], lambda report: report.updates == USERS)
    assert report.malformed == USERS


def test_a_program_that_cannot_begin_says_why() -> None:
    with CUsers(UsersPlan((), 1, "marks")) as users, pytest.raises(UsersFailed, match="--connect"):
        users.open()
