"""`outcry admin`: a market's administrators at work, as clients of any gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from outcry.administration.aio.desk import Desk
from outcry.administration.transfer_file import amount_of, moment, transfer_action
from outcry.cli import admin_rules
from outcry.cli.parameters import AsJson
from outcry.cli.running import refuse, run_command

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Administer a running market: transfers, limits, halts, its file; what needs two is confirmed by another.",
)

app.add_typer(admin_rules.app)

TokenOption = Annotated[str, typer.Option(envvar="OUTCRY_TOKEN", help="Of an administrator (role admin).")]
Url = Annotated[str, typer.Option(envvar="OUTCRY_URL", help="A gateway.")]
ProposalId = Annotated[
    str | None,
    typer.Option("--id", help="Name of the proposal; the same again changes nothing. Without it, one of chance."),
]
Reason = Annotated[str, typer.Option(help="For everybody to read, up to 200 characters.")]
HERE = "ws://127.0.0.1:8101/v1/stream"


def _desk(url: str, token: str) -> Desk:
    return Desk(url, token, print)


@app.command()
def transfer(
    kind: Annotated[str, typer.Argument(help="deposit, withdrawal, grant or forfeit.")],
    user: Annotated[str, typer.Argument(help="Whose account.")],
    asset: Annotated[str, typer.Argument(help="A currency, or a symbol.")],
    amount: Annotated[str, typer.Argument(help="Money such as 1000.50, or lots.")],
    token: TokenOption,
    transfer_id: Annotated[str, typer.Option(help="Name of the transfer, which happens once.")],
    url: Url = HERE,
    available_from: Annotated[str | None, typer.Option(help="Lots: cannot be sold before; a date, or a time.")] = None,
    note: Annotated[str, typer.Option(help="For people, up to 200 characters.")] = "",
    cancel_orders: Annotated[bool, typer.Option(help="End the user's newest orders until it fits.")] = False,
) -> None:
    """Propose to move money or lots."""
    if kind not in ("deposit", "withdrawal", "grant", "forfeit"):
        refuse(f"the kind must be deposit, withdrawal, grant or forfeit, not {kind}")
    try:
        value = amount_of(amount, is_money=kind in ("deposit", "withdrawal"))
        action = transfer_action(transfer_id, kind, asset, user, value) | {"note": note, "cancel_orders": cancel_orders}
        if available_from is not None:
            action["available_from"] = moment(available_from)
    except ValueError as error:
        refuse(str(error))
    run_command(_desk(url, token).propose([action], transfer_id))


@app.command()
def transfers(
    file: Annotated[Path, typer.Argument(help="CSV: user, kind, asset, amount; perhaps available_from, note.")],
    token: TokenOption,
    url: Url = HERE,
) -> None:
    """
    Propose the transfers of a file. A line's transfer is named by file and line, so sending a file again is harmless.

    A fault is told as grants.csv:417: …, and then nothing of the file is proposed.
    """
    run_command(_desk(url, token).transfer_file(file))


@app.command()
def limits(
    token: TokenOption,
    url: Url = HERE,
    user: Annotated[str, typer.Option(help="Limits of this user.")] = "",
    group: Annotated[str, typer.Option(help="Or of this group; without both, of everybody.")] = "",
    instrument: Annotated[str | None, typer.Option(help="In this instrument; without it, in all.")] = None,
    order_quantity_max: Annotated[int | None, typer.Option(help="Lots of an order.")] = None,
    order_value_max: Annotated[str | None, typer.Option(help="Money of an order, such as 50000.")] = None,
    collar_bp: Annotated[int | None, typer.Option(help="Basis points from the reference price.")] = None,
    open_orders_max: Annotated[int | None, typer.Option(help="Open orders.")] = None,
    position_max: Annotated[int | None, typer.Option(help="Lots held and bid.")] = None,
    messages_per_second: Annotated[int | None, typer.Option(help="Orders and replaces.")] = None,
    may_short: Annotated[int | None, typer.Option(help="Lots that may be sold beyond those held.")] = None,
    proposal_id: ProposalId = None,
) -> None:
    """Propose limits: all of them at once; one that is left out ends."""
    given: dict[str, Any] = {
        "user": user or None,
        "group": group or None,
        "instrument": instrument,
        "order_quantity_max": order_quantity_max,
        "collar_bp": collar_bp,
        "open_orders_max": open_orders_max,
        "position_max": position_max,
        "messages_per_second": messages_per_second,
        "may_short": may_short,
    }
    if order_value_max is not None:
        try:
            given["order_value_max"] = amount_of(order_value_max, is_money=True)
        except ValueError as error:
            refuse(f"--order-value-max: {error}")
    action = {"action": "set_limits", **{name: value for name, value in given.items() if value is not None}}
    run_command(_desk(url, token).propose([action], proposal_id))


@app.command()
def groups(
    user: Annotated[str, typer.Argument(help="Whose groups.")],
    token: TokenOption,
    group: Annotated[list[str] | None, typer.Argument(help="All groups that the user is in.")] = None,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Propose the groups that a user is in; without any, none."""
    run_command(_desk(url, token).propose([{"action": "set_groups", "user": user, "groups": group or []}], proposal_id))


@app.command()
def terms(
    instrument: Annotated[str, typer.Argument(help="Symbol.")],
    token: TokenOption,
    reference: Annotated[int | None, typer.Option(help="Ticks; counts until the first trade. 0: none.")] = None,
    collar_bp: Annotated[int | None, typer.Option(help="Basis points from it, for everybody. 0: none.")] = None,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Propose an instrument's reference price, its collar, or both; its other terms stay."""
    given = {"reference": reference, "collar_bp": collar_bp}
    named = {name: value for name, value in given.items() if value is not None}
    run_command(_desk(url, token).propose_terms(instrument, named, proposal_id))


@app.command("settlement-price")
def settlement_price(
    instrument: Annotated[str, typer.Argument(help="Symbol of the underlying.")],
    day: Annotated[str, typer.Argument(help="The day on which options expire, as 2027-03-19.")],
    price: Annotated[int, typer.Argument(help="Ticks.")],
    token: TokenOption,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Propose the price by which options on an instrument settle that expire on a day, those that wait for it too."""
    action = {"action": "set_settlement_price", "instrument": instrument, "day": day, "price": price}
    run_command(_desk(url, token).propose([action], proposal_id))


@app.command()
def halt(
    instrument: Annotated[list[str], typer.Argument(help="Symbols.")],
    token: TokenOption,
    reason: Reason = "",
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Halt instruments at once, alone: orders are refused, cancels work."""
    run_command(_desk(url, token).propose(_states(instrument, "halted", reason), proposal_id))


@app.command()
def resume(
    instrument: Annotated[list[str], typer.Argument(help="Symbols.")],
    token: TokenOption,
    reason: Reason = "",
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Propose that instruments trade again."""
    run_command(_desk(url, token).propose(_states(instrument, "open", reason), proposal_id))


@app.command("end-call")
def end_call(
    instrument: Annotated[str, typer.Argument(help="Symbol.")],
    token: TokenOption,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Propose to end a call whose price is outside the bands, at that price; never beyond the collar."""
    run_command(_desk(url, token).propose([{"action": "end_call", "instrument": instrument}], proposal_id))


@app.command("end-orders")
def end_orders(
    user: Annotated[str, typer.Argument(help="Whose orders.")],
    token: TokenOption,
    instrument: Annotated[str | None, typer.Option(help="Of this instrument; without it, of all.")] = None,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """End a user's orders at once, alone."""
    named = {} if instrument is None else {"instrument": instrument}
    run_command(_desk(url, token).propose([{"action": "end_orders", "user": user, **named}], proposal_id))


@app.command()
def confirm(
    proposal: Annotated[list[str], typer.Argument(help="Proposals, as their proposer was told.")],
    token: TokenOption,
    url: Url = HERE,
) -> None:
    """Confirm what another administrator has proposed: it is carried out."""
    run_command(_desk(url, token).confirm(proposal))


@app.command()
def withdraw(
    proposal: Annotated[list[str], typer.Argument(help="Proposals of your own that wait.")],
    token: TokenOption,
    url: Url = HERE,
) -> None:
    """Take back what you have proposed, while nobody has confirmed it."""
    run_command(_desk(url, token).withdraw(proposal))


@app.command()
def show(token: TokenOption, url: Url = HERE, as_json: AsJson = False) -> None:
    """
    Show what is set and what waits; for the roles admin, compliance and auditor.

    --json: `revision`, and `rows`, each a kind and its fields as docs/protocol.md has them.
    """
    if as_json:
        print(json.dumps(run_command(_desk(url, token).settings())))
    else:
        run_command(_desk(url, token).show())


@app.command()
def plan(
    file: Annotated[Path, typer.Argument(help="The market's file, such as market.toml.")],
    token: TokenOption,
    url: Url = HERE,
) -> None:
    """Show what leads from the market as it is to the market of a file."""
    run_command(_desk(url, token).plan(file))


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="The market's file, such as market.toml.")],
    token: TokenOption,
    url: Url = HERE,
) -> None:
    """Propose what leads from the market as it is to the market of a file; a second time it proposes nothing."""
    run_command(_desk(url, token).apply(file))


def _states(instruments: list[str], state: str, reason: str) -> list[dict[str, Any]]:
    return [
        {"action": "set_market_state", "instrument": symbol, "state": state, "reason": reason} for symbol in instruments
    ]
