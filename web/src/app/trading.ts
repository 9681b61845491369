/** What the user does: orders placed, moved and cancelled, each once, and what came of it in words. */

import type { OpenOrder, Side } from "openoutcry";
import { createSignal } from "solid-js";

import { lotsText, priceText } from "../model/money.js";
import type { Answer, Asked } from "../worker/protocol.js";
import type { Desk } from "./desk.js";

/** A name for one order, on pages of plain http too: `randomUUID` is not there. */
export function newOrderName(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const SIDE_WORD: Readonly<Record<Side, string>> = { bid: "Buy", ask: "Sell" };

/** What a screen reader should say, once; each has its number so that the same words are said again. */
const [said, setSaid] = createSignal({ text: "", number: 0 });
export { said };
export function say(text: string): void {
  setSaid(({ number }) => ({ text, number: number + 1 }));
}

export class Trading {
  readonly #desk: Desk;
  /** Orders that a request is under way for. */
  readonly busy;
  readonly #setBusy;

  constructor(desk: Desk) {
    this.#desk = desk;
    const [busy, setBusy] = createSignal<ReadonlySet<number>>(new Set());
    this.busy = busy;
    this.#setBusy = setBusy;
  }

  /** Place an order. The same `client_order_id` again never trades twice. */
  async place(order: Extract<Asked, { readonly op: "order" }>): Promise<Answer> {
    const answer = await this.#desk.ask(order);
    if (answer.code === "duplicate_order") return { ...answer, ok: true }; // it came twice: the first one counts
    return answer;
  }

  async cancel({ order_id }: Pick<OpenOrder, "order_id">): Promise<void> {
    await this.#forOrder(order_id, { op: "cancel", order_id }, "The order is cancelled.", "The order was not cancelled");
  }

  /** Move an order to another price. It stands last there. */
  async move(order: Pick<OpenOrder, "order_id" | "instrument" | "remaining">, price: number): Promise<void> {
    const instrument = this.#desk.entry(order.instrument).instrument();
    const to = instrument === undefined ? String(price) : priceText(instrument, price);
    await this.#forOrder(order.order_id, { op: "replace", order_id: order.order_id, price }, `${lotsText(order.remaining)} lots moved to ${to}.`, "The order was not moved");
  }

  /** Change an order's total lots, what has been filled included. */
  async resize(order: Pick<OpenOrder, "order_id">, quantity: number): Promise<void> {
    await this.#forOrder(order.order_id, { op: "replace", order_id: order.order_id, quantity }, `The order has ${lotsText(quantity)} lots in all now.`, "The order was not changed");
  }

  /** Cancel all open orders, or those of one instrument. */
  async cancelAll(instrument?: string): Promise<void> {
    const answer = await this.#desk.ask({ op: "cancel_all", instrument });
    const count = Number(answer.data["cancelled"] ?? 0);
    if (answer.ok) this.#tell("good", count === 1 ? "1 order is cancelled." : `${lotsText(count)} orders are cancelled.`);
    else this.#tell("bad", `Orders were not cancelled: ${answer.text}`);
  }

  async cancelOnDisconnect(on: boolean): Promise<void> {
    const answer = await this.#desk.ask({ op: "cancel_on_disconnect", on });
    if (!answer.ok) this.#tell("bad", `Not switched: ${answer.text}`);
  }

  async #forOrder(orderId: number, request: Asked, done: string, failed: string): Promise<void> {
    if (this.busy().has(orderId)) return;
    this.#setBusy((busy) => new Set(busy).add(orderId));
    const answer = await this.#desk.ask(request);
    this.#setBusy((busy) => new Set([...busy].filter((id) => id !== orderId)));
    if (answer.ok) say(done);
    else this.#tell("bad", `${failed}: ${answer.text}`);
  }

  #tell(tone: "good" | "bad", text: string): void {
    this.#desk.notice({ tone, text });
    say(text);
  }
}
