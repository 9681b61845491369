import type { Execution } from "openoutcry";
import { describe, expect, test } from "vitest";

import { NOTHING_YET } from "./executionOrder.js";
import { countSince, eventWord, isUnasked, liveRow, mergedRows, microseconds, reasonWords, recordedRow, rowsSince } from "./executionRows.js";
import { Ring } from "./ring.js";

const FILL: Execution = {
  type: "execution", user_seq: 6, event: "filled", time: 1_796_096_351_485_000, order_id: 9, client_order_id: "a", instrument: "ACME", side: "bid", kind: "limit",
  time_in_force: "gtc", price: 9_921, quantity: 60, remaining: 10, fill_price: 9_920, fill_quantity: 50, trade_id: 2_899, liquidity: "maker", reason: "", trigger: 0,
  expires_at: 0, expires_on: "", held_until: 0,
};
/** As /v1/executions gives it. */
const RECORDED = {
  history: 1, position: 145_775, ordinal: 6, time: "2026-12-01T03:39:11.485000Z", user: "ada", user_seq: 6, event: "filled", order_id: 9, client_order_id: "a",
  instrument: "ACME", side: "bid", kind: "limit", price: 9_921, quantity: 60, remaining: 10, fill_price: 9_920, fill_quantity: 50, trade_id: 2_899,
  liquidity: "maker", reason: "", trigger: 0, expires_at: null, held_until: null,
};

describe("rows of executions", () => {
  test("are the same, live and from the record", () => {
    expect(recordedRow(RECORDED)).toEqual(liveRow(FILL));
    expect(liveRow(FILL)).toMatchObject({ price: 9_920, lots: 50, remaining: 10, time: 1_796_096_351_485_000 });
  });

  test("of anything but a fill have the order's price and lots", () => {
    expect(liveRow({ ...FILL, event: "accepted", fill_price: 0, fill_quantity: 0 })).toMatchObject({ price: 9_921, lots: 60 });
  });

  test("a transfer is one too; what is no row is none", () => {
    const row = liveRow({ type: "transfer", user_seq: 7, time: 5, transfer_id: "t", kind: "grant", asset: "ACME", amount: "100", balance: "100", available_from: 0 });
    expect(row).toMatchObject({ event: "grant", instrument: "ACME", amount: "100", orderId: 0 });
    expect(recordedRow({ user_seq: "6" })).toBeNull();
  });

  test("of the record and live are merged: each once, the newest first, no more than may be", () => {
    const row = (userSeq: number, event = "accepted") => ({ ...liveRow(FILL), userSeq, event });
    const merged = mergedRows([row(9), row(7), row(6)], [row(5, "grant"), row(7, "live"), row(10)], 4);
    expect(merged.map(({ userSeq, event }) => [userSeq, event])).toEqual([[10, "accepted"], [9, "accepted"], [7, "live"], [6, "accepted"]]);
    expect(mergedRows([], [], 4)).toEqual([]);
  });

  test("those of a new epoch, which counts from 1 again, come after those of the one before", () => {
    const events = new Ring<Execution>(9);
    for (const [user_seq, time] of [[7, 10], [8, 20], [1, 30], [2, 30]] as const) events.push({ ...FILL, user_seq, time });
    expect(rowsSince(events, { time: 20, userSeq: 8 }).map(({ userSeq }) => userSeq)).toEqual([1, 2]);
    expect([countSince(events, NOTHING_YET), countSince(events, { time: 30, userSeq: 1 }), countSince(events, { time: 30, userSeq: 2 })]).toEqual([4, 1, 0]);
    const rows = rowsSince(events, NOTHING_YET);
    expect(mergedRows([{ ...liveRow(FILL), userSeq: 1, time: 5 }], rows, 9).map(({ time, userSeq }) => [time, userSeq])).toEqual([[30, 2], [30, 1], [20, 8], [10, 7], [5, 1]]);
  });

  test("times of the record are read to the microsecond", () => {
    expect(microseconds("2026-11-20T10:31:02.500001Z")).toBe(1_795_170_662_500_001);
    for (const wrong of ["", "yesterday.000000Z", "2026-11-20T10:31:02Z"]) expect(microseconds(wrong)).toBe(0);
  });
});

describe("words", () => {
  test("are there for what is known, and the exchange's own for what is not", () => {
    expect([eventWord("filled"), eventWord("melted")]).toEqual(["Filled", "melted"]);
    expect([reasonWords("blackout"), reasonWords("some_new_rule"), reasonWords("")]).toEqual(["a blackout began", "some new rule", ""]);
  });

  test("a person is told of orders that ended unasked", () => {
    expect(isUnasked({ event: "cancelled", reason: "blackout" })).toBe(true);
    expect(isUnasked({ event: "expired", reason: "expired" })).toBe(true);
    expect(isUnasked({ event: "cancelled", reason: "by_user" })).toBe(false);
    expect(isUnasked({ event: "filled", reason: "" })).toBe(false);
  });
});
