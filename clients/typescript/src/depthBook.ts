/**
 * The replica of one book, or of its window: two sorted sides, the position and the digest.
 *
 * Owns rules 1 to 5 of docs/protocol.md, "The client's rule": whether a delta applies, and whether the digest agrees.
 * What is to be done about a gap or a corruption is the session's business.
 */

import { levelDigest } from "./digest.js";
import type { PricedQuantity, Side } from "./digest.js";
import type { Delta, Snapshot } from "./messages.js";
import type { Position } from "./requests.js";

/** What became of a snapshot or delta. After CORRUPT the levels are worth nothing until the next snapshot. */
export const Verdict = {
  /** Applied, and the digest agrees. */
  APPLY: "apply",
  /** Nothing new: ignored. */
  DUPLICATE: "duplicate",
  /** Changes are missing before it: not applied. */
  GAP: "gap",
  /** Applied, and the digest disagrees. */
  CORRUPT: "corrupt",
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** One side's levels, best price first, with the sum of their hashes. */
export class BookSide {
  readonly side: Side;
  /** Ascending in `#rank`, the best first. */
  readonly #prices: number[] = [];
  readonly #quantities = new Map<number, number>();
  #digest = 0;

  constructor(side: Side) {
    this.side = side;
  }

  /** Sum of the levels' hashes modulo 2³². */
  get digest(): number {
    return this.#digest;
  }

  /** Number of levels. */
  get size(): number {
    return this.#prices.length;
  }

  /** The best price in ticks; 0 if the side is empty. */
  get best(): number {
    return this.#prices[0] ?? 0;
  }

  /** Lots at a price; 0 if there is no such level. */
  quantityAt(price: number): number {
    return this.#quantities.get(price) ?? 0;
  }

  /** Return the best `depth` levels, best first; 0 is all of them. */
  levels(depth = 0): PricedQuantity[] {
    const prices = depth === 0 ? this.#prices : this.#prices.slice(0, depth);
    return prices.map((price) => [price, this.quantityAt(price)]);
  }

  /** Replace a level's quantity; 0 removes, and removing an absent level is normal. O(log levels) to find, O(levels) to move. */
  set(price: number, quantity: number): void {
    const held = this.#quantities.get(price);
    if (held !== undefined) this.#digest = (this.#digest - levelDigest(this.side, price, held)) >>> 0;
    if (quantity === 0) {
      if (held !== undefined) this.#prices.splice(this.#indexOf(price), 1);
      this.#quantities.delete(price);
      return;
    }
    if (held === undefined) this.#prices.splice(this.#indexOf(price), 0, price);
    this.#quantities.set(price, quantity);
    this.#digest = (this.#digest + levelDigest(this.side, price, quantity)) >>> 0;
  }

  /** Remove every level. */
  clear(): void {
    this.#prices.length = 0;
    this.#quantities.clear();
    this.#digest = 0;
  }

  /** Where a price stands, or would stand. */
  #indexOf(price: number): number {
    let low = 0;
    let high = this.#prices.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isBetter(this.#prices[middle] ?? 0, price)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isBetter(one: number, other: number): boolean {
    return this.side === "bid" ? one > other : one < other;
  }
}

/** A book as its snapshot and deltas have made it. */
export class DepthBook {
  readonly instrument: string;
  readonly bids = new BookSide("bid");
  readonly asks = new BookSide("ask");
  /** Which history `seq` counts; equal or different, never ordered. */
  epoch = 0;
  /** Changes applied. */
  seq = 0;
  /** When the engine published the newest change, µs since 1970 UTC. */
  time = 0;
  /** Levels a side that it holds; 0 is all of them. */
  depth = 0;

  constructor(instrument: string) {
    this.instrument = instrument;
  }

  /** Of the levels held, 0 to 2³²-1. O(1). */
  get digest(): number {
    return (this.bids.digest + this.asks.digest) >>> 0;
  }

  /** What a subscription may resume from. */
  get position(): Position {
    return [this.epoch, this.seq, this.digest];
  }

  /** Take a snapshot in place of everything held. */
  load(snapshot: Snapshot): Verdict {
    for (const [side, levels] of [[this.bids, snapshot.bids], [this.asks, snapshot.asks]] as const) {
      side.clear();
      for (const [price, quantity] of levels) side.set(price, quantity);
    }
    this.epoch = snapshot.epoch;
    this.seq = snapshot.seq;
    this.time = snapshot.time;
    this.depth = snapshot.depth;
    return this.digest === snapshot.digest ? Verdict.APPLY : Verdict.CORRUPT;
  }

  /** Apply a delta if it continues what is held. A range that straddles the position applies: quantities are absolute. */
  apply(delta: Delta): Verdict {
    if (delta.seq <= this.seq) return Verdict.DUPLICATE;
    if (delta.prev_seq > this.seq) return Verdict.GAP;
    for (const [price, quantity] of delta.bids) this.bids.set(price, quantity);
    for (const [price, quantity] of delta.asks) this.asks.set(price, quantity);
    this.seq = delta.seq;
    this.time = delta.time;
    return this.digest === delta.digest ? Verdict.APPLY : Verdict.CORRUPT;
  }
}
