/** Messages made for tests. */

import { bookDigest } from "../src/index.js";
import type { Delta, Snapshot } from "../src/index.js";

type Levels = readonly (readonly [number, number])[];

export function snapshotOf(seq: number, bids: Levels, asks: Levels, more: Partial<Snapshot> = {}): Snapshot {
  const counted = (levels: Levels) => levels.map(([price, quantity]) => [price, quantity, 1] as const);
  const digest = bookDigest(bids, asks);
  return {
    type: "snapshot", instrument: "ACME", epoch: 7, seq, time: seq, depth: 0, bids: counted(bids), asks: counted(asks),
    digest, ...more,
  };
}

export function deltaOf(
  prev_seq: number, seq: number, bids: Levels, asks: Levels, digest: number, more: Partial<Delta> = {},
): Delta {
  return { type: "delta", instrument: "ACME", prev_seq, seq, time: seq, depth: 0, bids, asks, digest, ...more };
}
