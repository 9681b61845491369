"""`outcry conformance`: does a server keep the protocol?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from outcry.cli.report_file import check_writable, write_file
from outcry.cli.running import run_and_judge, say
from outcry.conformance.aio.own_stack import check_own_stack
from outcry.conformance.aio.runner import run_conformance
from outcry.conformance.options import ConformanceOptions
from outcry.conformance.rendering import render
from outcry.stack.aio.stop_signal import StopSignal

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def conformance(
    urls: Annotated[
        list[str] | None,
        typer.Argument(
            help="Gateways of one exchange, such as ws://127.0.0.1:8101/v1/stream; two prove more. "
            "Without any, an exchange is started for the occasion."
        ),
    ] = None,
    token: Annotated[list[str] | None, typer.Option(help="A user's token; give it for 12 users or more.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="Tokens, one a line, such as the file that `outcry up` names.")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(envvar="OUTCRY_SECRET_FILE", help="The gateways' secret, to mint users from.")
    ] = None,
    instrument: Annotated[
        str | None, typer.Option(help="Where to place orders; else where the spread is widest.")
    ] = None,
    only: Annotated[str, typer.Option(help="Checks whose name holds this word, or matches this pattern.")] = "",
    json_report: Annotated[Path | None, typer.Option("--json", help="Write the results to this file, as JSON.")] = None,
) -> None:
    """
    Check whether a server keeps the protocol: every sentence of docs/protocol.md that a client can prove.

    Places orders of its own, takes the best levels where it needs room, and cancels what is left of them: run it
    against an exchange that is there to be tested. Takes half a minute. The exit status is 0 if all passed, 1 if not.
    """

    async def run() -> bool:
        check_writable("--json", json_report)
        if urls:
            options = ConformanceOptions(urls, token or [], token_file, secret_file, instrument, only)
            report = await run_conformance(options)
        else:
            report = await check_own_stack(StopSignal(), say, instrument, only)
        render(report, Console())
        write_file(json_report, report.to_json())
        return report.is_good

    run_and_judge(run())
