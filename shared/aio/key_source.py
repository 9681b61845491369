"""Loads the keys of tokens: a secret once, the identity provider's again and again, beside everything else.

A file is read at once. A URL is fetched by streams of the loop's own: no thread that a slow provider could hold, one
deadline for everything, and a bound on what is read. Redirects are not followed, and no proxy is asked.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import structlog

from openoutcry.wire.errors import ConfigurationError
from shared.key_address import KeyUrl, is_url, read_key_url
from shared.key_ring import KeyRing
from shared.token_keys import JWKS_BYTES_MAX, TokenKeys, checked_secret, read_jwks

FETCH_S: Final = 4.0
"""Time for name, connection, TLS and answer together; less than a client has for its login, which may wait for it."""
LOOK_S: Final = 0.1
"""Time between two looks at whether a load is due."""
HEAD_BYTES_MAX: Final = 64 * 1024
"""Room for the answer's header beside the key set."""


class KeySource:
    """
    Keeps a key ring up to date.

    Args:
        place: File or URL, checked.
        ring: Whose keys.
        on_loaded: Called after each load, with whether it brought keys; must not raise.
    """

    def __init__(self, place: str, ring: KeyRing, on_loaded: Callable[[bool], None]) -> None:
        self._place = KeyPlace(place)
        self._ring = ring
        self._on_loaded = on_loaded
        self._log = structlog.get_logger().bind(keys_from=str(self._place))

    async def run(self) -> None:
        """Load whenever it is due, until cancelled."""
        while True:
            if self._ring.is_due(time.monotonic()):
                self._on_loaded(await self._load())
            await asyncio.sleep(LOOK_S)

    async def _load(self) -> bool:
        self._ring.began(time.monotonic())
        try:
            keys = await self._place.read()
        except (ConfigurationError, OSError, http.client.HTTPException) as error:
            self._ring.keep(time.monotonic())
            held = self._ring.keys
            why = str(error) or type(error).__name__
            self._log.warning("token keys not loaded", error=why, kept=0 if held is None else len(held))
            return False
        self._ring.replace(keys, time.monotonic())
        self._log.info(
            "token keys loaded", keys=len(keys), algorithms=keys.algorithms, passed_over=keys.passed_over[:10]
        )
        return True


class KeyPlace:
    """
    Where keys are; its text names it without secrets.

    Args:
        place: File or URL, checked.
    """

    def __init__(self, place: str) -> None:
        self._url = read_key_url(place) if is_url(place) else None
        self._path = Path(place)
        # Made once: it reads the machine's certificates.
        self._tls = ssl.create_default_context() if self._url and self._url.is_tls else None

    def __str__(self) -> str:
        return str(self._url or self._path)

    async def read(self) -> TokenKeys:
        """
        Return the keys that are there now.

        Raises:
            ConfigurationError: If they cannot be had in time, or none of them serves.
            OSError: If nobody answers.
            http.client.HTTPException: If the answer is no HTTP.
        """
        if self._url is None:
            return read_key_file(self._path)
        try:
            async with asyncio.timeout(FETCH_S):
                return read_jwks(await _fetch(self._url, self._tls))
        except TimeoutError as error:
            raise ConfigurationError(f"no whole answer within {FETCH_S:g} s") from error


def read_key_file(path: Path) -> TokenKeys:
    """
    Return the keys of a file.

    Raises:
        ConfigurationError: If it cannot be read, or holds no key that serves.
    """
    try:
        with path.open("rb") as file:
            return read_jwks(file.read(JWKS_BYTES_MAX + 1))
    except OSError as error:
        raise ConfigurationError(f"cannot read {path} ({error.strerror})") from error


def read_secret(path: Path) -> bytes:
    """
    Return the key of HS256 that a file holds.

    Raises:
        ConfigurationError: If the file cannot be read or is too short; says how to make one.
    """
    try:
        return checked_secret(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path} ({error.strerror}); make one with: openssl rand -hex 32 > {path}"
        ) from error


def check_key_place(place: str) -> None:
    """
    See that the keys of a file can serve; those of a URL are seen when they come.

    Raises:
        ConfigurationError: If not.
    """
    if place and not is_url(place):
        read_key_file(Path(place))


async def _fetch(url: KeyUrl, tls: ssl.SSLContext | None) -> bytes:
    """GET it, once and directly."""
    reader, writer = await asyncio.open_connection(url.host, url.port, ssl=tls, limit=JWKS_BYTES_MAX)
    try:
        host = f"[{url.host}]" if ":" in url.host else url.host
        writer.write(
            f"GET {url.target} HTTP/1.1\r\nHost: {host}:{url.port}\r\nAccept: application/json\r\n"
            "Connection: close\r\n\r\n".encode("ascii")
        )
        data = bytearray()
        while chunk := await reader.read(64 * 1024):
            data += chunk
            if len(data) > JWKS_BYTES_MAX + HEAD_BYTES_MAX:
                raise ConfigurationError(f"the answer has more than {JWKS_BYTES_MAX} bytes")
    finally:
        writer.transport.abort()
    return _body(bytes(data))


def _body(data: bytes) -> bytes:
    answer = http.client.HTTPResponse(cast("Any", _Received(data)))
    answer.begin()
    if answer.status != http.HTTPStatus.OK:
        raise ConfigurationError(f"the answer is HTTP {answer.status}")
    return answer.read()


class _Received:
    """What has come, in the shape that http.client reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)
