"""`outcry ledger`: heads, what two of them say of each other, and the ledger's keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from outcry.cli.parameters import AsJson
from outcry.cli.proof_input import (
    DatabaseOption,
    KeyOption,
    LedgerToken,
    ProofSource,
    UrlOption,
    head_fields,
    judged,
    keys_in,
    proof_bytes,
)
from outcry.cli.running import reported_errors, say
from services.ledger.aio.proof_keys import add_signing_key, load_proof_keys
from services.ledger.proof.plain_words import head_words
from services.ledger.proof.signed_head import check_consistency, read_consistency_proof, read_signed_head

app = typer.Typer()
keys_app = typer.Typer(no_args_is_help=True, help="The keys that heads are signed with.")
app.add_typer(keys_app, name="keys")
Out = Annotated[Path | None, typer.Option(help="Write it to this file; without it, to standard output.")]
Folder = Annotated[Path, typer.Argument(help="The folder of the ledger's keys.")]


@app.command()
def head(
    database: DatabaseOption = None,
    url: UrlOption = None,
    token: LedgerToken = "",
    block: Annotated[int | None, typer.Option(min=1, help="After this block; without it, the newest.")] = None,
    out: Out = None,
) -> None:
    """
    Write the record's signed head: whoever keeps it can prove later whether anything before it was changed.

    The head is the output; a line for people says on standard error what it says. Nothing is verified here.
    """
    with judged():
        found = ProofSource(database, url, token).head(block)
        _write(found.to_file(), out)
        say(head_words(found.unverified()))


@app.command()
def consistency(
    old: Annotated[Path, typer.Argument(help="The earlier head's file.")],
    new: Annotated[Path, typer.Argument(help="The later head's file.")],
    key: KeyOption,
    proof: Annotated[Path | None, typer.Option(help="The proof's file; without it, it is asked for.")] = None,
    database: DatabaseOption = None,
    url: UrlOption = None,
    token: LedgerToken = "",
    out: Annotated[Path | None, typer.Option(help="Keep the proof in this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Prove that the record of the old head is the beginning of the record of the new one: nothing was changed.

    The exit status is 0 if it is, 1 if it is not, which is named, and 2 if that cannot be judged. Who gave the proof
    does not matter: a false one proves nothing. --json: `old` and `new`, heads by name.
    """
    with judged():
        keys = keys_in(key)
        earlier = read_signed_head(proof_bytes(old)).verified(keys)
        later = read_signed_head(proof_bytes(new)).verified(keys)
        between = read_consistency_proof(proof_bytes(proof)) if proof is not None else None
        if between is None and 0 < earlier.number < later.number:
            between = ProofSource(database, url, token).consistency(earlier.number, later.number)
        check_consistency(earlier, later, between)
        if out is not None and between is not None:
            out.write_bytes(between.to_file())
        if as_json:
            print(json.dumps({"proven": True, "old": head_fields(earlier), "new": head_fields(later)}))
            return
        print("PROVEN")
        print(f"old: {head_words(earlier)}")
        print(f"new: {head_words(later)}")
        same = earlier.number == later.number
        print(
            "They are equal."
            if same
            else f"The new record begins with the old one: {earlier.number} blocks are unchanged."
        )


@keys_app.command("new")
def new_key(folder: Folder) -> None:
    """Make a new key in the folder; it signs from the ledger's next start on, and the older ones stay to verify."""
    with reported_errors():
        key_id = add_signing_key(folder)
        print(key_id)
        say(f"made {folder}/sign-{key_id}.pem; publish {folder}/keys.json, and keep copies of {folder}/salts")


@keys_app.command("list")
def list_keys(folder: Folder) -> None:
    """Print the public keys, oldest first: the list that is published."""
    with reported_errors():
        print(load_proof_keys(folder, signs=False).key_list, end="")


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        print(data.decode(), end="")
    else:
        out.write_bytes(data)
