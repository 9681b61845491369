"""An administrator's connection: it proposes, confirms and asks, and says what came of it, a line each."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from openoutcry import connect
from openoutcry.aio.market import Market
from openoutcry.errors import OutcomeUnknown, RequestRefused
from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.messages import Reply
from outcry.administration.market_file import MarketFile, read_market
from outcry.administration.market_plan import Settings, Step, content_name, in_proposals, not_waiting, steps_to
from outcry.administration.toml_lines import TomlLines
from outcry.administration.trading_calendar import TZDATA, in_parts, schedule, unlisted_half_days
from outcry.administration.transfer_file import read_transfers

HINT: Final = "; another administrator confirms it: outcry admin confirm"
TRIES: Final = 3
"""How often a request is sent whose answer was lost; it is the same request each time."""


class Desk:
    """
    One administrator at one gateway.

    Args:
        url: Of the gateway.
        token: The administrator's.
        say: Takes each line of what came of it.
    """

    def __init__(self, url: str, token: str, say: Callable[[str], None]) -> None:
        self._url = url
        self._token = token
        self._say = say

    async def propose(self, actions: Sequence[dict[str, Any]], proposal_id: str | None = None) -> None:
        """Propose actions, under an id of chance if none is given."""
        async with connect([self._url], self._token) as market:
            await self._propose(market, proposal_id or f"{actions[0]['action'][:16]}-{secrets.token_hex(6)}", actions)

    async def propose_terms(self, instrument: str, given: dict[str, int], proposal_id: str | None = None) -> None:
        """Propose some terms of an instrument together with those that are set: the exchange sets them all at once."""
        async with connect([self._url], self._token) as market:
            held = Settings((await market.settings())[1], ()).terms.get(instrument, {})
            action = {"action": "set_terms", "instrument": instrument, **held, **given}
            await self._propose(market, proposal_id or f"set_terms-{secrets.token_hex(6)}", [action])

    async def confirm(self, proposal_ids: Sequence[str]) -> None:
        """Confirm proposals, one after the other, each told action by action; the first that is refused ends it."""
        async with connect([self._url], self._token) as market:
            _, rows = await market.settings()
            waiting = {row[1]: row for row in rows if row[0] == "proposal"}
            for proposal_id in proposal_ids:
                for name, fields in waiting.get(proposal_id, ("",) * 4 + ((),))[4]:
                    self._say(f"  {name}: {_words(fields)}")
                reply = await _answered(partial(market.confirm, proposal_id))
                self._say(f"{reply.data['state']}  {proposal_id}{_ended(reply)}")

    async def withdraw(self, proposal_ids: Sequence[str]) -> None:
        """Take back proposals of one's own, one after the other; the first that is refused ends it."""
        async with connect([self._url], self._token) as market:
            for proposal_id in proposal_ids:
                reply = await _answered(partial(market.withdraw, proposal_id))
                self._say(f"{reply.data['state']}  {proposal_id}")

    async def settings(self) -> dict[str, Any]:
        """Return what is set and what waits: `revision`, and `rows`, each a kind and its fields."""
        async with connect([self._url], self._token) as market:
            revision, rows = await market.settings()
            return {"revision": revision, "rows": rows}

    async def show(self) -> None:
        """Say what is set and what waits."""
        async with connect([self._url], self._token) as market:
            revision, rows = await market.settings()
            self._say(f"revision {revision}")
            for kind, *fields in rows:
                self._say(f"{kind:11}" + "  ".join(_words(field) for field in fields))

    async def transfer_file(self, path: Path) -> None:
        """
        Propose a file's transfers. Deposits and grants go together, others each in a proposal of their own.

        Raises:
            ConfigurationError: A line for each fault of the file; nothing was proposed.
        """
        actions = read_transfers(_content(path), path.name)
        together = [each for each in actions if each["kind"] in ("deposit", "grant")]
        alone = [[each] for each in actions if each["kind"] not in ("deposit", "grant")]
        async with connect([self._url], self._token) as market:
            for part in (*in_proposals(together), *alone):
                await self._propose(market, content_name(path.stem[:19], part), part)
        self._say(f"{len(actions):,} transfers")

    async def plan(self, path: Path) -> None:
        """
        Say what leads from the market as it is to the market of a file.

        Raises:
            ConfigurationError: A line for each fault of the file.
        """
        wanted, text = _read(path)
        async with connect([self._url], self._token) as market:
            settings, _ = await _settings(market)
            new, held = not_waiting(_steps(wanted, settings, text, path.name), settings)
            self._tell(new, held)

    async def apply(self, path: Path) -> None:
        """
        Propose what leads from the market as it is to the market of a file; a second time it proposes nothing.

        Raises:
            ConfigurationError: A line for each fault of the file; nothing was proposed.
        """
        wanted, text = _read(path)
        async with connect([self._url], self._token) as market:
            settings, revision = await _settings(market)
            new, held = not_waiting(_steps(wanted, settings, text, path.name), settings)
            self._tell(new, held)
            parts = in_proposals([step.action for step in new])
            if len(parts) > 1:
                self._say(f"in {len(parts)} proposals, each of which is carried out whole or not at all")
            waits = False
            for part in parts:
                try:
                    state = await self._propose(market, content_name(f"market-{revision}", part), part)
                except RequestRefused as refused:
                    if not waits:
                        raise
                    self._say(f"the rest needs what waits now: apply the file again once it is done ({refused})")
                    return
                waits = waits or state == "proposed"

    async def schedule(self, path: Path, first: date, days: int) -> None:
        """
        Propose the schedules of a file's calendars, from a day on; those of these days are replaced.

        Raises:
            ConfigurationError: A line for each fault of the file, or of a day; nothing was proposed.
        """
        wanted, _ = _read(path)
        if not wanted.calendars:
            raise ConfigurationError(f"{path.name}: has no [calendars.NAME]")
        plans = {name: schedule(name, calendar, first, days) for name, calendar in wanted.calendars.items()}
        async with connect([self._url], self._token) as market:
            for name, steps in plans.items():
                for day in unlisted_half_days(wanted.calendars[name], steps):
                    self._say(f"calendars.{name}: {day} is a half day elsewhere, and has no steps of its own here")
                for part in in_parts(steps):
                    rows = [list(step) for step in part]
                    action = {"action": "set_schedule", "calendar": name, "tzdata": TZDATA, "steps": rows}
                    await self._propose(market, content_name(f"schedule-{name[:10]}", [action]), [action])
                self._say(f"{name}: {days} trading days, {steps[0].trading_day} to {steps[-1].trading_day}")

    def _tell(self, new: Sequence[Step], held: dict[str, None]) -> None:
        for step in new:
            self._say(step.words)
        for proposal_id in held:
            self._say(f"waits already: {proposal_id}{HINT} {proposal_id}")
        if not new and not held:
            self._say("the market is as the file says")

    async def _propose(self, market: Market, proposal_id: str, actions: Sequence[dict[str, Any]]) -> str:
        reply = await _answered(partial(market.propose, proposal_id, actions))
        state: str = reply.data["state"]
        hint = f"{HINT} {proposal_id}" if state == "proposed" else ""
        self._say(f"{state}  {proposal_id}{_ended(reply)}{hint}")
        return state


async def _answered(ask: Callable[[], Awaitable[Reply]]) -> Reply:
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except OutcomeUnknown:
            continue
    return await ask()


async def _settings(market: Market) -> tuple[Settings, int]:
    revision, rows = await market.settings()
    return Settings(rows, await market.instruments()), revision


def _steps(wanted: MarketFile, settings: Settings, text: str, name: str) -> list[Step]:
    try:
        return steps_to(wanted, settings)
    except ConfigurationError as error:
        key = str(error).partition(": ")[0]
        raise ConfigurationError(f"{name}:{TomlLines(text).line_of(key.split('.'))}: {error}") from error


def _read(path: Path) -> tuple[MarketFile, str]:
    text = _content(path)
    return read_market(text, path.name), text


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is no UTF-8") from error


def _ended(reply: Reply) -> str:
    cancelled = reply.data.get("cancelled", 0)
    return f", {cancelled:,} orders ended" if cancelled else ""


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return "-" if value in ("", None) else str(value)
