"""`outcry token`: mint a development user's token, or check one."""

from __future__ import annotations

import errno
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from openoutcry.wire.errors import ConfigurationError
from outcry.cli.parameters import AsJson
from outcry.cli.running import FAILED, leave, reported_errors, run_command
from services.gateway.aio.token_check import check_token
from shared.identity import mint_token
from shared.token_claims import Audience
from shared.token_keys import checked_secret

DAY_SECONDS: Final = 24 * 3600
TOKEN_DAYS_MAX: Final = 36_525
"""How long a minted token may be valid: a century."""


class MintByDefault(TyperGroup):
    """`outcry token USER` is `outcry token mint USER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `mint` before what names no command of ours."""
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["mint", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=MintByDefault,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Mint a token for a development user (outcry token USER …), or check one (outcry token check).",
)


@app.command("mint")
def mint(
    user: Annotated[str, typer.Argument(help="1 to 64 letters, digits and . _ @ + -")],
    secret_file: Annotated[Path, typer.Option(envvar="OUTCRY_SECRET_FILE", help="The gateways' secret.")],
    days: Annotated[float, typer.Option(help="How long it is valid.")] = 7,
    role: Annotated[
        list[str] | None, typer.Option(help="A role: trader, market_maker, admin, …; may be given several times.")
    ] = None,
    instrument: Annotated[
        list[str] | None, typer.Option(help="What it entitles to, such as ACME or 'IDEA-*'; without it, everything.")
    ] = None,
    audience: Annotated[str, typer.Option(envvar="OUTCRY_TOKEN_AUDIENCE", help="Its audience (aud).")] = "",
    issuer: Annotated[str, typer.Option(envvar="OUTCRY_TOKEN_ISSUER", help="Its issuer (iss).")] = "",
) -> None:
    """
    Mint a token for a development user. In production, your identity provider does.

    `mint` may be left out: outcry token ann --secret-file outcry-secret
    """
    with reported_errors():
        try:
            secret = secret_file.read_bytes()
        except OSError as error:
            make = f"; make a secret by: openssl rand -hex 32 > {secret_file}" if error.errno == errno.ENOENT else ""
            raise ConfigurationError(f"cannot read {secret_file} ({error.strerror}){make}") from error
        if not 0 < days <= TOKEN_DAYS_MAX:
            raise ConfigurationError(f"--days must be above 0 and at most {TOKEN_DAYS_MAX}, not {days:g}")
        names = tuple(each.strip() for each in audience.split(",") if each.strip())
        ends_at = time.time() + days * DAY_SECONDS
        audience_of = Audience(names, issuer)
        print(mint_token(user, checked_secret(secret), ends_at, audience_of, role or (), instrument or ()))


@app.command()
def check(
    token: Annotated[
        str | None,
        typer.Argument(
            envvar="OUTCRY_TOKEN", help="Better in OUTCRY_TOKEN or on standard input: arguments are visible."
        ),
    ] = None,
    secret_file: Annotated[Path | None, typer.Option(help="The gateways' secret.")] = None,
    jwks: Annotated[str | None, typer.Option(help="Or the identity provider's keys: a file, or https://…")] = None,
    audience: Annotated[str | None, typer.Option(help="Audience that it must name, as OUTCRY_TOKEN_AUDIENCE.")] = None,
    issuer: Annotated[str | None, typer.Option(help="Issuer that it must name, as OUTCRY_TOKEN_ISSUER.")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Say whom a token names, until when, and all that is wrong with it for a gateway with these settings.

    Reads the settings that a gateway reads, OUTCRY_…; options win. The exit status is 0 if a gateway would take it.
    --json: `taken`, `facts` by word, `problems`.
    """
    given = {"secret_file": secret_file, "jwks": jwks, "token_audience": audience, "token_issuer": issuer}
    found = run_command(check_token((sys.stdin.read() if token is None else token).strip(), time.time(), given))
    if as_json:
        print(json.dumps({"taken": not found.problems, "facts": dict(found.facts), "problems": found.problems}))
        leave(FAILED if found.problems else 0)
    for word, text in found.facts:
        print(f"{word:12}{text}")
    for problem in found.problems:
        print(f"wrong   {problem}")
    if not found.problems:
        print("good    a gateway with these settings takes it")
    leave(FAILED if found.problems else 0)
