"""Reads the trading page's files into memory, once, at the gateway's start.

A folder of the page is what its build makes: `index.html`, `assets/`, and files beside them. Below `previous/` are the
assets of the last release: while replicas are replaced, and for as long as a page stays open, browsers ask for what the
page that they have names.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Final

from openoutcry.wire.errors import ConfigurationError
from services.gateway.aio.settings import GatewaySettings
from services.gateway.page_files import ASSETS, FILE_BYTES_MAX, FILES_MAX, PageFiles, PageSettings

PREVIOUS: Final = "previous/"
_PACKAGE: Final = Path(__file__).parents[1]
INSTALLED: Final = _PACKAGE / "page"
"""Where a wheel has the built page."""
BUILT: Final = _PACKAGE.parents[1] / "web" / "dist"
"""Where `make web` leaves it, in a copy of the sources."""


def read_page(settings: GatewaySettings) -> PageFiles:
    """
    Read the page that a gateway is to serve; one without files if there is none here.

    Raises:
        ConfigurationError: If the folder that was named has none, or what is there cannot be served.
    """
    folder = settings.page_folder or own_page()
    if settings.page_folder is not None and not folder.is_dir():
        raise ConfigurationError(f"OUTCRY_PAGE_FOLDER: there is no folder {folder}")
    try:
        files = _read(folder) if folder.is_dir() else {}
        return PageFiles(files, _told(settings))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the trading page in {folder} cannot be served: {error}") from error


def own_page() -> Path:
    """Return the folder of the page that came with this code, be there one or not."""
    return INSTALLED if INSTALLED.is_dir() else BUILT


def _told(settings: GatewaySettings) -> PageSettings:
    return PageSettings(
        importlib.metadata.version("openoutcry-exchange"),
        settings.page_ledger(),
        settings.page_oidc_issuer,
        settings.page_oidc_client_id,
        settings.page_oidc_scope,
        settings.page_zone or None,
        settings.page_oidc_origins,
    )


def _read(folder: Path) -> dict[str, bytes]:
    """
    Return each file's content by its name.

    Raises:
        ValueError: If they are too many, or too large: both are seen before they are in memory.
    """
    found: dict[str, Path] = {}
    kept: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or any(part.startswith(".") for part in name.split("/")):
            continue
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ValueError(f"{name}: a file of a page may have {FILE_BYTES_MAX} bytes")
        if not name.startswith(PREVIOUS):
            found[name] = path
        elif name.startswith(PREVIOUS + ASSETS):
            kept[name.removeprefix(PREVIOUS)] = path
        if len(found) + len(kept) > FILES_MAX:
            raise ValueError(f"a page may have {FILES_MAX} files")
    return {name: path.read_bytes() for name, path in (kept | found).items()}
