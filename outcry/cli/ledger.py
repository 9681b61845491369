"""`outcry ledger`: the record of the market."""

from __future__ import annotations

import typer

from outcry.cli import ledger_proofs, ledger_service, ledger_verify

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Keep the record of a market, and prove it.",
)
app.add_typer(ledger_service.app)
app.add_typer(ledger_proofs.app)
app.add_typer(ledger_verify.app)
