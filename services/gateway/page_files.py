"""The trading page's files, each with its answer made ahead; and what the page is told of this deployment.

Files under `/assets/` have names by their content: a browser keeps them for good. The others are asked for again each
time, and answered with 304 where nothing has changed. All of them bear the policy that lets the page run its own files
alone, and speak with its own gateways, the ledger and the identity provider alone.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

INDEX: Final = "index.html"
ASSETS: Final = "assets/"
SETTINGS_PATH: Final = "/page.json"
FILES_MAX: Final = 512
"""Of this release and the last together."""
FILE_BYTES_MAX: Final = 4 * 1024 * 1024
PAGE_BYTES_MAX: Final = 32 * 1024 * 1024
"""Of all files together, without their compressed copies."""
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
_WORTH: Final = 0.9
"""A compressed copy is kept if it is at most this part of its file."""
_ETAG_DIGITS: Final = 20
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "md": "text/plain; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""Of every file, beside the policy."""


class PageSettings(NamedTuple):
    """What a deployment tells its page."""

    version: str
    ledger: str | None = None
    """Origin of the record; "" is the page's own, None: there is none."""
    issuer: str = ""
    """Of the identity provider; "" is no login by it."""
    client_id: str = ""
    scope: str = "openid"
    zone: str | None = None
    """IANA time zone of the exchange."""
    asked_too: tuple[str, ...] = ()
    """Further origins that the page asks: an identity provider may have its token's address elsewhere."""

    def document(self) -> bytes:
        """Return `/page.json`."""
        login = {"issuer": self.issuer, "client_id": self.client_id, "scope": self.scope} if self.issuer else None
        told = {"version": self.version, "ledger": self.ledger, "oidc": login, "zone": self.zone}
        return json.dumps(told, separators=(",", ":")).encode()

    def asked(self) -> tuple[str, ...]:
        """Return the origins that the page asks beside its own."""
        issuer = "/".join(self.issuer.split("/", 3)[:3])
        return tuple(dict.fromkeys(origin for origin in (self.ledger, issuer, *self.asked_too) if origin))


class PageAnswer(NamedTuple):
    """What one request is answered with."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


class _PageFile(NamedTuple):
    body: bytes
    packed: bytes | None
    """The same by gzip, where that is worth it."""
    etag: str
    headers: tuple[tuple[str, str], ...]
    """All but the length, the coding and the policy."""


class PageFiles:
    """
    The page, as one gateway serves it.

    Args:
        files: Content by name, such as `index.html` and `assets/main-Bk3s.js`; none: there is no page.
        settings: What the page is told.

    Raises:
        ValueError: If there are too many files, or one is too large, or has a name that is no plain path.
    """

    def __init__(self, files: Mapping[str, bytes], settings: PageSettings) -> None:
        if len(files) > FILES_MAX:
            raise ValueError(f"a page may have {FILES_MAX} files, this has {len(files)}")
        if (size := sum(map(len, files.values()))) > PAGE_BYTES_MAX:
            raise ValueError(f"a page may have {PAGE_BYTES_MAX} bytes, this has {size}")
        if files and INDEX not in files:
            raise ValueError(f"a page has a file {INDEX}, this has none")
        self._files = {f"/{name}": _made(name, body) for name, body in files.items()}
        if files:
            self._files["/"] = self._files[f"/{INDEX}"]
        self._files[SETTINGS_PATH] = _made("page.json", settings.document())
        self._asked = " ".join(settings.asked())

    def __len__(self) -> int:
        """Return how many paths there are."""
        return len(self._files)

    def answer(
        self, path: str, accepted: Iterable[str], known: Iterable[str], hosts: Collection[str]
    ) -> PageAnswer | None:
        """
        Answer a GET; None if there is no such file. O(1).

        Args:
            path: What is asked for.
            accepted: The lines of `Accept-Encoding`.
            known: Those of `If-None-Match`.
            hosts: The gateway's names, as the browser knows it.
        """
        file = self._files.get(path)
        if file is None:
            return None
        headers = [*file.headers, ("Content-Security-Policy", self._policy(hosts))]
        if _names(known, file.etag):
            return PageAnswer(304, headers, b"")
        if file.packed is not None and _takes_gzip(accepted):
            return PageAnswer(200, [*headers, ("Content-Encoding", "gzip")], file.packed)
        return PageAnswer(200, headers, file.body)

    def _policy(self, hosts: Collection[str]) -> str:
        """Return the policy; some browsers' 'self' leaves out WebSockets of the page's own host."""
        own = " ".join(f"ws://{host} wss://{host}" for host in hosts if _HOST.fullmatch(host))
        connect = " ".join(part for part in ("'self'", own, self._asked) if part)
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            f"worker-src 'self'; connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )


def _made(name: str, body: bytes) -> _PageFile:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name}: a file of a page has a name of letters, digits, '.', '_' and '-'")
    if len(body) > FILE_BYTES_MAX:
        raise ValueError(f"{name}: a file of a page may have {FILE_BYTES_MAX} bytes, this has {len(body)}")
    packed = gzip.compress(body, 9, mtime=0)  # the same bytes in every replica
    # Weak: it names the content, whichever way that is coded.
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:_ETAG_DIGITS]}"'
    headers = {
        "Content-Type": _KINDS.get(name.rpartition(".")[2], "application/octet-stream"),
        "Cache-Control": FOREVER if name.startswith(ASSETS) else ASK_AGAIN,
        "ETag": etag,
        "Vary": "Accept-Encoding",
        **HEADERS,
    }
    return _PageFile(body, packed if len(packed) <= _WORTH * len(body) else None, etag, tuple(headers.items()))


def _names(lines: Iterable[str], etag: str) -> bool:
    tags = [tag.strip().removeprefix("W/") for line in lines for tag in line.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags


def _takes_gzip(lines: Iterable[str]) -> bool:
    """Tell whether gzip is named, and not with a weight of nothing (RFC 9110, section 12.5.3)."""
    for coding in ",".join(lines).lower().split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False
