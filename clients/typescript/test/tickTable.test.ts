/** A table's prices, against a list of all of them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidArgument, isOnTick, roundDown, roundUp } from "../src/index.js";

const TERMS = { tick_table: [[1, 1], [20, 5], [50, 10]] as const };
const PRICES = [...Array(20).keys(), 20, 25, 30, 35, 40, 45, 50, 60, 70, 80].slice(1);

test("prices are rounded to those of the table", () => {
  for (let ticks = 1; ticks <= 80; ticks += 1) {
    assert.equal(roundDown(TERMS, ticks), Math.max(...PRICES.filter((price) => price <= ticks)));
    assert.equal(roundUp(TERMS, ticks), Math.min(...PRICES.filter((price) => price >= ticks)));
    assert.equal(isOnTick(TERMS, ticks), PRICES.includes(ticks));
  }
});

test("without a table every tick is a price, and below the first there is none", () => {
  assert.deepEqual([roundDown(undefined, 7), roundUp({ tick_table: [] }, 7), isOnTick(undefined, 7)], [7, 7, true]);
  assert.deepEqual([roundDown({ tick_table: [[1, 5]] }, 4), roundUp({ tick_table: [[1, 5]] }, 0)], [0, 5]);
  assert.throws(() => roundDown(TERMS, 1.5), InvalidArgument);
});
