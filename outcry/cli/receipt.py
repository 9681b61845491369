"""`outcry receipt`: what the ledger gave out, proven by its holder, with the public key and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from outcry.cli.parameters import AsJson
from outcry.cli.proof_input import KeyOption, head_fields, judged, keys_in, proof_bytes
from services.ledger.proof.plain_words import head_words, receipt_words
from services.ledger.proof.receipt import read_receipt, verify_receipt
from services.ledger.proof.signed_head import check_consistency, read_consistency_proof, read_signed_head

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Prove a receipt of the ledger: offline, with the ledger's public key and nothing else.",
)


@app.callback()
def main() -> None:
    """Have a name of its own for each command, though there is one."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="The receipt, as GET /v1/receipts/ORDER_ID gave it.")],
    key: KeyOption,
    head: Annotated[
        Path | None, typer.Option(help="A head that you kept, or a colleague has: is it one record?")
    ] = None,
    proof: Annotated[
        Path | None, typer.Option(help="The consistency proof between the two, if they are not of the same block.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Prove a receipt, and say in words what it proves.

    --json: `key_id`, `head` (the record's, by name), `executions` (each with its `fields` and its `block`'s number).

    The exit status is 0 if all of it is proven, 1 if anything in it is false, which is named, and 2 if it cannot be
    judged: a file cannot be read, or the head is of another block and no proof was given.
    """
    with judged():
        keys = keys_in(key)
        proven = verify_receipt(read_receipt(proof_bytes(file)), keys)
        rows = [{"fields": one.fields, "block": one.block.number} for one in proven.executions]
        told = {"proven": True, "key_id": proven.key_id, "head": head_fields(proven.head), "executions": rows}
        words = receipt_words(proven)
        if head is not None:
            other = read_signed_head(proof_bytes(head)).verified(keys)
            old, new = sorted((proven.head, other), key=lambda one: one.number)
            check_consistency(old, new, read_consistency_proof(proof_bytes(proof)) if proof is not None else None)
            words.append(f"One record with the head in {head}: {head_words(other)}")
        print(json.dumps(told) if as_json else "\n".join(["PROVEN", *words]))
