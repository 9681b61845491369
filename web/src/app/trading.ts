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

/** Whether it is open what became of a request: it may have been carried out or not. */
export function isUnknown({ code }: Pick<Answer, "code">): boolean {
  return code === "unanswered" || code === "outcome_unknown";
}

function failure(answer: Answer, refused: string, unknown: string): string {
  return `${isUnknown(answer) ? unknown : refused}: ${answer.text}`;
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
    await this.#forOrder(order_id, { op: "cancel", order_id }, "The order is cancelled.", "cancelled");
  }

  /** Move an order to another price. It stands last there. What of it was filled on the way is not known yet. */
  async move(order: Pick<OpenOrder, "order_id" | "instrument">, price: number): Promise<void> {
    const instrument = this.#desk.entry(order.instrument).instrument();
    const to = instrument === undefined ? String(price) : priceText(instrument, price);
    await this.#forOrder(order.order_id, { op: "replace", order_id: order.order_id, price }, `The order is moved to ${to}.`, "moved");
  }

  /** Change an order's total lots, what has been filled included. */
  async resize(order: Pick<OpenOrder, "order_id">, quantity: number): Promise<void> {
    await this.#forOrder(order.order_id, { op: "replace", order_id: order.order_id, quantity }, `The order has ${lotsText(quantity)} lots in all now.`, "changed");
  }

  /** Cancel all open orders, or those of one instrument. */
  async cancelAll(instrument?: string): Promise<void> {
    const answer = await this.#desk.ask({ op: "cancel_all", instrument });
    const count = Number(answer.data["cancelled"] ?? 0);
    if (answer.ok) this.#tell("good", count === 1 ? "1 order is cancelled." : `${lotsText(count)} orders are cancelled.`);
    else this.#tell("bad", failure(answer, "Orders were not cancelled", "Whether orders were cancelled is not known"));
  }

  async cancelOnDisconnect(on: boolean): Promise<void> {
    const answer = await this.#desk.ask({ op: "cancel_on_disconnect", on });
    if (!answer.ok) this.#tell("bad", failure(answer, "Not switched", "Whether it is switched is not known"));
  }

  async #forOrder(orderId: number, request: Asked, done: string, what: string): Promise<void> {
    if (this.busy().has(orderId)) return;
    this.#setBusy((busy) => new Set(busy).add(orderId));
    const answer = await this.#desk.ask(request);
    this.#setBusy((busy) => new Set([...busy].filter((id) => id !== orderId)));
    if (answer.ok) say(done);
    else this.#tell("bad", failure(answer, `The order was not ${what}`, `Whether the order was ${what} is not known`));
  }

  #tell(tone: "good" | "bad", text: string): void {
    this.#desk.notice({ tone, text });
    say(text);
  }
}
