import type { Side } from "openoutcry";
import { describe, expect, test } from "vitest";

import { placeMark, QueuePlaces } from "./queuePlace.js";

const ORDER = { order_id: 1, instrument: "ACME", side: "bid" as Side, price: 100, remaining: 10 };
const level = (lots: number) => (_side: Side, price: number) => (price === 100 ? lots : 0);
const sold = (seq: number, quantity: number, more: object = {}) => ({ instrument: "ACME", seq, price: 100, quantity, aggressor_side: "ask" as Side | "none", ...more });

describe("lots before an order", () => {
  test("are not known before the book has it, then all that others have there", () => {
    const places = new QueuePlaces();
    places.place(ORDER);
    expect(places.ahead(1)).toBeNull();
    places.onBook("ACME", 1, 5, level(60));
    expect(places.ahead(1)).toBe(50);
    expect(places.ahead(2)).toBeNull();
  });

  test("fall by what trades there, and by nothing else that trades", () => {
    const places = new QueuePlaces();
    places.place(ORDER);
    places.onBook("ACME", 1, 5, level(60));
    places.onTrade(sold(5, 7)); // the state begun with has it already
    places.onTrade(sold(6, 20));
    places.onTrade(sold(7, 3, { price: 101 }));
    places.onTrade(sold(7, 3, { aggressor_side: "bid" }));
    places.onTrade(sold(7, 3, { aggressor_side: "none" }));
    places.onTrade(sold(7, 3, { instrument: "OTHER" }));
    expect(places.ahead(1)).toBe(30);
    places.onTrade(sold(8, 99));
    expect(places.ahead(1)).toBe(0);
  });

  test("are never more than others have there, and do not grow by who comes later", () => {
    const places = new QueuePlaces();
    places.place(ORDER);
    places.onBook("ACME", 1, 5, level(60));
    places.onBook("ACME", 1, 6, level(25));
    expect(places.ahead(1)).toBe(15);
    places.onBook("ACME", 1, 7, level(500));
    expect(places.ahead(1)).toBe(50); // who cancelled may have stood behind: the bound of the beginning holds
  });

  test("an order that grows or moves stands last again; one that shrinks or is filled in part keeps its place", () => {
    const places = new QueuePlaces();
    places.place(ORDER);
    places.onBook("ACME", 1, 5, level(60));
    places.place({ ...ORDER, remaining: 4 });
    expect(places.ahead(1)).toBe(50);
    places.place({ ...ORDER, remaining: 11 });
    expect(places.ahead(1)).toBeNull();
    places.onBook("ACME", 1, 6, level(80));
    expect(places.ahead(1)).toBe(69);
    places.place({ ...ORDER, remaining: 11, price: 101 });
    expect(places.ahead(1)).toBeNull();
  });

  test("are forgotten with the order, and with the book", () => {
    const places = new QueuePlaces();
    places.place(ORDER);
    places.onBook("ACME", 1, 5, level(60));
    places.forgetBook("ACME");
    expect(places.ahead(1)).toBeNull();
    places.onBook("ACME", 1, 9, level(60));
    places.keep(new Set());
    expect(places.ahead(1)).toBeNull();
  });

  test("are all that others have there when history begins anew, or what happened to the order was missed", () => {
    const places = new QueuePlaces();
    places.place(ORDER);
    places.onBook("ACME", 1, 5, level(60));
    places.onTrade(sold(6, 45));
    expect(places.ahead(1)).toBe(5);
    places.onBook("ACME", 2, 4, level(60)); // that trade was lost with the epoch
    expect(places.ahead(1)).toBe(50);
    places.onTrade(sold(5, 45)); // of the new numbering
    expect(places.ahead(1)).toBe(5);
    places.forgetAll();
    expect(places.ahead(1)).toBeNull();
    places.place(ORDER); // as before, but it may have been elsewhere meanwhile
    places.onBook("ACME", 2, 6, level(60));
    expect(places.ahead(1)).toBe(50);
  });

  test("the bound holds whatever happens: compared with a queue that is kept order by order", () => {
    let seed = 11;
    const random = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    for (let round = 0; round < 300; round += 1) {
      const places = new QueuePlaces();
      let queue: { id: number; lots: number }[] = [];
      let [seq, next] = [1, 2];
      const lots = () => queue.reduce((sum, each) => sum + each.lots, 0);
      for (let others = random(5); others > 0; others -= 1) queue.push({ id: next++, lots: 1 + random(9) });
      queue.push({ id: 1, lots: 5 });
      places.place({ ...ORDER, remaining: 5 });
      places.onBook("ACME", 1, seq, level(lots()));
      for (let step = 0; step < 30 && queue.some(({ id }) => id === 1); step += 1) {
        seq += 1;
        const what = random(3);
        if (what === 0) queue.push({ id: next++, lots: 1 + random(9) });
        else if (what === 1) queue = queue.filter(({ id }) => id === 1 || random(4) > 0);
        else {
          let left = 1 + random(6);
          places.onTrade(sold(seq, Math.min(left, lots())));
          while (left > 0 && queue[0] !== undefined) {
            const taken = Math.min(left, queue[0].lots);
            left -= taken;
            queue[0].lots -= taken;
            if (queue[0].lots === 0) queue.shift();
          }
          const ours = queue.find(({ id }) => id === 1);
          if (ours !== undefined) places.place({ ...ORDER, remaining: ours.lots });
        }
        if (random(2) === 0) places.onBook("ACME", 1, seq, level(lots()));
        const at = queue.findIndex(({ id }) => id === 1);
        if (at === -1) break;
        const before = queue.slice(0, at).reduce((sum, each) => sum + each.lots, 0);
        expect(places.ahead(1)).toBeGreaterThanOrEqual(before);
      }
    }
  });
});

test("a place in a few letters is never less than the bound", () => {
  expect([0, 1, 9_999, 10_000, 12_001, 999_001, 2_000_001].map(placeMark)).toEqual(["1st", "\u22641", "\u22649,999", "\u226410k", "\u226413k", "\u22641,000k", "\u22643M"]);
});
