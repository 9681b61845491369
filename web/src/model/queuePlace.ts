/**
 * How many lots stand before an order of one's own, at most.
 *
 * The exchange publishes lots a price, not orders. But what is published bounds an order's place, and the bound holds
 * whatever others do:
 *
 * 1. In the first state of the book that has the order, whatever else is at its price is before it or behind it. So at
 *    most the others' lots are before it.
 * 2. What trades at its price later comes from the front of the queue: the bound falls by it. Fills of its own user's
 *    orders there are such trades too.
 * 3. At no later time are more lots before it than others have there.
 *
 * A new epoch may have undone what was seen, and an account that was lost for a while may have moved an order and back:
 * then all begins anew with rule 1.
 *
 * Others' cancels are not seen as such, and count only by rule 3. Orders that are entered later stand behind.
 */

import type { Side } from "openoutcry";

import { lotsText } from "./money.js";

interface Waiting {
  readonly instrument: string;
  readonly side: Side;
  price: number;
  remaining: number;
  /** The book's epoch and seq in which it was first; null until there is one. */
  since: { readonly epoch: number; readonly seq: number } | null;
  /** By rules 1 and 2. */
  bound: number;
  /** By rule 3. */
  others: number;
}

/** What of an order matters here. */
export interface PlacedOrder {
  readonly order_id: number;
  readonly instrument: string;
  readonly side: Side;
  readonly price: number;
  readonly remaining: number;
}

/** What of a trade does. */
export interface SeenTrade {
  readonly instrument: string;
  readonly seq: number;
  readonly price: number;
  readonly quantity: number;
  readonly aggressor_side: Side | "none";
}

export class QueuePlaces {
  readonly #orders = new Map<number, Waiting>();

  /** An order stands as this, now; it stood already, or is new. One with another price, or with more lots, stands last again. */
  place({ order_id, instrument, side, price, remaining }: PlacedOrder): void {
    const held = this.#orders.get(order_id);
    if (held !== undefined && held.price === price && remaining <= held.remaining) {
      held.remaining = remaining;
      return;
    }
    this.#orders.set(order_id, { instrument, side, price, remaining, since: null, bound: Infinity, others: Infinity });
  }

  /** It stands no more. */
  remove(orderId: number): void {
    this.#orders.delete(orderId);
  }

  /** Forget all that is not among these. */
  keep(orderIds: ReadonlySet<number>): void {
    for (const id of this.#orders.keys()) if (!orderIds.has(id)) this.#orders.delete(id);
  }

  /** A book changed: `quantityAt` tells its lots at a price, own orders included. */
  onBook(instrument: string, epoch: number, seq: number, quantityAt: (side: Side, price: number) => number): void {
    for (const order of this.#orders.values()) {
      if (order.instrument !== instrument) continue;
      order.others = Math.max(0, quantityAt(order.side, order.price) - order.remaining);
      if (order.since?.epoch === epoch) continue;
      order.since = { epoch, seq };
      order.bound = order.others;
    }
  }

  /** Something traded. What the state of the book that was begun with has already is not counted again. */
  onTrade({ instrument, seq, price, quantity, aggressor_side }: SeenTrade): void {
    for (const order of this.#orders.values()) {
      const isOurs = order.instrument === instrument && order.price === price && order.side !== aggressor_side && aggressor_side !== "none";
      if (isOurs && order.since !== null && seq > order.since.seq) order.bound = Math.max(0, order.bound - quantity);
    }
  }

  /** The book was left: places in it are not known until it comes again. */
  forgetBook(instrument: string): void {
    for (const order of this.#orders.values()) if (order.instrument === instrument) order.since = null;
  }

  /** What happened to the orders was missed: no place is known until the books come again. */
  forgetAll(): void {
    for (const order of this.#orders.values()) order.since = null;
  }

  /** Lots before the order, at most; null if nothing is known. */
  ahead(orderId: number): number | null {
    const order = this.#orders.get(orderId);
    return order === undefined || order.since === null ? null : Math.min(order.bound, order.others);
  }
}

/** A place in a few letters: "1st", "\u2264965", "\u226413k". Rounded up, so that it is never less than the bound itself. */
export function placeMark(ahead: number): string {
  if (ahead === 0) return "1st";
  const [size, letter] = ahead < 10_000 ? [1, ""] : ahead < 1_000_000 ? [1_000, "k"] : [1_000_000, "M"];
  return `\u2264${lotsText(Math.ceil(ahead / size))}${letter}`;
}
