import { expect, test } from "vitest";

import type { Answer, Asked } from "../worker/protocol.js";
import type { Desk, Entry } from "./desk.js";
import { submitTicket } from "./submitTicket.js";
import { TicketForm } from "./ticketForm.js";
import { Trading } from "./trading.js";

const INSTRUMENT = { symbol: "ACME", tick_size: "0.01", currency: "USD", lot_size: 1, price_max: 100_000, quantity_max: 1_000 };
const ENTRY = { symbol: "ACME", instrument: () => INSTRUMENT, terms: () => undefined, ticker: () => undefined } as unknown as Entry;

/** Send a ticket; what it says then, and the names under which it was sent. */
async function sent(...answers: readonly Partial<Answer>[]): Promise<{ done: string; names: (string | undefined)[] }> {
  const asked: Asked[] = [];
  const left = [...answers];
  const desk = {
    ask: (request: Asked) => Promise.resolve({ type: "answer", id: asked.push(request), ok: false, code: "", text: "", data: {}, ...left.shift() }),
    account: () => ({ cash: {}, reserved: {}, holdings: {}, keepsAccounts: false, stale: false }), book: () => null, serverNow: () => NaN, entry: () => ENTRY,
  } as unknown as Desk;
  const ticket = new TicketForm();
  ticket.change({ price: "90.00", quantity: "5" });
  for (const _ of answers) await submitTicket(desk, new Trading(desk), ticket, ENTRY);
  return { done: ticket.done(), names: asked.map((request) => ("client_order_id" in request ? request.client_order_id : undefined)) };
}

test("an order that is accepted is told by its number", async () => {
  expect((await sent({ ok: true, data: { order_id: 1_147 } })).done).toBe("Buy 5 ACME at 90.00: accepted as order 1147.");
});

test("one that had been accepted, and is sent again because no answer came, is no order 0", async () => {
  const { done, names } = await sent({ code: "unanswered" }, { code: "duplicate_order" });
  expect(done).toBe("Buy 5 ACME at 90.00: it had been accepted already, and counts once.");
  expect(new Set(names).size).toBe(1);
});
