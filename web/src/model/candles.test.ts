import { describe, expect, test } from "vitest";

import { Candles, CANDLES_MAX, candlesSentence } from "./candles.js";

const MINUTE = 60_000_000;

function row(minute: number, open: number, close: number, last: number) {
  const start = new Date(minute * 60_000).toISOString().replace(".000Z", ".000000Z");
  return { start, open, high: Math.max(open, close) + 1, low: Math.min(open, close) - 1, close, volume: 10, first_trade_id: 1, last_trade_id: last };
}

function trade(trade_id: number, minute: number, price: number, quantity = 1) {
  return { trade_id, time: minute * MINUTE + trade_id, price, quantity };
}

describe("candles", () => {
  test("of the record go on live: a trade that is in them is not counted again, the next one is", () => {
    const candles = new Candles("1m");
    candles.add(trade(9, 1, 70)); // live before the record has answered
    candles.add(trade(10, 1, 71));
    candles.load([row(0, 50, 60, 4), row(1, 60, 70, 9)]);
    expect(candles.all.at(-1)).toEqual({ start: 60, open: 60, high: 71, low: 59, close: 71, volume: 11 });
    candles.add(trade(9, 1, 70));
    candles.add(trade(10, 1, 71));
    expect(candles.all.at(-1)?.volume).toBe(11);
    candles.add(trade(11, 2, 80, 5));
    expect(candles.all.at(-1)).toEqual({ start: 120, open: 80, high: 80, low: 80, close: 80, volume: 5 });
    expect(candles.hasHole).toBe(false);
  });

  test("with a hole wait for the record, and take it from there without a trade twice", () => {
    const candles = new Candles("1m");
    candles.load([row(0, 50, 60, 4)]);
    candles.add(trade(7, 1, 70));
    expect([candles.hasHole, candles.all.length]).toEqual([true, 1]);
    candles.load([row(0, 50, 60, 4)]); // it is not there yet
    expect(candles.hasHole).toBe(true);
    candles.load([row(0, 50, 60, 4), row(1, 60, 65, 6)]);
    expect(candles.hasHole).toBe(false);
    expect(candles.all.at(-1)).toMatchObject({ close: 70, volume: 11 });
    expect(candles.missing).toBe(0);
  });

  test("without a record begin with the first live trade; a hole that nobody fills is counted", () => {
    const candles = new Candles("1m");
    candles.add(trade(100, 1, 70));
    expect(candles.hasHole).toBe(true);
    candles.skipHole();
    expect([candles.all.length, candles.missing]).toEqual([1, 0]);
    candles.add(trade(104, 1, 72));
    candles.skipHole();
    expect([candles.all.at(-1)?.close, candles.missing]).toEqual([72, 3]);
  });

  test("a record that is behind what was counted live takes nothing away", () => {
    const candles = new Candles("1m");
    candles.load([row(0, 50, 60, 4)]);
    candles.add(trade(5, 0, 61));
    candles.load([row(0, 50, 60, 4)]);
    expect(candles.all.at(-1)?.close).toBe(61);
  });

  test("a new history begins anew", () => {
    const candles = new Candles("1m");
    candles.load([row(0, 50, 60, 4)]);
    candles.add(trade(5, 1, 61));
    candles.add(trade(1, 9, 30));
    expect(candles.all).toEqual([{ start: 540, open: 30, high: 30, low: 30, close: 30, volume: 1 }]);
  });

  test("are bounded, whatever the day", () => {
    const candles = new Candles("1s");
    for (let id = 1; id <= CANDLES_MAX + 100; id += 1) candles.add({ trade_id: id, time: id * 1_000_000, price: 5, quantity: 1 });
    expect(candles.all.length).toBe(CANDLES_MAX);
    expect(candles.all[0]?.start).toBe(101);
  });

  test("are told as a sentence", () => {
    const candles = new Candles("1m");
    candles.load([row(0, 50, 60, 4), row(1, 60, 70, 9)]);
    expect(candlesSentence("ACME", "1m", candles.all, String)).toBe("ACME: 2 candles of 1m, from 50 to 70, highest 71, lowest 49.");
    expect(candlesSentence("ACME", "1m", [], String)).toBe("ACME: no candles yet.");
  });
});
