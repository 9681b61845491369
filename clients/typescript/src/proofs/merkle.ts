/**
 * Merkle trees as RFC 9162 (Certificate Transparency 2.0) defines them, section 2.1: the two checks of a verifier.
 *
 * A leaf's hash is SHA-256(0x00 || data), a node's SHA-256(0x01 || left || right). Places and sizes are bigints: a record
 * may outgrow what numbers hold.
 */

import { sha256 } from "@noble/hashes/sha2.js";

/** Bytes of a hash. */
export const HASH_BYTES = 32;
/** Hashes of a path in a tree of up to 2^63 leaves; a longer one proves nothing, and is not read. */
export const PATH_HASHES_MAX = 64;

/** Hash a leaf's data. */
export function leafHash(data: Uint8Array): Uint8Array {
  return hashOf(0, data);
}

/** Hash a node of two. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hashOf(1, left, right);
}

/** SHA-256. */
export function digest(data: Uint8Array): Uint8Array {
  return sha256(data);
}

/** Tell whether two values are the same bytes. They are public: the time that it takes tells nothing. */
export function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

/**
 * Return the root of the tree that holds a leaf's hash at a place, as the path says (section 2.1.3.2).
 *
 * @returns null if no tree of that size has such a path; else a root, to be compared with the one that is known.
 */
export function rootByInclusion(leaf: Uint8Array, number: bigint, size: bigint, path: readonly Uint8Array[]): Uint8Array | null {
  if (number < 0n || number >= size) return null;
  let place = number;
  let last = size - 1n;
  let found = leaf;
  for (const sibling of path) {
    if (last === 0n) return null;
    if (isOdd(place) || place === last) {
      found = nodeHash(sibling, found);
      [place, last] = upToOdd(place, last);
    } else {
      found = nodeHash(found, sibling);
    }
    place >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? found : null;
}

/**
 * Tell whether the first leaves of the new tree are all of the old one's (section 2.1.4.2).
 *
 * Equal sizes need equal roots and an empty path: the RFC's own algorithm refuses them. An empty old tree is refused.
 */
export function isConsistent(
  oldSize: bigint, oldRoot: Uint8Array, newSize: bigint, newRoot: Uint8Array, path: readonly Uint8Array[],
): boolean {
  if (oldSize <= 0n || oldSize > newSize) return false;
  if (oldSize === newSize) return path.length === 0 && areEqual(oldRoot, newRoot);
  const isWhole = (oldSize & (oldSize - 1n)) === 0n;
  const [first, ...others] = isWhole ? [oldRoot, ...path] : path;
  if (first === undefined) return false;
  let place = oldSize - 1n;
  let last = newSize - 1n;
  while (isOdd(place)) {
    place >>= 1n;
    last >>= 1n;
  }
  let before = first;
  let after = first;
  for (const sibling of others) {
    if (last === 0n) return false;
    if (isOdd(place) || place === last) {
      before = nodeHash(sibling, before);
      after = nodeHash(sibling, after);
      [place, last] = upToOdd(place, last);
    } else {
      after = nodeHash(after, sibling);
    }
    place >>= 1n;
    last >>= 1n;
  }
  return last === 0n && areEqual(before, oldRoot) && areEqual(after, newRoot);
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

/** Leave out the levels on which the last node has no partner. */
function upToOdd(place: bigint, last: bigint): [bigint, bigint] {
  while (!isOdd(place) && place !== 0n) {
    place >>= 1n;
    last >>= 1n;
  }
  return [place, last];
}

function hashOf(prefix: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create().update(Uint8Array.of(prefix));
  for (const part of parts) hash.update(part);
  return hash.digest();
}
