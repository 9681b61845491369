"""Receipts and heads as their files: what proves, what does not, and that nothing in them can be changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openoutcry.wire.errors import ConfigurationError
from services.ledger.proof import merkle
from services.ledger.proof.head import Head
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.plain_words import execution_words, head_words, printable, receipt_words, utc
from services.ledger.proof.proof_file import FILE_BYTES_MAX
from services.ledger.proof.receipt import read_receipt, verify_receipt
from services.ledger.proof.signed_head import (
    OtherSize,
    check_consistency,
    read_consistency_proof,
    read_signed_head,
)
from services.ledger.proof.signing_keys import read_verifying_keys
from tools.reference.vectors import FOLDER


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


MERKLE, RECEIPTS, HEADS = load("merkle.json"), load("receipts.json"), load("heads.json")
KEYS = read_verifying_keys(RECEIPTS["keys"])
GOOD = [case for case in RECEIPTS["cases"] if case["proves"]]
BAD = [case for case in RECEIPTS["cases"] if not case["proves"]]


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


@pytest.mark.parametrize("case", GOOD, ids=named)
def test_a_good_receipt_proves_what_it_says(case: dict[str, Any]) -> None:
    receipt = read_receipt(case["file"].encode())
    proven = verify_receipt(receipt, KEYS)
    shown = [{name: str(value) for name, value in one.fields.items()} for one in proven.executions]
    assert shown == case["proves"]
    assert receipt.to_file() == case["file"].encode()


@pytest.mark.parametrize("case", BAD, ids=named)
def test_a_bad_receipt_is_refused_by_name(case: dict[str, Any]) -> None:
    with pytest.raises(NotProven) as refused:
        verify_receipt(read_receipt(case["file"].encode()), KEYS)
    assert case["refused"] in str(refused.value)


def test_no_byte_of_a_receipt_can_be_changed() -> None:
    """Each byte in turn, to its neighbour and to another case; and each left out, and each twice."""
    data = next(case for case in GOOD if "own block" in case["name"])["file"].encode()
    verify_receipt(read_receipt(data), KEYS)
    for place in range(len(data)):
        before, one, after = data[:place], data[place : place + 1], data[place + 1 :]
        for changed in (bytes([one[0] ^ 1]), bytes([one[0] ^ 32]), b"", one + one):
            with pytest.raises(NotProven):
                verify_receipt(read_receipt(before + changed + after), KEYS)


@pytest.mark.parametrize("case", HEADS["cases"], ids=named)
def test_heads_say_of_each_other_what_the_vectors_say(case: dict[str, Any]) -> None:
    assert judged(case) == case["verdict"]


def judged(case: dict[str, Any]) -> str:
    try:
        old = read_signed_head(case["old"].encode()).verified(KEYS)
        new = read_signed_head(case["new"].encode()).verified(KEYS)
        check_consistency(old, new, read_consistency_proof(case["proof"].encode()) if case["proof"] else None)
    except OtherSize:
        return "cannot_be_judged"
    except NotProven:
        return "not_proven"
    return "proven"


def test_no_byte_of_a_head_or_a_consistency_proof_can_be_changed() -> None:
    case = next(case for case in HEADS["cases"] if case["name"] == "3 and 7")
    for part in ("old", "new", "proof"):
        data = case[part].encode()
        for place in range(len(data)):
            changed = bytearray(data)
            changed[place] ^= 1
            assert judged({**case, part: changed.decode("latin-1")}) == "not_proven"


def test_the_trees_vectors_hold() -> None:
    hashes = merkle.leaf_hashes(bytes.fromhex(leaf) for leaf in MERKLE["leaves"])
    roots = [bytes.fromhex(root) for root in MERKLE["roots"]]
    assert [merkle.root_of(hashes[:size]) for size in range(len(roots))] == roots
    for case in MERKLE["inclusion"]:
        path = [bytes.fromhex(one) for one in case["path"]]
        found = merkle.root_by_inclusion(hashes[case["number"]], case["number"], case["size"], path)
        assert found == roots[case["size"]]
    for case in MERKLE["consistency"]:
        path = [bytes.fromhex(one) for one in case["path"]]
        assert merkle.is_consistent(case["old"], roots[case["old"]], case["new"], roots[case["new"]], path)


def test_a_receipt_is_told_in_words() -> None:
    proven = verify_receipt(read_receipt(GOOD[0]["file"].encode()), KEYS)
    place = "[history 1, position 23, block 3]"
    filled = "  2026-01-01 00:00:00.023123 UTC  filled 5 lots at 9998 ticks as maker, trade 4; 20 remain"
    assert receipt_words(proven)[:5] == [
        "Order 71 of ann (mine-1): buy ACME, limit, gtc.",
        "3 executions in the record, each as it was signed:",
        "  2026-01-01 00:00:00.001123 UTC  accepted: 25 lots at 9998 ticks  [history 1, position 1, block 1]",
        f"{filled}  {place}",
        "  2026-01-01 00:00:00.060123 UTC  cancelled (user_request); 20 remain  [history 1, position 60, block 5]",
    ]


@pytest.mark.parametrize("event", ["rejected", "replaced", "expired", "triggered", "accepted", "something new"])
def test_every_event_has_its_words(event: str) -> None:
    fields = dict(verify_receipt(read_receipt(GOOD[0]["file"].encode()), KEYS).executions[0].fields)
    words = execution_words(fields | {"event": event, "reason": "x", "price": 0})
    assert words.startswith(event)
    assert "{" not in words


def test_what_a_terminal_obeys_is_not_printed() -> None:
    assert printable("a\x1b[2Jb\n") == "a?[2Jb?"
    head = Head("\x1b[31m", 0, 1, 1, 1, 1, bytes(32), bytes(32))
    assert "\x1b" not in head_words(head)
    assert utc(2**62) == f"{2**62} µs since 1970"


def test_a_giant_file_is_not_read() -> None:
    with pytest.raises(NotProven, match="the limit is"):
        read_receipt(b" " * (FILE_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither"),
        ("[]", "neither"),
        ('{"keys":[]}', "1 to 1000"),
        ('{"keys":[{"kty":"RSA"}]}', "not of Ed25519"),
        ('{"keys":[{"kty":"OKP","crv":"Ed25519","x":"short"}]}', "32 bytes"),
        (RECEIPTS["keys"].replace('"kid": "', '"kid": "0', 1), "kid must be"),
    ],
)
def test_a_list_of_keys_that_is_none_is_named(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        read_verifying_keys(text)


def test_one_key_may_be_given_in_hexadecimal_digits() -> None:
    (first, *_) = KEYS.by_id.values()
    assert read_verifying_keys(f"{first.hex()}\n").by_id == {next(iter(KEYS.by_id)): first}
