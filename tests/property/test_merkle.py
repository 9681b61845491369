"""The proofs' trees against RFC 9162's own definitions, which are recursive and slow."""

from __future__ import annotations

import functools
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.proof import merkle
from services.ledger.proof.record_tree import Node, Stored, consistency, grow, inclusion, nodes_of, root_of_peaks
from tests.property import naive_merkle

SIZE = 64
DATA = [hashlib.sha256(number.to_bytes(2, "big")).digest() for number in range(SIZE)]
MTH = [naive_merkle.mth(DATA[:size]) for size in range(SIZE + 1)]


@functools.cache
def grown() -> tuple[dict[int, Stored], list[tuple[bytes, ...]]]:
    """Grow a tree block by block, and return what is stored, and the peaks at each size."""
    blocks: dict[int, Stored] = {}
    peaks: list[tuple[bytes, ...]] = [()]
    for size, chain in enumerate(DATA):
        growth = grow(peaks[-1], size, chain)
        blocks[size + 1] = Stored(chain, growth.completed)
        peaks.append(growth.peaks)
    return blocks, peaks


@pytest.mark.parametrize("size", range(SIZE + 1))
def test_roots_are_the_rfcs(size: int) -> None:
    hashes = merkle.leaf_hashes(DATA[:size])
    assert merkle.root_of(hashes) == MTH[size]
    assert merkle.root_of(merkle.levels_above(hashes, 4)) == MTH[size]
    assert root_of_peaks(grown()[1][size]) == MTH[size]


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_inclusion_paths_are_the_rfcs_and_prove(size: int) -> None:
    hashes = merkle.leaf_hashes(DATA[:size])
    for index in range(size):
        path = naive_merkle.path(index, DATA[:size])
        assert merkle.inclusion_path(hashes, index) == path
        assert inclusion(index, size).path(grown()[0]) == path
        assert merkle.root_by_inclusion(hashes[index], index, size, path) == MTH[size]


@pytest.mark.parametrize("size", range(1, SIZE + 1))
def test_consistency_proofs_are_the_rfcs_and_prove_for_all_pairs(size: int) -> None:
    for old in range(1, size + 1):
        path = naive_merkle.proof(old, DATA[:size])
        assert consistency(old, size).path(grown()[0]) == path
        assert merkle.is_consistent(old, MTH[old], size, MTH[size], path)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 33, 64])
def test_a_path_proves_nothing_at_another_place_or_size(size: int) -> None:
    hashes = merkle.leaf_hashes(DATA[:size])
    for index in range(size):
        path = merkle.inclusion_path(hashes, index)
        for other in range(size):
            if other != index:
                assert merkle.root_by_inclusion(hashes[index], other, size, path) != MTH[size]
        for wrong in (path[:-1], [*path, DATA[0]], path[::-1]):
            if wrong != path:
                assert merkle.root_by_inclusion(hashes[index], index, size, wrong) != MTH[size]
        assert merkle.root_by_inclusion(hashes[index], index - size, size, path) is None


@pytest.mark.parametrize("size", [2, 3, 7, 8, 13, 33, 64])
def test_another_records_head_is_not_consistent(size: int) -> None:
    other = [*DATA[: size - 1], b"changed"]
    for old in range(1, size):
        path = naive_merkle.proof(old, DATA[:size])
        changed = [b"changed", *DATA[1:old]]
        assert not merkle.is_consistent(old, naive_merkle.mth(changed), size, MTH[size], path)
        assert not merkle.is_consistent(old, MTH[old], size, naive_merkle.mth(other), path)
        assert not merkle.is_consistent(size, MTH[size], old, MTH[old], path)
        for wrong in (path[:-1], [*path, DATA[0]], []):
            if wrong != path:
                assert not merkle.is_consistent(old, MTH[old], size, MTH[size], wrong)


def test_equal_sizes_are_compared_by_equality() -> None:
    assert merkle.is_consistent(5, MTH[5], 5, MTH[5], [])
    assert not merkle.is_consistent(5, MTH[5], 5, MTH[4], [])
    assert not merkle.is_consistent(5, MTH[5], 5, MTH[5], [DATA[0]])
    assert not merkle.is_consistent(0, MTH[0], 5, MTH[5], [])


@given(st.integers(1, 2**40), st.data())
def test_a_proof_needs_few_blocks_whatever_the_size(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    for made in (inclusion(old - 1, size), consistency(old, size)):
        nodes = made.nodes()
        assert len(nodes) <= 2 * size.bit_length()
        assert all(0 < node.block <= size for node in nodes)


@given(st.integers(1, 10**12))
def test_the_nodes_of_a_whole_tree_are_its_peaks(size: int) -> None:
    nodes = nodes_of(0, size)
    assert [node.level for node in nodes] == [bit for bit in range(size.bit_length())[::-1] if size >> bit & 1]
    assert nodes[-1].block == size
    assert nodes[0] == Node(size.bit_length() - 1, 0)
