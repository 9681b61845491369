/** What callers give: whole numbers, and a sentence for everything else; money and ticks. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { amountOf, connect, FeedSession, InvalidArgument, OpenOutcryError, ticksOf } from "../src/index.js";
import type { Encoding, PlaceOrder } from "../src/index.js";
import { checkFields } from "../src/arguments.js";

const ACME = { symbol: "ACME", tick_size: "0.05", currency: "EUR" };

describe("arguments", () => {
  test("whole numbers are taken", () => {
    checkFields({ price: 5, quantity: 5.0, order_id: 2 ** 53 - 1, post_only: false, side: "bid", instrument: undefined, client_order_id: null });
  });

  test("a token is longer than a name, and is not repeated", () => {
    // A session could not be renewed with an identity provider's token: 256 letters were the limit, and 60 of them were told.
    checkFields({ op: "login", token: "e".repeat(1_000) });
    for (const token of ["secret token", "e".repeat(8_001), 5])
      assert.throws(() => checkFields({ op: "login", token }), (error) => error instanceof InvalidArgument && /^token: /.test(error.message) && !/secret|eee/.test(error.message));
  });

  for (const value of [99.9, NaN, Infinity, 2 ** 53, "5", 5n, true, {}, [5]] as const)
    test(`a price of ${String(value)} (${typeof value}) is refused with the way out`, () => {
      assert.throws(() => checkFields({ price: value }), (error) => error instanceof InvalidArgument && /^price: is a whole number of ticks, not .*ticksOf/.test(error.message));
      assert.throws(() => checkFields({ quantity: value }), /^InvalidArgument: quantity: is a whole number of lots, not /);
    });

  test("pairs to quote are objects of texts and whole numbers, 1 to 15 of them", () => {
    checkFields({ pairs: [{ instrument: "ACME", bid: 99, bid_quantity: 10 }, { instrument: "BETA" }], lots: 2 });
    for (const pairs of [[], "ACME", Array(16).fill({ instrument: "A" }), [["A", 1]], [null]])
      assert.throws(() => checkFields({ pairs }), /^InvalidArgument: pairs: is an array of 1 to 15 pairs/);
    assert.throws(() => checkFields({ pairs: [{ instrument: "A", ask: 99.5 }] }), /^InvalidArgument: ask: is a whole number of ticks, not 99.5/);
    assert.throws(() => checkFields({ lots: 0.5 }), /^InvalidArgument: lots: is a whole number, not 0.5/);
  });

  test("switches are true or false, names are texts", () => {
    assert.throws(() => checkFields({ post_only: 1 }), /post_only: is true or false, not 1 \(number\)/);
    assert.throws(() => checkFields({ client_order_id: 7 }), /client_order_id: is a text, not 7 \(number\)/);
  });

  test("what String() cannot show is refused by the same sentence", () => {
    for (const value of [Object.create(null), Symbol("x"), () => 5, new Number(5), new Date()])
      assert.throws(() => checkFields({ price: value as unknown }), /^InvalidArgument: price: is a whole number of ticks, not /);
  });

  for (const url of ["", "127.0.0.1:8101", "ws://", "ws://a b/", "ftp://127.0.0.1/", "ws://127.0.0.1/#part", "ws://127.0.0.1:99999/", 5, null])
    test(`${String(url)} is no URL of a gateway`, async () => {
      await assert.rejects(connect(["ws://127.0.0.1:1/", url as string], { token: "ada" }), /^InvalidArgument: url: is /);
    });

  test("a URL with a password is refused without it", async () => {
    for (const url of ["ws://ada:secret@127.0.0.1:1/", "ws://ada:secret@:/"])
      await assert.rejects(connect(url, { token: "ada" }), (error) => error instanceof InvalidArgument && !error.message.includes("secret"));
  });

  test("a session refuses before it asks whether there is a connection", () => {
    const order = { op: "order", instrument: "ACME", side: "bid", price: 99.9, quantity: 1, client_order_id: "a" } as PlaceOrder;
    assert.throws(() => new FeedSession().send(order, 0), InvalidArgument);
    assert.throws(() => new FeedSession().follow("book", ["ACME"], { depth: 5.5 }, 0), /depth: is a whole number of levels/);
  });

  test("a word that is no encoding is refused by the choices", async () => {
    const options = { token: "ada", encoding: "xml" as Encoding };
    await assert.rejects(connect("ws://127.0.0.1:1/", options), (error) => error instanceof OpenOutcryError && /encoding: must be one of "msgpack", "json", not xml/.test(error.message));
  });
});

describe("money", () => {
  test("an amount becomes ticks, and ticks an amount", () => {
    for (const amount of ["99.90", "99.9", 99.9]) assert.equal(ticksOf(ACME, amount), 1998);
    assert.equal(ticksOf(ACME, 100), 2000);
    assert.equal(amountOf(ACME, 1998), "99.90");
    for (const tick_size of ["0.01", "0.000001", "3", "999999999.999999"])
      for (const ticks of [1, 2, 7, 99_999, 2 ** 31 - 1]) {
        const instrument = { ...ACME, tick_size };
        assert.equal(ticksOf(instrument, amountOf(instrument, ticks)), ticks);
      }
  });

  test("ticks are whole", () => {
    for (const ticks of [1.5, NaN, Infinity, "5", 5n]) assert.throws(() => amountOf(ACME, ticks as number), /^InvalidArgument: ticks: is a whole number, not /);
  });

  test("between two ticks both are named", () => {
    assert.throws(() => ticksOf(ACME, "99.91"), /no whole number of ACME's ticks of 0\.05 EUR; the nearest are 99\.90 and 99\.95/);
    assert.throws(() => ticksOf(ACME, 0.1 + 0.2), InvalidArgument);
  });

  for (const amount of ["", "abc", NaN, Infinity, 1e21, null, true, 5n])
    test(`${String(amount)} is no amount of money`, () => {
      assert.throws(() => ticksOf(ACME, amount as string), /^InvalidArgument: amount: /);
    });
});
