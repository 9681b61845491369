import { BookSide } from "openoutcry";
import { describe, expect, test } from "vitest";

import { ladderRows, middleOf, nextTop } from "./ladderRows.js";

function side(name: "bid" | "ask", levels: readonly (readonly [number, number])[]): BookSide {
  const made = new BookSide(name);
  for (const [price, lots] of levels) made.set(price, lots);
  return made;
}

const BIDS = side("bid", [[99, 10], [98, 5], [95, 7]]);
const ASKS = side("ask", [[101, 3], [104, 4], [120, 50]]);

describe("rows of a ladder", () => {
  test("have lots, and totals from the best price outwards, through empty prices", () => {
    const rows = ladderRows(BIDS, ASKS, 105, 12, 1);
    expect(rows.map(({ price }) => price)).toEqual([105, 104, 103, 102, 101, 100, 99, 98, 97, 96, 95, 94]);
    expect(rows.map(({ bid }) => bid)).toEqual([0, 0, 0, 0, 0, 0, 10, 5, 0, 0, 7, 0]);
    expect(rows.map(({ bidTotal }) => bidTotal)).toEqual([0, 0, 0, 0, 0, 0, 10, 15, 15, 15, 22, 22]);
    expect(rows.map(({ ask }) => ask)).toEqual([0, 4, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
    expect(rows.map(({ askTotal }) => askTotal)).toEqual([7, 7, 3, 3, 3, 0, 0, 0, 0, 0, 0, 0]);
  });

  test("of several ticks count a level where all of it would trade", () => {
    const rows = ladderRows(BIDS, ASKS, 125, 8, 5);
    expect(rows.map(({ price }) => price)).toEqual([125, 120, 115, 110, 105, 100, 95, 90]);
    expect(rows.map(({ ask }) => ask)).toEqual([0, 50, 0, 0, 7, 0, 0, 0]);
    expect(rows.map(({ bid }) => bid)).toEqual([0, 0, 0, 0, 0, 0, 22, 0]);
  });

  test("far from the market have the totals of all that is nearer", () => {
    expect(ladderRows(BIDS, ASKS, 93, 2, 1).map(({ bidTotal }) => bidTotal)).toEqual([22, 22]);
    expect(ladderRows(BIDS, ASKS, 118, 2, 1).map(({ askTotal }) => askTotal)).toEqual([7, 7]);
  });

  test("end at 1, and an empty book has none of anything", () => {
    expect(ladderRows(side("bid", []), side("ask", []), 3, 9, 1)).toEqual([3, 2, 1].map((price) => ({ price, bid: 0, ask: 0, bidTotal: 0, askTotal: 0 })));
    expect(ladderRows(BIDS, ASKS, 0, 9, 1)).toEqual([]);
  });

  test("of a book that is crossed in a call show both sides of a price", () => {
    const rows = ladderRows(side("bid", [[102, 5], [100, 1]]), side("ask", [[100, 2], [101, 4]]), 102, 3, 1);
    expect(rows.map(({ bid, ask, bidTotal, askTotal }) => [bid, ask, bidTotal, askTotal])).toEqual([[5, 0, 5, 6], [0, 4, 5, 6], [1, 2, 6, 2]]);
  });

  test("agree with a naive count, whatever the book", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    for (let round = 0; round < 200; round += 1) {
      const [bids, asks] = [side("bid", []), side("ask", [])];
      for (let level = random(40); level > 0; level -= 1) (random(2) ? bids : asks).set(80 + random(50), 1 + random(9));
      const [top, count, step] = [5 * (15 + random(15)), 1 + random(60), 1];
      for (const row of ladderRows(bids, asks, top, count, step)) {
        const total = (levels: [number, number][], at: (price: number) => boolean) => levels.filter(([price]) => at(price)).reduce((sum, [, lots]) => sum + lots, 0);
        expect([row.bid, row.ask]).toEqual([bids.quantityAt(row.price), asks.quantityAt(row.price)]);
        expect(row.bidTotal).toBe(total(bids.levels() as [number, number][], (price) => price >= row.price));
        expect(row.askTotal).toBe(total(asks.levels() as [number, number][], (price) => price <= row.price));
      }
    }
  });
});

describe("where the ladder looks", () => {
  const sight = { rows: 40, step: 1, centre: null };

  test("the market's middle first, and no move while it stays in the middle half", () => {
    const top = nextTop(0, sight, 100);
    expect(top).toBe(120);
    expect(nextTop(top, sight, 109)).toBe(top);
    expect(nextTop(top, sight, 91)).toBe(top);
    expect(nextTop(top, sight, 89)).toBe(109);
  });

  test("a price that is held stays, whatever the market does; without any price nothing moves", () => {
    expect(nextTop(120, { ...sight, centre: 500 }, 100)).toBe(520);
    expect(nextTop(77, sight, 0)).toBe(77);
  });

  test("rows of several ticks are multiples of them; the ladder does not end below 1", () => {
    expect(nextTop(0, { ...sight, step: 5 }, 1_003)).toBe(1_105);
    expect(nextTop(0, sight, 2)).toBe(40);
  });

  test("the middle of a market with one side is that side's best, without any the last price", () => {
    expect([middleOf(99, 102, 50), middleOf(99, 0, 50), middleOf(0, 102, 50), middleOf(0, 0, 50)]).toEqual([101, 99, 102, 50]);
  });
});
