"""`outcry top`: what an exchange's processes do, and who is connected."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from openoutcry.wire.errors import ConfigurationError
from outcry.cli.running import FAILED, leave, run_command
from outcry.load.options import read_metrics
from outcry.overview.aio.top import looks
from outcry.overview.overview import Overview
from outcry.overview.overview_lines import overview_lines

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def top(
    metrics: Annotated[
        list[str] | None,
        typer.Option(help="A process' numbers, NAME=http://HOST:PORT/metrics; once for each."),
    ] = None,
    market: Annotated[
        Path | None, typer.Option(help="Or the file with the line that `outcry up` printed: it names all of them.")
    ] = None,
    token: Annotated[
        str, typer.Option(envvar="OUTCRY_TOKEN", help="Of an administrator (role admin), to see who is connected.")
    ] = "",
    interval: Annotated[float, typer.Option(min=0.2, max=60, help="Seconds that rates are over.")] = 1.0,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C, not once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs, one line a look.")] = False,
) -> None:
    """
    Show what an exchange's processes do: roles, term, lag, rates, and who is connected and lags.

    JSON: `time_us`, `interval_s`, `roles` and `users`. A role has `name`, `role` (leader, standby, gateway, ledger,
    away), `term`, `position`, `behind`, `is_ready`, `lag_s`, `connections`, `connections_max`, `lagging`,
    `orders_per_s`, `trades_per_s`, `deliveries_per_s`, `bytes_per_s`, `hold_share`, `gaps`, `cpu_share` and
    `memory_mib`; null is what it does not have. `users` has for each gateway `gateway`, `total`, `lagging`,
    `connections` as docs/operations.md lists them, and `fault`.

    Ends with status 0 if all processes answer and one engine leads, 1 if not, 2 for flags that are wrong.
    """

    async def run() -> Overview | None:
        urls = read_metrics(metrics or []) | (_read_market(market) if market is not None else {})
        if not urls:
            raise ConfigurationError("give --metrics NAME=URL for each process, or --market FILE")
        console = Console()
        is_screen = watch and not as_json and console.is_terminal
        seen = None
        with Live(console=console, auto_refresh=False) if is_screen else contextlib.nullcontext() as live:
            async for seen in looks(urls, token, interval):
                if live is not None:
                    lines = overview_lines(seen, console.size.height - 1)
                    live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)
                elif as_json:
                    print(json.dumps(seen.fields()), flush=True)
                else:
                    print("\n".join(overview_lines(seen)), flush=True)
                if not watch:
                    break
        return seen

    seen = run_command(run())
    leave(0 if seen is not None and seen.is_whole else FAILED)


def _read_market(path: Path) -> dict[str, str]:
    try:
        told = json.loads(path.read_text(encoding="utf-8").partition("\n")[0])
        return {str(name): str(url) for name, url in told["metrics"].items()}
    except OSError as error:
        raise ConfigurationError(f"--market {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"--market {path}: is not the line that `outcry up` prints") from error
