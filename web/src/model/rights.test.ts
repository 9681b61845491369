import type { Instrument, Terms } from "openoutcry";
import { describe, expect, test } from "vitest";

import { exchangeWords, isExercised, isExercisedAnyTime, rightWords } from "./exercise.js";
import { checkQuote, NO_QUOTE } from "./quoteChecks.js";

const ACME = { type: "instrument", symbol: "ACME", kind: "share", name: "", currency: "USD", tick_size: "0.01", lot_size: 1, price_max: 100_000, quantity_max: 500, option: null, session: null } as Instrument;
const OPTION = { underlying: "ACME", right: "call" as const, strike: 12_000, expiry: "2027-03-19", expires_at: 9, multiplier: 10 };
const CALL: Instrument = { ...ACME, symbol: "ACME-C", kind: "option", lot_size: 10, option: OPTION };
const TICKS = { tick_table: [[1, 5]] } as unknown as Terms;

describe("exercising", () => {
  test("says what changes hands, exactly", () => {
    expect(exchangeWords(CALL, ACME, 2)).toBe("pay 2,400.00 USD and get 20 ACME");
    expect(exchangeWords({ ...CALL, option: { ...OPTION, right: "put" } }, ACME, 3)).toBe("give 30 ACME and get 3,600.00 USD");
    expect([exchangeWords(CALL, undefined, 2), exchangeWords(CALL, ACME, 0), exchangeWords(ACME, ACME, 2)]).toEqual(["", "", ""]);
    expect(rightWords(CALL, ACME)).toBe("Each lot is a right to buy 10 ACME at 120.00 USD");
    expect(rightWords(CALL, undefined)).toBe("Each lot is a right to buy 10 ACME at 12,000 ticks");
  });

  test("is of options that the exchange ends", () => {
    const { expires_at: _, ...endless } = OPTION;
    expect([isExercised(CALL), isExercised({ ...CALL, option: endless }), isExercised(ACME), isExercised(undefined)]).toEqual([true, false, false, false]);
    expect([isExercisedAnyTime(CALL), isExercisedAnyTime({ ...CALL, option: { ...OPTION, style: "expiry" } })]).toEqual([true, false]);
  });
});

describe("a quote", () => {
  const quote = (part: object, terms?: Terms) => checkQuote({ ...NO_QUOTE, ...part }, ACME, terms);

  test("is both sides, or one", () => {
    expect(quote({ bid: "99.50", bidLots: "5", ask: "100.50", askLots: "1" })).toEqual({ pair: { instrument: "ACME", bid: 9_950, bid_quantity: 5, ask: 10_050, ask_quantity: 1 } });
    expect(quote({ ask: "1,000.00", askLots: "7" })).toEqual({ pair: { instrument: "ACME", bid: undefined, bid_quantity: undefined, ask: 100_000, ask_quantity: 7 } });
  });

  test.each([
    [{}, /one side at least/], [{ bid: "99" }, /bid's lots/], [{ bidLots: "5" }, /bid needs a price/], [{ bid: "99", bidLots: "0" }, /bid's lots/], [{ ask: "99", askLots: "501" }, /at most 500 lots/],
    [{ bid: "100", bidLots: "1", ask: "100", askLots: "1" }, /below the ask/], [{ bid: "99.001", bidLots: "1" }, /^The bid: /], [{ bid: "0", bidLots: "1" }, /above 0/],
    [{ bid: "2000", bidLots: "1" }, /at most 1,000\.00/], [{ bid: "<b>", bidLots: "1" }, /^The bid: /],
  ])("that cannot be is told why: %o", (part, why) => {
    expect((quote(part) as { wrong: string }).wrong).toMatch(why);
  });

  test("is at prices of the tick table", () => {
    expect((quote({ bid: "99.52", bidLots: "1" }, TICKS) as { wrong: string }).wrong).toMatch(/nearest are 99\.5\d and 99\.5\d/);
  });
});
