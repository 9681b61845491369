import type { Instrument, Terms } from "openoutcry";
import { describe, expect, test } from "vitest";

import { checkTicket, refusedField } from "./ticketChecks.js";
import type { Draft, Market } from "./ticketChecks.js";

const ACME = { symbol: "ACME", tick_size: "0.01", lot_size: 1, currency: "USD", price_max: 10_000_000, quantity_max: 1_000_000 } as Instrument;
const TERMS = { reference: 10_000, collar_bp: 1_000, tick_table: [[1, 1], [10_000, 5]] } as unknown as Terms;
const MARKET: Market = { instrument: ACME, terms: TERMS, last: 10_100, bestBid: 10_095, bestAsk: 10_105, freeMoney: 10_000_000_000n, freeLots: 40 };
const DRAFT: Draft = {
  side: "bid", kind: "limit", price: "102.00", quantity: "50", timeInForce: "gtc", expiresOn: "", postOnly: false, trigger: "", minimum: "", clearance: "",
};
const check = (part: Partial<Draft>, market: Partial<Market> = {}) => checkTicket({ ...DRAFT, ...part }, { ...MARKET, ...market });

describe("a ticket", () => {
  test("says what it comes to and what it reserves, before it is sent", () => {
    expect(check({})).toMatchObject({ errors: {}, price: 10_200, quantity: 50, value: 5_100_000_000n, reserves: { money: 5_100_000_000n } });
    expect(check({ side: "ask", quantity: "40" })).toMatchObject({ errors: {}, value: 4_080_000_000n, reserves: { lots: 40 } });
    expect(check({ kind: "market", price: "" })).toMatchObject({ errors: {}, price: 0, value: 5_052_500_000n, reserves: null });
    expect(check({ kind: "market", side: "ask", quantity: "10" }, { bestBid: 0 })).toMatchObject({ value: null, reserves: null });
  });

  test("reserves nothing if it never rests, but what it needs must be free", () => {
    for (const timeInForce of ["ioc", "fok"] as const) {
      expect(check({ timeInForce })).toMatchObject({ errors: {}, value: 5_100_000_000n, reserves: null });
      expect(check({ timeInForce, quantity: "99" }).errors.quantity).toBe("needs more money than is free");
      expect(check({ timeInForce, side: "ask", quantity: "60" })).toMatchObject({ errors: { quantity: "40 lots may be sold" }, reserves: null });
    }
    for (const part of [{ timeInForce: "auction" }, { trigger: "100.00" }] as const) {
      expect(check({ kind: "market", side: "ask", quantity: "10", ...part }).reserves).toEqual({ lots: 10 });
    }
  });

  test("reads figures as people write them, and says what is none", () => {
    expect(check({ price: " 1,0 2.00", quantity: "1 0" })).toMatchObject({ price: 10_200, quantity: 10, errors: {} });
    expect(check({ price: "", quantity: "" }).errors).toEqual({ price: "at which price?", quantity: "how many lots?" });
    expect(check({ quantity: "1.5" }).errors.quantity).toBe("is a whole number of lots, from 1");
    expect(check({ quantity: "0" }).errors.quantity).toBe("is a whole number of lots, from 1");
    expect(check({ price: "<b>" }).errors.price).toContain("decimal text");
    expect(check({ price: "0" }).errors.price).toBe("is above 0");
    expect(check({ price: "102.001" }).errors.price).toContain("the nearest are 102.00 and 102.01");
    expect(check({ price: "102.01" }).errors.price).toBe("is not one of its prices; the nearest are 102.00 and 102.05");
    expect(check({ price: "0.03" }, { terms: { ...TERMS, tick_table: [[1, 5]], collar_bp: 0 } as unknown as Terms }).errors.price).toBe("is not one of its prices; the nearest are 0.05");
    expect(check({ quantity: "1000001" }).errors.quantity).toBe("one order has at most 1,000,000 lots");
  });

  test("typed with two noughts too many is beyond the collar, by the exchange's own words", () => {
    expect(check({ price: "1020.00" }).errors.price).toBe("is more than 10 % above the reference 101.00 (at most 111.10)");
    expect(check({ price: "80.00" }).errors.price).toBe("is more than 10 % below the reference 101.00 (at least 90.90)");
    expect(check({ price: "111.10" }).errors.price).toBeUndefined();
    expect(check({ price: "110.05" }, { last: 0 }).errors.price).toBe("is more than 10 % above the reference 100.00 (at most 110.00)"); // of its terms
    expect(check({ price: "1020.00" }, { last: 0, terms: { ...TERMS, collar_bp: 0 } as Terms }).errors.price).toBeUndefined();
  });

  test("that needs more than is free says so; where there are no accounts nothing is needed", () => {
    expect(check({ quantity: "99" }).errors.quantity).toBe("needs more money than is free");
    expect(check({ side: "ask", quantity: "60" }).errors.quantity).toBe("40 lots may be sold");
    expect(check({ quantity: "99" }, { freeMoney: null, freeLots: null }).errors).toEqual({});
  });

  test("special orders need what they name", () => {
    expect(check({ timeInForce: "gtd" }).errors.expires_on).toBe("name the last day");
    expect(check({ timeInForce: "gtd", expiresOn: "2026-12-04" }).errors).toEqual({});
    expect(check({ minimum: "51" }).errors.minimum).toBe("is more than the quantity");
    expect(check({ trigger: "103.00", minimum: "5" })).toMatchObject({ trigger: 10_300, minimum: 5, errors: {} });
    expect(check({ trigger: "x" }).errors.trigger).toContain("decimal text");
  });
});

describe("a refusal", () => {
  test("stands beside the field that its sentence names", () => {
    expect(refusedField("collar", "price: 1,020,000 is more than 10 % above")).toEqual({ field: "price", text: "1,020,000 is more than 10 % above" });
    expect(refusedField("holding_period", "quantity: 60 of your 100 lots are held until 2027-01-14 at least, 40 may be sold").field).toBe("quantity");
    expect(refusedField("bad_request", "expires_at: must be ahead").field).toBe("expires_on");
  });

  test("that names none stands where its code belongs, else under the ticket; never nothing", () => {
    expect(refusedField("would_trade", "it would trade")).toEqual({ field: "price", text: "it would trade" });
    expect(refusedField("not_permitted", "role: viewer may not enter orders")).toEqual({ field: "", text: "role: viewer may not enter orders" });
    expect(refusedField("busy", "")).toEqual({ field: "", text: "busy" });
  });
});
