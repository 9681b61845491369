"""Heads as files, who signed them, and what two of them say of each other."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from services.ledger.proof.head import HEAD_BYTES, Head, read_head
from services.ledger.proof.merkle import is_consistent
from services.ledger.proof.not_proven import NotProven
from services.ledger.proof.proof_file import (
    HASH_PATH,
    Reader,
    hex_bytes,
    read_proof,
    whole_number,
    write_proof,
)
from services.ledger.proof.signing_keys import KEY_ID_BYTES, SIGNATURE_BYTES, VerifyingKeys

HEAD_FORMAT: Final = "outcry head 1"
CONSISTENCY_FORMAT: Final = "outcry consistency 1"
SIGNED_HEAD: Final[dict[str, Reader]] = {
    "head": hex_bytes(HEAD_BYTES, HEAD_BYTES),
    "key_id": hex_bytes(KEY_ID_BYTES, KEY_ID_BYTES),
    "signature": hex_bytes(SIGNATURE_BYTES, SIGNATURE_BYTES),
}


class OtherSize(NotProven):
    """Two heads are of different sizes: a consistency proof is needed to compare them."""


class SignedHead(NamedTuple):
    """A head, and who vouches for it."""

    data: bytes
    key_id: str
    signature: bytes

    def members(self) -> dict[str, str]:
        """Return its members in files."""
        return {"head": self.data.hex(), "key_id": self.key_id, "signature": self.signature.hex()}

    def to_file(self) -> bytes:
        """Write it as a file of its own."""
        return write_proof({"format": HEAD_FORMAT, **self.members()})

    def unverified(self) -> Head:
        """
        Return the head as it says, whoever signed it.

        Raises:
            NotProven: If it is none.
        """
        return read_head(self.data)

    def verified(self, keys: VerifyingKeys) -> Head:
        """
        Return the head, once one of these keys has signed it.

        Raises:
            NotProven: If none has; says why.
        """
        head = self.unverified()
        if self.key_id not in keys.by_id:
            raise NotProven(
                f"key_id: the head is said to be signed by key {self.key_id}, which is not among those given"
            )
        if not keys.verifies(self.key_id, self.signature, self.data):
            raise NotProven(f"signature: the head, or its signature, is not what key {self.key_id} signed")
        return head


class ConsistencyProof(NamedTuple):
    """That the record of one size begins with the record of another."""

    old_size: int
    new_size: int
    path: list[bytes]

    def to_file(self) -> bytes:
        """Write it."""
        path = [one.hex() for one in self.path]
        return write_proof(
            {"format": CONSISTENCY_FORMAT, "old_size": self.old_size, "new_size": self.new_size, "path": path}
        )


def signed_head_of(members: dict[str, Any]) -> SignedHead:
    """Return the head among a file's members."""
    return SignedHead(members["head"], members["key_id"].hex(), members["signature"])


def read_signed_head(data: bytes) -> SignedHead:
    """
    Read a head's file.

    Raises:
        NotProven: If it is none.
    """
    return signed_head_of(read_proof(data, HEAD_FORMAT, SIGNED_HEAD))


def read_consistency_proof(data: bytes) -> ConsistencyProof:
    """
    Read a consistency proof's file.

    Raises:
        NotProven: If it is none.
    """
    members: dict[str, Reader] = {"old_size": whole_number, "new_size": whole_number, "path": HASH_PATH}
    found = read_proof(data, CONSISTENCY_FORMAT, members)
    return ConsistencyProof(found["old_size"], found["new_size"], found["path"])


def check_consistency(old: Head, new: Head, proof: ConsistencyProof | None) -> None:
    """
    Check that a record goes on from another: nothing up to the old head was changed.

    Args:
        old: An earlier head, whose signature has been verified.
        new: A later head, likewise.
        proof: From the ledger; not needed for heads of the same size, which must be equal.

    Raises:
        OtherSize: If there is no proof, and the sizes differ.
        NotProven: If it does not.
    """
    if (old.product, old.shard) != (new.product, new.shard):
        raise NotProven(
            f"the heads are of two records: {old.product} shard {old.shard}, and {new.product} shard {new.shard}"
        )
    if old.number == new.number:
        if old != new:
            raise NotProven(
                f"two different heads of block {old.number} are signed: the ledger has told two people different "
                "things; keep both files, each is proof of it"
            )
        return
    if old.number > new.number:
        raise NotProven(f"the old head is of block {old.number}, the new one of block {new.number}: give them in order")
    if proof is None:
        raise OtherSize(f"the heads are of blocks {old.number} and {new.number}: comparing them needs a proof")
    if (proof.old_size, proof.new_size) != (old.number, new.number):
        raise NotProven(
            f"the proof is between blocks {proof.old_size} and {proof.new_size}, the heads are of blocks {old.number} "
            f"and {new.number}"
        )
    if not is_consistent(old.number, old.tree_root, new.number, new.tree_root, proof.path):
        raise NotProven(
            f"path: the record of {new.number} blocks does not begin with the record of {old.number} that was signed: "
            "something in it was changed, or the proof was"
        )
