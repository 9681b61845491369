"""What a wheel has beside its sources: the trading page; and with `MYPYC=1 pip wheel .` a core of machine code.

The page is what `make web` has built, in services/gateway/page; where nothing was built, its gateways serve none.

The compiled modules lie beside their sources in the wheel, and Python prefers them; where they do not fit the Python
that runs, it takes the sources. docs/decisions/0013 says what is compiled, and why that alone.
"""

from __future__ import annotations

import os
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILE: Final = os.environ.get("MYPYC") == "1"
CORE: Final = (
    "services/matching/accounts/account.py",
    "services/matching/accounts/accounting.py",
    "services/matching/accounts/funded_account.py",
    "services/matching/accounts/gate.py",
    "services/matching/book/auction_price.py",
    "services/matching/book/book_event.py",
    "services/matching/book/book_side.py",
    "services/matching/book/call.py",
    "services/matching/engine.py",
    "services/matching/floor.py",
    "services/matching/timed_floor.py",
    "services/matching/timers.py",
    "services/matching/packet_builder.py",
    "services/matching/price_range.py",
    "services/matching/book/level_hashes.py",
    "services/matching/book/lot_ladder.py",
    "services/matching/traded_instrument.py",
    "services/matching/book/order.py",
    "services/matching/book/order_book.py",
    "services/matching/book/price_level.py",
    "shared/trade_statistics.py",
)
"""Compiled together, so that they call each other as C does."""


PAGE: Final = "web/dist"
"""Where it is built, and has its place in an archive of the sources."""
PAGE_IN_WHEEL: Final = "services/gateway/page"


class CompiledCore(BuildHookInterface[Any]):
    """Puts the page and the compiled core into the wheel."""

    def dependencies(self) -> list[str]:
        """Return what an isolated build needs besides hatchling; pip asks."""
        return ["mypy[mypyc]>=1.14"] if COMPILE else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Take the page along, and compile, unless the sources are to be used where they lie (an editable install)."""
        if version == "editable":
            return
        if (Path(self.root) / PAGE / "index.html").is_file():
            place = PAGE if self.target_name == "sdist" else PAGE_IN_WHEEL
            build_data["force_include"][str(Path(self.root) / PAGE)] = place
        if not COMPILE or self.target_name == "sdist":
            return
        self._made = TemporaryDirectory()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"] |= _compiled(Path(self.root), Path(self._made.name))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """Remove what was made for the wheel."""
        if COMPILE and version != "editable" and self.target_name != "sdist":
            self._made.cleanup()


def _compiled(root: Path, made: Path) -> dict[str, str]:
    """Return where each library is, and its place in the wheel."""
    # Only here: most builds compile nothing, and have neither.
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    libraries = made / "libraries"
    with chdir(root):
        # No config file: `make lint` is strict, and an isolated build has neither pydantic's plugin nor msgpack.
        modules = mypycify(
            ["--config-file=", "--ignore-missing-imports", *CORE],
            target_dir=str(made / "c"),
            group_name="openoutcry",
            opt_level="3",
        )
        command = build_ext(Distribution({"name": "openoutcry", "ext_modules": modules}))
        command.build_lib, command.build_temp = str(libraries), str(made / "objects")
        command.ensure_finalized()
        command.run()
    return {str(path): str(path.relative_to(libraries)) for path in libraries.rglob("*") if path.is_file()}
