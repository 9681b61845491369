"""Checkpoints that are made beside the market: one at a time, from the fork to the keys that wait in the store.

Owns what is under way. The bytes go to the store in small pieces, on a connection of their own, under names that no
other attempt has, so a piece that arrives late does no harm. They become checkpoint, accounts and deep books' snapshots
only by a publication of the leader, which compares first like every other. Leaves to the leader when to begin, and what
to do when one fails: store the next one itself, so that neither log grows for ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

import structlog

from services.matching.aio.metrics import MatchingMetrics
from services.matching.aio.recovery.forked_image import CHUNK_BYTES, Encode, Image, ImageFailed
from services.matching.recovery.checkpoint_pair import StagedCheckpoint, StagedSnapshot
from shared.aio.cancellation import raise_if_cancelled
from shared.aio.redis_connection import UNREACHABLE, RedisError
from shared.aio.redis_line import RedisLine
from shared.logs.stream_keys import StreamKeys

MAKING_S_MAX: Final = 30.0
"""How long one may take, from the fork to the store's last answer; then its child is killed and it has failed."""
STAGED_MS: Final = 600_000
"""How long the store keeps what nobody came to use."""


class CheckpointWriter:
    """
    What makes one leader's checkpoints.

    Args:
        line: For nobody else.
        keys: The shard's keys.
        term: Of the leader; makes the names unique.
        make_image: Takes an image of the market at once, and encodes it whenever: `ForkedImage`.
        metrics: Where to count.
    """

    def __init__(
        self,
        line: RedisLine,
        keys: StreamKeys,
        term: int,
        make_image: Callable[[Encode], Image],
        metrics: MatchingMetrics,
    ) -> None:
        self.has_failed = False
        """The last one has failed, and was not abandoned since."""
        self._line = line
        self._keys = keys
        self._term = term
        self._make_image = make_image
        self._metrics = metrics
        self._ready: StagedCheckpoint | None = None
        self._image: Image | None = None
        self._is_wanted = False
        self._begun = asyncio.Event()
        self._begun_at = 0.0
        self._attempts = 0
        self._log_id = ""
        self._snapshots: Sequence[str] = ()
        self._log = structlog.get_logger().bind(term=term)

    @property
    def is_idle(self) -> bool:
        """Whether another one may be begun."""
        return self._image is None and self._ready is None and not self.has_failed

    def begin(self, encode: Encode, log_id: str, snapshots: Sequence[str] = ()) -> None:
        """
        Take an image of the market as it stands between two packets.

        Args:
            encode: Encodes it.
            log_id: The command log's last entry that it holds.
            snapshots: Keys of the snapshots in it.
        """
        assert self.is_idle, "one at a time"
        self._begun_at = time.monotonic()
        try:
            self._image = self._make_image(encode)
        except OSError as error:
            self._fail(f"no child to be had: {error}")
            return
        self._attempts += 1
        self._log_id = log_id
        self._snapshots = snapshots
        self._is_wanted = True
        self._begun.set()

    def take_ready(self) -> StagedCheckpoint | None:
        """Return the one that has been made, once; None if there is none."""
        ready, self._ready = self._ready, None
        return ready

    def abandon(self) -> None:
        """Forget what is under way, made or failed: the leader stores the market itself."""
        self._ready = None
        self.has_failed = False
        self._is_wanted = False
        if self._image is not None:
            self._image.kill()

    async def run(self) -> None:
        """Bring each image to the store, until cancelled."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            raise_if_cancelled()
            image = self._image
            assert image is not None
            try:
                await self._bring(image)
            finally:
                await image.end()
                self._image = None

    async def _bring(self, image: Image) -> None:
        try:
            async with asyncio.timeout(MAKING_S_MAX):
                staged = await self._stage(image)
        except TimeoutError:
            self._fail(f"not done within {MAKING_S_MAX:g} s")
        except (ImageFailed, *UNREACHABLE, RedisError) as error:
            self._fail(str(error))
        else:
            if self._is_wanted:
                self._metrics.checkpoint_seconds.observe(time.monotonic() - self._begun_at)
                self._ready = staged

    async def _stage(self, image: Image) -> StagedCheckpoint:
        name, log_id = f"{self._term}-{self._attempts}", self._log_id
        keys = [self._keys.checkpoint, self._keys.accounts, *self._snapshots]
        gathered: list[StagedSnapshot] = []
        for key, size in zip(keys, await image.sizes(len(keys)), strict=True):
            staged = self._keys.staged(key, name)
            gathered.append(StagedSnapshot(key, staged, size, await self._gather(staged, size, image)))
        checkpoint, accounts, *snapshots = gathered
        return StagedCheckpoint(checkpoint.staged, accounts.staged, log_id, snapshots)

    async def _gather(self, key: str, size: int, image: Image) -> int:
        """Bring one value to the store; returns its CRC-32."""
        gathered = checksum = 0
        while gathered < size:
            chunk = await image.read(min(CHUNK_BYTES, size - gathered))
            if gathered:
                held = await self._line.call("APPEND", key, chunk)
            else:
                await self._line.call("SET", key, chunk, "PX", STAGED_MS)
                held = len(chunk)
            gathered += len(chunk)
            checksum = crc32(chunk, checksum)
            if held != gathered:
                raise ImageFailed(f"the store holds {held} of {gathered} bytes of {key}")
        return checksum

    def _fail(self, reason: str) -> None:
        if self._is_wanted or self._image is None:
            self.has_failed = True
            self._metrics.checkpoints_failed.inc()
            self._log.error("a checkpoint failed; the engine stores the next one itself", reason=reason)
