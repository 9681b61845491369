"""`outcry admin`: the commands of compliance: the kill switch, rules and clearances."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from outcry.administration.aio.desk import Desk
from outcry.administration.transfer_file import moment
from outcry.cli.running import refuse, run_command

app = typer.Typer()

TokenOption = Annotated[str, typer.Option(envvar="OUTCRY_TOKEN", help="Of an administrator (role admin).")]
Url = Annotated[str, typer.Option(envvar="OUTCRY_URL", help="A gateway.")]
ProposalId = Annotated[
    str | None,
    typer.Option("--id", help="Name of the proposal; the same again changes nothing. Without it, one of chance."),
]
OfUser = Annotated[str, typer.Option(help="This user.")]
OfGroup = Annotated[str, typer.Option(help="All of this group.")]
OfInstrument = Annotated[str, typer.Option(help="This instrument.")]
OfAll = Annotated[bool, typer.Option("--all", help="Everybody, everywhere.")]
Begin = Annotated[str | None, typer.Option("--from", help="A date (its beginning, UTC), or a time with its zone.")]
End = Annotated[str | None, typer.Option("--until", help="The same; without it, until it is changed.")]
HERE = "ws://127.0.0.1:8101/v1/stream"


@app.command()
def kill(
    token: TokenOption,
    url: Url = HERE,
    user: OfUser = "",
    group: OfGroup = "",
    instrument: OfInstrument = "",
    everybody: OfAll = False,
    reason: Annotated[str, typer.Option(help="For administrators, up to 200 characters.")] = "",
    proposal_id: ProposalId = None,
) -> None:
    """Stop somebody or something from trading at once, alone: open orders end, and new ones are refused."""
    action = _kill(user, group, instrument, everybody=everybody, on=True) | {"reason": reason}
    run_command(Desk(url, token, print).propose([action], proposal_id))


@app.command()
def lift(
    token: TokenOption,
    url: Url = HERE,
    user: OfUser = "",
    group: OfGroup = "",
    instrument: OfInstrument = "",
    everybody: OfAll = False,
    proposal_id: ProposalId = None,
) -> None:
    """Propose that whoever was stopped may trade again."""
    action = _kill(user, group, instrument, everybody=everybody, on=False)
    run_command(Desk(url, token, print).propose([action], proposal_id))


@app.command()
def rule(
    rule_id: Annotated[str, typer.Argument(help="The rule's name.")],
    kind: Annotated[str, typer.Argument(help="blackout, restricted, window, clearance, holding_period, …")],
    token: TokenOption,
    url: Url = HERE,
    group: Annotated[list[str] | None, typer.Option(help="Whom it concerns; without any, everybody.")] = None,
    instrument: Annotated[list[str] | None, typer.Option(help="What it concerns; without any, all.")] = None,
    begin: Begin = None,
    end: End = None,
    days: Annotated[int, typer.Option(help="Of a holding period, or a short swing.")] = 0,
    share_bp: Annotated[int, typer.Option(help="Of what has vested, in basis points, of a sell share.")] = 0,
    exercise: Annotated[bool, typer.Option(help="Options cannot be exercised for shares either.")] = False,
    discreet: Annotated[bool, typer.Option(help="Its name and its end are told to nobody whom it concerns.")] = False,
    proposal_id: ProposalId = None,
) -> None:
    """Propose a rule, all of it; what only forbids more holds at once."""
    action: dict[str, Any] = {
        "action": "set_rule",
        "rule_id": rule_id,
        "kind": kind,
        "groups": group or [],
        "instruments": instrument or [],
        "from_us": _moment("--from", begin),
        "until_us": _moment("--until", end),
        "days": days,
        "share_bp": share_bp,
        "exercise": exercise,
        "discreet": discreet,
    }
    run_command(Desk(url, token, print).propose([action], proposal_id))


@app.command("remove-rule")
def remove_rule(
    rule_id: Annotated[str, typer.Argument(help="The rule's name.")],
    token: TokenOption,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Propose that a rule ends."""
    run_command(Desk(url, token, print).propose([{"action": "set_rule", "rule_id": rule_id}], proposal_id))


@app.command()
def clear(
    clearance_id: Annotated[str, typer.Argument(help="The clearance's name, which orders give.")],
    user: Annotated[str, typer.Argument(help="Whose orders.")],
    side: Annotated[str, typer.Argument(help="buy or sell.")],
    lots: Annotated[int, typer.Argument(help="How many.")],
    instrument: Annotated[str, typer.Argument(help="Of what.")],
    token: TokenOption,
    end: Annotated[str, typer.Option("--until", help="Its end: a date (its beginning, UTC), or a time with its zone.")],
    begin: Begin = None,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """Propose a clearance: one user may trade so many lots until a moment."""
    sides = {"buy": "bid", "sell": "ask"}
    if side not in sides:
        refuse(f"the side must be buy or sell, not {side}")
    action: dict[str, Any] = {
        "action": "set_clearance",
        "clearance_id": clearance_id,
        "user": user,
        "instrument": instrument,
        "side": sides[side],
        "lots": lots,
        "from_us": _moment("--from", begin),
        "until_us": _moment("--until", end),
    }
    run_command(Desk(url, token, print).propose([action], proposal_id))


@app.command()
def revoke(
    clearance_id: Annotated[str, typer.Argument(help="The clearance's name.")],
    token: TokenOption,
    url: Url = HERE,
    proposal_id: ProposalId = None,
) -> None:
    """End a clearance at once, alone, and the orders that name it."""
    action = {"action": "set_clearance", "clearance_id": clearance_id, "lots": 0}
    run_command(Desk(url, token, print).propose([action], proposal_id))


def _kill(user: str, group: str, instrument: str, *, everybody: bool, on: bool) -> dict[str, Any]:
    named = [(scope, name) for scope, name in (("user", user), ("group", group), ("instrument", instrument)) if name]
    if everybody:
        named.append(("market", ""))
    if len(named) != 1:
        refuse("name exactly one of --user, --group, --instrument and --all")
    [(scope, name)] = named
    return {"action": "set_kill", "scope": scope, "name": name, "on": on}


def _moment(option: str, text: str | None) -> int:
    try:
        return moment(text) if text is not None else 0
    except ValueError as error:
        refuse(f"{option}: {str(error).partition(': ')[2]}")
