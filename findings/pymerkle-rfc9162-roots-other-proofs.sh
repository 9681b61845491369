#!/usr/bin/env bash
# pymerkle 7.0.0: its roots are RFC 9162's, and of its proofs no verifier of the RFC takes a single one.
#
# Why it matters to an exchange: a ledger gives receipts and consistency proofs to auditors, who verify them with programs of
# their own. The package says that its tree is "essentially the same as RFC 9162", and every root agrees, which is what one
# compares first. Its paths are of another kind: inclusion paths hold the leaf's own hash too, and more than a third of the
# consistency proofs lack hashes that the RFC's need, so no reordering helps. Such receipts could be checked by pymerkle alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pymerkle==7.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from hashlib import sha256
from importlib.metadata import version

from pymerkle import InmemoryTree

LEAVES = 64


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


def split(count: int) -> int:
    return 1 << ((count - 1).bit_length() - 1)


def mth(data: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1."""
    if len(data) == 1:
        return digest(b"\x00" + data[0])
    k = split(len(data))
    return digest(b"\x01" + mth(data[:k]) + mth(data[k:]))


def path(m: int, data: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(data) == 1:
        return []
    k = split(len(data))
    return [*path(m, data[:k]), mth(data[k:])] if m < k else [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], known: bool) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if m == len(data):
        return [] if known else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], known), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


data = [bytes([number]) for number in range(LEAVES)]
tree = InmemoryTree(algorithm="sha256")
for one in data:
    tree.append_entry(one)
sizes = range(1, LEAVES + 1)
roots = sum(tree.get_root(size) == mth(data[:size]) for size in sizes)
inclusion = [(list(tree.prove_inclusion(m + 1, n).path), path(m, data[:n])) for n in sizes for m in range(n)]
consistency = [
    (list(tree.prove_consistency(m, n).path), subproof(m, data[:n], True)) for n in sizes for m in range(1, n + 1)
]
print(f"pymerkle {version('pymerkle')}, SHA-256, trees of 1 to {LEAVES} leaves, beside RFC 9162's recursive definitions")
print("expected: roots and proofs are the RFC's, as the package says that its tree is")
print(f"roots: {roots} of {LEAVES} are equal")
same = sum(found == rfc for found, rfc in inclusion)
print(f"inclusion paths: {same} of {len(inclusion)} are equal; the first of 2 leaves has "
      f"{len(tree.prove_inclusion(1, 2).path)} hashes, the RFC's 1")
equal = sum(found == rfc for found, rfc in consistency)
lacking = sum(not set(rfc) <= set(found) for found, rfc in consistency)
print(f"consistency proofs: {equal} of {len(consistency)} are equal; {lacking} lack a hash that the RFC's has")
holds = roots == LEAVES and same == equal == 0 and lacking > 0
print("so it is" if holds else "this is no longer so")
sys.exit(not holds)
PYTHON
