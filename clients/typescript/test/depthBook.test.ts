/** The book replica, by the client's rule, and against a book that is too simple to be wrong. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { bookDigest, DepthBook, Verdict } from "../src/index.js";
import type { PricedQuantity } from "../src/index.js";
import { deltaOf, snapshotOf } from "./made.js";
import { seeded } from "./random.js";

function loaded(): DepthBook {
  const book = new DepthBook("ACME");
  assert.equal(book.load(snapshotOf(12, [[9_997, 5], [9_998, 20]], [[10_003, 40], [10_001, 7]])), Verdict.APPLY);
  return book;
}

describe("the client's rule", () => {
  test("1: a snapshot replaces everything, even a newer book", () => {
    const book = loaded();
    assert.equal(book.load(snapshotOf(3, [[1, 1]], [], { epoch: 8 })), Verdict.APPLY);
    assert.deepEqual([book.epoch, book.seq, book.bids.levels(), book.asks.levels()], [8, 3, [[1, 1]], []]);
  });

  test("2: a delta that is not above mine is a duplicate, and changes nothing", () => {
    const book = loaded();
    assert.equal(book.apply(deltaOf(11, 12, [[9_998, 1]], [], 0)), Verdict.DUPLICATE);
    assert.equal(book.bids.quantityAt(9_998), 20);
  });

  test("3: quantities are absolute, 0 removes, and removing an absent level is normal", () => {
    const book = loaded();
    const after = bookDigest([[9_998, 25], [9_997, 5]], [[10_003, 40]]);
    assert.equal(book.apply(deltaOf(12, 13, [[9_998, 25], [1, 0]], [[10_001, 0]], after)), Verdict.APPLY);
    assert.deepEqual(book.bids.levels(), [[9_998, 25], [9_997, 5]]);
    assert.deepEqual(book.asks.levels(), [[10_003, 40]]);
  });

  test("3: a merged range that begins before mine and ends after it applies", () => {
    const book = loaded();
    const after = bookDigest([[9_998, 20], [9_997, 6]], [[10_001, 7], [10_003, 40]]);
    assert.equal(book.apply(deltaOf(5, 40, [[9_997, 6]], [], after)), Verdict.APPLY);
    assert.equal(book.seq, 40);
  });

  test("4: a delta that begins above mine is a gap, and changes nothing", () => {
    const book = loaded();
    assert.equal(book.apply(deltaOf(13, 14, [[9_998, 1]], [], 0)), Verdict.GAP);
    assert.deepEqual([book.seq, book.bids.quantityAt(9_998)], [12, 20]);
  });

  test("5: a digest that disagrees is a corruption, of a delta and of a snapshot", () => {
    assert.equal(loaded().apply(deltaOf(12, 13, [[9_998, 1]], [], 0)), Verdict.CORRUPT);
    assert.equal(loaded().load(snapshotOf(1, [[1, 1]], [], { digest: 5 })), Verdict.CORRUPT);
  });

  test("levels come best first, of both sides, as many as asked for", () => {
    const book = loaded();
    assert.deepEqual(book.bids.levels(1), [[9_998, 20]]);
    assert.deepEqual(book.asks.levels(), [[10_001, 7], [10_003, 40]]);
    assert.deepEqual([book.bids.best, book.asks.best, new DepthBook("X").asks.best], [9_998, 10_001, 0]);
  });
});

/** Two maps, sorted and summed anew for every look. */
class NaiveBook {
  readonly bids = new Map<number, number>();
  readonly asks = new Map<number, number>();

  set(side: "bids" | "asks", price: number, quantity: number): void {
    if (quantity === 0) this[side].delete(price);
    else this[side].set(price, quantity);
  }

  levels(side: "bids" | "asks", depth: number): PricedQuantity[] {
    const sign = side === "bids" ? -1 : 1;
    const sorted = [...this[side]].sort(([one], [other]) => sign * (one - other));
    return depth === 0 ? sorted : sorted.slice(0, depth);
  }

  digest(depth: number): number {
    return bookDigest(this.levels("bids", depth), this.levels("asks", depth));
  }
}

describe("at random", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    test(`seed ${seed}: whole and windowed replicas are the naive book after every merged delta`, () => {
      const random = seeded(seed);
      const naive = new NaiveBook();
      const depth = [5, 10][seed % 2] as number;
      const whole = new DepthBook("ACME");
      const window = new DepthBook("ACME");
      for (let seq = 0; seq < 1_000; ) {
        const before = { bids: naive.levels("bids", depth), asks: naive.levels("asks", depth) };
        const prev = seq;
        const changes = { bids: new Map<number, number>(), asks: new Map<number, number>() };
        for (let count = 1 + random(4); count > 0; count -= 1, seq += 1) {
          const side = random(2) === 0 ? "bids" : "asks";
          const price = 100 + random(40);
          const quantity = random(3) === 0 ? 0 : 1 + random(1_000_000);
          naive.set(side, price, quantity);
          changes[side].set(price, quantity);
        }
        assert.equal(whole.apply(deltaOf(prev, seq, [...changes.bids], [...changes.asks], naive.digest(0))), Verdict.APPLY);
        const bids = windowChanges(before.bids, naive.levels("bids", depth));
        const asks = windowChanges(before.asks, naive.levels("asks", depth));
        assert.equal(window.apply(deltaOf(prev, seq, bids, asks, naive.digest(depth))), Verdict.APPLY);
        for (const side of ["bids", "asks"] as const) {
          assert.deepEqual(whole[side].levels(), naive.levels(side, 0));
          assert.deepEqual(window[side].levels(), naive.levels(side, depth));
          assert.equal(whole[side].best, naive.levels(side, 1)[0]?.[0] ?? 0);
        }
      }
    });
  }
});

/** What a server says of a window: levels that leave are removed, those that enter or change are set. */
function windowChanges(before: PricedQuantity[], after: PricedQuantity[]): [number, number][] {
  const now = new Map(after.map(([price, quantity]) => [price, quantity]));
  const removed = before.filter(([price]) => !now.has(price)).map(([price]): [number, number] => [price, 0]);
  return [...removed, ...now];
}
