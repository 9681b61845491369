/** Heads: where a record stood after a block, signed; and what two of them say of each other. */

import { hashes, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";

import { InvalidArgument } from "../errors.js";
import { FixedLayout } from "./fixedLayout.js";
import { areEqual, digest, isConsistent } from "./merkle.js";
import { NotProven, OtherSize } from "./notProven.js";
import { hashPath, hex, hexBytes, readProof, wholeNumber } from "./proofFile.js";

/** Bytes of a head. */
export const HEAD_BYTES = 184;

/** What is signed. Integers are bigints. */
export interface Head {
  /** Of which exchange. */
  readonly product: string;
  readonly shard: bigint;
  /** Number of the history of the last block. */
  readonly history: bigint;
  /** Of the last block: how many there are; the tree's size. */
  readonly number: bigint;
  /** How many commands of the history are in blocks. */
  readonly position: bigint;
  /** Of the last of them, µs since 1970, as the ledger says. */
  readonly time: bigint;
  readonly chain: Uint8Array;
  readonly treeRoot: Uint8Array;
}

/** A head's bytes, and who is said to have signed them. */
export interface SignedHead {
  readonly head: Uint8Array;
  readonly key_id: Uint8Array;
  readonly signature: Uint8Array;
}

/** Public keys by their ids. */
export type VerifyingKeys = ReadonlyMap<string, Uint8Array>;

/** How a signed head is read, as members of a file. */
export const SIGNED_HEAD = { head: hexBytes(HEAD_BYTES, HEAD_BYTES), key_id: hexBytes(8, 8), signature: hexBytes(64, 64) } as const;

/**
 * Read the list of public keys that the ledger publishes (a JSON Web Key Set), or one key in hexadecimal digits.
 *
 * @throws InvalidArgument if it is neither, or a key's id is not its own.
 */
export function readKeys(text: string): VerifyingKeys {
  if (/^\s*[0-9a-fA-F]{64}\s*$/.test(text)) return new Map([named(hexBytes(32, 32)(text.trim().toLowerCase(), "the key"))]);
  let keys: unknown;
  try {
    keys = (JSON.parse(text) as { keys?: unknown }).keys;
  } catch {
    throw new InvalidArgument("keys: are a list of keys in JSON, or one in 64 hexadecimal digits");
  }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > 1_000) throw new InvalidArgument("keys: are a list of 1 to 1000");
  return new Map((keys as unknown[]).map(listed));
}

/** Read a head's file, and prove who signed it. @throws NotProven if nobody whose key is given did. */
export function verifyHead(file: string | Uint8Array, keys: VerifyingKeys): Head {
  return verifiedHead(readProof<SignedHead>(file, "outcry head 1", SIGNED_HEAD), keys);
}

/** Return the head, once one of the keys has signed it. @throws NotProven if none has. */
export function verifiedHead(signed: SignedHead, keys: VerifyingKeys): Head {
  const head = readHead(signed.head);
  const keyId = hex(signed.key_id);
  const key = keys.get(keyId);
  if (key === undefined) throw new NotProven(`key_id: the head names key ${keyId}, which is not among those given`);
  hashes.sha512 = sha512;
  if (!verify(signed.signature, signed.head, key, { zip215: false })) {
    throw new NotProven(`signature: the head, or its signature, is not what key ${keyId} signed`);
  }
  return head;
}

/**
 * Check that a record goes on from another: nothing up to the old head was changed.
 *
 * @param proof The consistency proof's file; not needed for heads of the same block, which must be equal.
 * @throws OtherSize if there is no proof and the blocks differ.
 * @throws NotProven if it does not go on from it.
 */
export function checkConsistency(old: Head, next: Head, proof: string | Uint8Array | null): void {
  if (old.product !== next.product || old.shard !== next.shard) throw new NotProven("the heads are of two records");
  const between = proof === null ? null : readProof(proof, "outcry consistency 1", { old_size: wholeNumber, new_size: wholeNumber, path: hashPath });
  if (old.number === next.number) {
    if (!isSame(old, next)) throw new NotProven(`two different heads of block ${old.number} are signed: keep both files, each is proof of it`);
    return;
  }
  if (old.number > next.number) throw new NotProven("the old head is of a later block than the new one: give them in order");
  if (between === null) throw new OtherSize(`the heads are of blocks ${old.number} and ${next.number}: comparing them needs a proof`);
  if (BigInt(between.old_size) !== old.number || BigInt(between.new_size) !== next.number) throw new NotProven("the proof is between other blocks than the heads are of");
  if (!isConsistent(old.number, old.treeRoot, next.number, next.treeRoot, between.path)) {
    throw new NotProven(`path: the record of ${next.number} blocks does not begin with the record of ${old.number} that was signed`);
  }
}

function readHead(data: Uint8Array): Head {
  const layout = new FixedLayout(data, "outcry head 001\n", HEAD_BYTES, "the head");
  const head: Head = {
    product: layout.text(64, "the head's product"),
    shard: layout.integer(),
    history: layout.integer(),
    number: layout.integer(),
    position: layout.integer(),
    time: layout.integer(),
    chain: layout.take(32),
    treeRoot: layout.take(32),
  };
  if (head.number < 1n) throw new NotProven("the head is of no block");
  return head;
}

function isSame(one: Head, other: Head): boolean {
  const isPlace = one.history === other.history && one.position === other.position && one.time === other.time;
  return isPlace && areEqual(one.chain, other.chain) && areEqual(one.treeRoot, other.treeRoot);
}

function listed(value: unknown, number: number): [string, Uint8Array] {
  const { kty, crv, kid, x } = (value ?? {}) as Record<string, unknown>;
  if (kty !== "OKP" || crv !== "Ed25519") throw new InvalidArgument(`keys[${number}]: is not of Ed25519`);
  if (typeof x !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(x)) throw new InvalidArgument(`keys[${number}]: x is 32 bytes in base64url`);
  const letters = atob(`${x.replaceAll("-", "+").replaceAll("_", "/")}=`);
  const entry = named(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)));
  if (kid !== entry[0]) throw new InvalidArgument(`keys[${number}]: kid is ${entry[0]}, which is not what it says`);
  return entry;
}

function named(key: Uint8Array): [string, Uint8Array] {
  return [hex(digest(key)).slice(0, 16), key];
}
