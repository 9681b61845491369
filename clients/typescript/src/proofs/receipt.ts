/**
 * Receipts: the executions of one order, proven offline with the ledger's public keys and nothing else.
 *
 * Written from docs/proofs.md, not from the other verifier: where the two agree on the vectors, neither has to be trusted
 * alone.
 */

import { FixedLayout } from "./fixedLayout.js";
import { SIGNED_HEAD, verifiedHead } from "./head.js";
import type { Head, SignedHead, VerifyingKeys } from "./head.js";
import { readLeaf } from "./leaf.js";
import type { Fields } from "./leaf.js";
import { areEqual, digest, leafHash, rootByInclusion } from "./merkle.js";
import { NotProven } from "./notProven.js";
import { hashPath, hex, hexBytes, listOf, object, readProof, wholeNumber } from "./proofFile.js";

/** What a block's chain value is of. Integers are bigints. */
export interface Block {
  readonly previous: Uint8Array;
  readonly root: Uint8Array;
  readonly leaves: bigint;
  readonly number: bigint;
  readonly history: bigint;
  readonly epoch: bigint;
  readonly firstPosition: bigint;
  readonly lastPosition: bigint;
  readonly shard: bigint;
  /** Of its last command, µs since 1970. */
  readonly time: bigint;
}

/** An execution that stands in the record, and where. */
export interface ProvenExecution {
  /** As in the protocol's `execution`, with its user, history, position and ordinal. */
  readonly fields: Fields;
  readonly block: Block;
  /** Of its leaf in the block, from 0. */
  readonly number: number;
}

/** What a receipt proves. */
export interface ProvenReceipt {
  readonly head: Head;
  readonly keyId: string;
  readonly executions: readonly ProvenExecution[];
}

interface ShownLeaf {
  readonly number: number;
  readonly leaf: Uint8Array;
  readonly path: readonly Uint8Array[];
}
interface ShownBlock {
  readonly block: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly leaves: readonly ShownLeaf[];
}
interface ReceiptFile extends SignedHead {
  readonly blocks: readonly ShownBlock[];
}

const BLOCK_BYTES = 240;
const LEAVES_MAX = 500;
const LEAF = object<ShownLeaf>({ number: wholeNumber, leaf: hexBytes(1, 2 ** 20), path: hashPath });
const BLOCK = object<ShownBlock>({ block: hexBytes(BLOCK_BYTES, BLOCK_BYTES), path: hashPath, leaves: listOf(LEAF, 1, LEAVES_MAX) });

/**
 * Prove all of a receipt.
 *
 * @param file As GET /v1/receipts/{order_id} gave it.
 * @throws NotProven if any of it does not hold; names the part.
 */
export function verifyReceipt(file: string | Uint8Array, keys: VerifyingKeys): ProvenReceipt {
  const receipt = readProof<ReceiptFile>(file, "outcry receipt 1", { ...SIGNED_HEAD, blocks: listOf(BLOCK, 1, LEAVES_MAX) });
  const head = verifiedHead(receipt, keys);
  let number = 0n;
  const executions = receipt.blocks.flatMap((shown, place) => {
    const path = `blocks[${place}]`;
    const block = provenBlock(shown, path, head);
    if (block.number <= number) throw new NotProven(`${path}: blocks must be in the order of their numbers, each once`);
    number = block.number;
    return shown.leaves.map((leaf, at) => provenLeaf(leaf, `${path}.leaves[${at}]`, block));
  });
  checkSubject(executions);
  return { head, keyId: hex(receipt.key_id), executions };
}

function provenBlock(shown: ShownBlock, path: string, head: Head): Block {
  const block = readBlock(shown.block);
  if (block.shard !== head.shard) throw new NotProven(`${path}.block: it is of shard ${block.shard}, the head of shard ${head.shard}`);
  const chain = digest(shown.block);
  const root = rootByInclusion(leafHash(chain), block.number - 1n, head.number, shown.path);
  if (root === null || !areEqual(root, head.treeRoot)) throw new NotProven(`${path}: block ${block.number} is not in the record whose head was signed`);
  if (block.number === head.number && !areEqual(chain, head.chain)) throw new NotProven(`${path}.block: it is not the one that the head names as the last`);
  return block;
}

function provenLeaf(shown: ShownLeaf, path: string, block: Block): ProvenExecution {
  const root = rootByInclusion(leafHash(shown.leaf), BigInt(shown.number), block.leaves, shown.path);
  if (root === null || !areEqual(root, block.root)) throw new NotProven(`${path}: this execution is not in block ${block.number}, as leaf ${shown.number}`);
  const { table, fields } = readLeaf(shown.leaf);
  if (table !== "execution") throw new NotProven(`${path}.leaf: it is no execution but a ${table}`);
  const position = integer(fields, "position");
  if (integer(fields, "history") !== block.history || position < block.firstPosition || position > block.lastPosition) {
    throw new NotProven(`${path}.leaf: its history and position are not those of block ${block.number}`);
  }
  return { fields, block, number: shown.number };
}

/** One order of one user, each execution once and in order: a receipt's sum must not count anything twice. */
function checkSubject(executions: readonly ProvenExecution[]): void {
  const first = executions[0]?.fields;
  let last = [-1n, -1n, -1n];
  for (const { fields } of executions) {
    for (const name of ["user", "order_id"]) {
      if (fields[name] !== first?.[name]) throw new NotProven(`the executions are of two: ${name} ${first?.[name]} and ${fields[name]}`);
    }
    const place = ["history", "position", "ordinal"].map((name) => integer(fields, name));
    const differs = place.findIndex((value, at) => value !== last[at]);
    if (differs === -1 || (place[differs] ?? 0n) < (last[differs] ?? 0n)) {
      throw new NotProven("the executions are not in the order of history, position and ordinal, each once");
    }
    last = place;
  }
}

function readBlock(data: Uint8Array): Block {
  const layout = new FixedLayout(data, "outcry block 01\n", BLOCK_BYTES, "a block");
  const [previous, root] = [layout.take(32), layout.take(32)];
  const [leaves, number, history, epoch] = [layout.integer(), layout.integer(), layout.integer(), layout.integer()];
  const [firstPosition, lastPosition] = [layout.integer(), layout.integer()];
  layout.take(4 * 8); // ids of its first and last log entry
  return { previous, root, leaves, number, history, epoch, firstPosition, lastPosition, shard: layout.integer(), time: layout.integer() };
}

function integer(fields: Fields, name: string): bigint {
  return fields[name] as bigint;
}
