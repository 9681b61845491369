/** The user's own state for the page, and each order's place in its queue. */

import type { AccountView, Execution, FeedSession, Side, Trade, Transfer } from "openoutcry";

import { QueuePlaces } from "../model/queuePlace.js";
import type { AccountFrame } from "./protocol.js";

/** Executions kept for a page that does not draw; beyond it the oldest go first. The page asks the ledger for those. */
export const EXECUTIONS_MAX = 10_000;
/** An order that stands for so long is in a book in which nothing changed since. */
const SETTLED_MS = 1_500;

export class AccountFrames {
  readonly #session: FeedSession;
  readonly #places = new QueuePlaces();
  #fresh: (Execution | Transfer)[] = [];
  #isChanged = false;
  #touchedAt = 0;

  constructor(session: FeedSession) {
    this.#session = session;
  }

  get #account(): AccountView {
    return this.#session.account;
  }

  /** Whether the money that is shown is out of date: asking for the account again brings it. */
  get isMoneyOld(): boolean {
    return !this.#account.stale && !this.#account.isMoneyCurrent;
  }

  onAccount(execution: Execution | null, now: number): void {
    this.#isChanged = true;
    this.#touchedAt = now;
    if (execution === null) {
      const orders = this.#account.orders.filter(({ trigger }) => trigger === 0);
      this.#places.keep(new Set(orders.map(({ order_id }) => order_id)));
      for (const order of orders) this.#places.place(order);
      return;
    }
    this.#push(execution);
    if (execution.event === "rejected") return;
    if (execution.remaining === 0) this.#places.remove(execution.order_id);
    else if (execution.trigger === 0) this.#places.place(execution);
  }

  onTransfer(transfer: Transfer): void {
    this.#isChanged = true;
    this.#push(transfer);
  }

  onStale(): void {
    this.#places.forgetAll();
    this.#isChanged = true;
  }

  onBook(instrument: string): void {
    const book = this.#session.book(instrument);
    if (book === undefined) return;
    const quantityAt = (side: Side, price: number) => (side === "bid" ? book.bids : book.asks).quantityAt(price);
    this.#places.onBook(instrument, book.epoch, book.seq, quantityAt);
    if (this.#account.orders.some((order) => order.instrument === instrument)) this.#isChanged = true;
  }

  onTrade(trade: Trade): void {
    this.#places.onTrade(trade);
  }

  /** A book is left: nothing is known of its queues any more. */
  onLeft(instrument: string): void {
    this.#places.forgetBook(instrument);
    this.#isChanged = true;
  }

  /** Orders in a book in which nothing happens stand in it by now. */
  settle(instrument: string, now: number): void {
    if (this.#account.stale || this.#session.staleReason(instrument, now) !== null) return; // it may be a book from before them
    const isWaiting = this.#account.orders.some((order) => order.instrument === instrument && this.#places.ahead(order.order_id) === null);
    if (isWaiting && now - this.#touchedAt >= SETTLED_MS) this.onBook(instrument);
  }

  /** What has changed since the last call. */
  take(): { account?: AccountFrame; executions?: readonly (Execution | Transfer)[] } {
    const found: { account?: AccountFrame; executions?: readonly (Execution | Transfer)[] } = {};
    if (this.#isChanged) found.account = this.#frame();
    if (this.#fresh.length > 0) found.executions = this.#fresh;
    this.#isChanged = false;
    this.#fresh = [];
    return found;
  }

  #frame(): AccountFrame {
    const account = this.#account;
    return {
      stale: account.stale,
      keepsAccounts: account.keepsAccounts,
      isMoneyCurrent: account.isMoneyCurrent,
      cancelOnDisconnect: account.cancelOnDisconnect,
      orders: account.orders.map((order) => ({ ...order, ahead: this.#places.ahead(order.order_id) })),
      positions: Object.fromEntries(account.positions),
      holdings: Object.fromEntries(account.holdings),
      cash: account.cash,
      reserved: account.reserved,
      result: account.result,
    };
  }

  #push(event: Execution | Transfer): void {
    if (this.#fresh.length >= EXECUTIONS_MAX) this.#fresh.shift();
    this.#fresh.push(event);
  }
}
