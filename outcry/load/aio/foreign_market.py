"""An exchange that somebody else has started: only its gateways are known."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from openoutcry.aio.connect import connect
from openoutcry.errors import Disconnected
from openoutcry.wire.errors import ConfigurationError
from outcry.conformance.users import mint, subject
from outcry.load.agreement import agree
from outcry.load.aio.load_crew import LoadCrew
from outcry.load.options import Deployment
from outcry.load.plan import UserPlan
from outcry.load.verdict import BookVerdict
from outcry.stack.aio.child import Child, RoleFailed
from outcry.stack.usage import Usage
from shared.store_errors import StoreUnavailable

TOKEN_SECONDS: Final = 8 * 24 * 3600.0
"""Longer than the longest run."""
LISTING_SECONDS_MAX: Final = 15.0
LOSS_SECONDS_MAX: Final = 30.0
"""How long --loss-command may take."""


class ForeignMarket:
    """
    Gateways by their URLs.

    Args:
        deployment: Checked.
        users: How many tokens are needed.
    """

    kind: Final = "foreign"
    proof: Final = "users at the same (instrument, epoch, seq) had the same digest, computed from levels"
    needed: Sequence[Child] = ()
    settings: Mapping[str, str] = {}

    def __init__(self, deployment: Deployment, users: int) -> None:
        self.urls: Final = deployment.urls
        self.instruments: Sequence[str] = ()
        self._loss_command = deployment.loss_command
        self._tokens = _tokens(deployment, users)

    @property
    def metrics(self) -> Mapping[str, str]:
        """Each gateway's own, beside its stream."""
        return {f"gateway-{number}": _metrics_url(url) for number, url in enumerate(self.urls, start=1)}

    async def open(self) -> None:
        """
        Ask for the listing, as one of the users.

        Raises:
            StoreUnavailable: If no gateway answers.
            ConfigurationError: If nothing is listed.
        """
        user, token = next(iter(self._tokens.items()))
        try:
            async with connect(list(self.urls), token, timeout_s=LISTING_SECONDS_MAX) as market:
                listing = await market.instruments(LISTING_SECONDS_MAX)
        except (Disconnected, TimeoutError) as error:
            raise StoreUnavailable(f"{self.urls[0]} does not serve {user}: {str(error) or 'no answer'}") from error
        if not listing:
            raise ConfigurationError(f"{self.urls[0]} lists no instruments")
        self.instruments = [instrument.symbol for instrument in listing]

    def named(self, plans: Sequence[UserPlan]) -> list[UserPlan]:
        """Return the plans under their tokens' names."""
        return [plan._replace(name=name) for plan, name in zip(plans, self._tokens, strict=True)]

    def token(self, user: str) -> str:
        """Return a user's token."""
        return self._tokens[user]

    def lost_gateways(self) -> Sequence[str]:
        """Return nothing: only their users see them."""
        return ()

    def set_pace(self, factor: float) -> bool:
        """Return False: others trade here."""
        del factor
        return False

    async def lose_gateway(self) -> str:
        """
        Run the loss command.

        Raises:
            RoleFailed: If it fails, or takes longer than LOSS_SECONDS_MAX.
        """
        command = self._loss_command or ""
        process = await asyncio.create_subprocess_shell(
            command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            async with asyncio.timeout(LOSS_SECONDS_MAX):
                output, _ = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise RoleFailed(f"--loss-command {command!r} did not end within {LOSS_SECONDS_MAX:.0f} s") from error
        if process.returncode:
            said = output.decode("utf-8", "replace").strip()
            raise RoleFailed(f"--loss-command {command!r} ended with status {process.returncode}: {said}")
        return f"ran {command!r}"

    def usage(self) -> Mapping[str, Usage]:
        """Return nothing: its processes are not ours; /metrics may show."""
        return {}

    async def rest(self) -> None:
        """Return at once: others may go on trading."""

    async def judge(self, plans: Sequence[UserPlan], crew: LoadCrew) -> BookVerdict:
        """Compare the users' books with each other."""
        return agree(plans, await crew.final_books({}))


def _tokens(deployment: Deployment, count: int) -> dict[str, str]:
    """Return so many users' tokens by name."""
    if deployment.secret_file is not None:
        run, secret = secrets.token_hex(4), _read(deployment.secret_file).strip()
        names = (f"load-{run}-{number:05}" for number in range(count))
        return {name: mint(name, secret, time.time() + TOKEN_SECONDS) for name in names}
    assert deployment.token_file is not None
    tokens = {subject(token): token for token in _read(deployment.token_file).decode().split()}
    if len(tokens) < count:
        raise ConfigurationError(
            f"--token-file {deployment.token_file} holds tokens of {len(tokens)} users, and --users is {count}"
        )
    return dict(itertools.islice(tokens.items(), count))


def _metrics_url(url: str) -> str:
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}/metrics"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
