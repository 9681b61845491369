import { beforeEach, describe, expect, test } from "vitest";

import type { Answer, Asked, Notice } from "../worker/protocol.js";
import type { Desk } from "./desk.js";
import { said, Trading } from "./trading.js";

const TEXT = "no answer came: it may have been carried out or not";

/** A desk that answers all with one answer. */
class Answering {
  readonly asked: Asked[] = [];
  readonly notices: Notice[] = [];
  answer: Omit<Answer, "type" | "id"> = { ok: true, code: "", text: "", data: {} };

  ask(request: Asked): Promise<Answer> {
    this.asked.push(request);
    return Promise.resolve({ type: "answer", id: 1, ...this.answer });
  }

  entry(): object {
    return { instrument: () => ({ symbol: "FINE", tick_size: "0.005", currency: "USD", lot_size: 1 }) };
  }

  notice(notice: Notice): void {
    this.notices.push(notice);
  }
}

describe("what became of a request", () => {
  let desk: Answering;
  let trading: Trading;

  beforeEach(() => {
    desk = new Answering();
    trading = new Trading(desk as unknown as Desk);
  });

  const all = async (): Promise<string[]> => {
    await trading.cancel({ order_id: 7 });
    await trading.move({ order_id: 7, instrument: "FINE" }, 201);
    await trading.resize({ order_id: 7 }, 9);
    await trading.cancelAll();
    await trading.cancelOnDisconnect(true);
    return desk.notices.map(({ text }) => text);
  };

  test.each(["unanswered", "outcome_unknown"])("is not said to be a failure while nobody knows it: %s", async (code) => {
    desk.answer = { ok: false, code, text: TEXT, data: {} };
    const texts = await all();
    expect(texts).toHaveLength(5);
    for (const text of texts) {
      expect(text).toMatch(/^Whether .* is not known: no answer came/);
      expect(text).not.toContain("not cancelled");
    }
  });

  test("is a failure when it was refused", async () => {
    desk.answer = { ok: false, code: "unknown_order", text: "order_id: 7 is not open", data: {} };
    expect(await all()).toEqual([
      "The order was not cancelled: order_id: 7 is not open", "The order was not moved: order_id: 7 is not open",
      "The order was not changed: order_id: 7 is not open", "Orders were not cancelled: order_id: 7 is not open", "Not switched: order_id: 7 is not open",
    ]);
  });

  test("of a move names the price, and no lots: some may have been filled on the way", async () => {
    await trading.move({ order_id: 7, instrument: "FINE" }, 201);
    expect(said().text).toBe("The order is moved to 1.005.");
    expect(desk.notices).toEqual([]);
  });
});
