/**
 * The user's own state: open orders, positions and cash, kept by `user_seq` as a book is kept by `seq`.
 */

import { Verdict } from "./depthBook.js";
import type { Account, Execution, OpenOrder } from "./messages.js";

export class AccountView {
  readonly #orders = new Map<number, OpenOrder>();
  readonly #positions = new Map<string, number>();
  #cash: Readonly<Record<string, string>> = {};
  #cancelOnDisconnect = false;
  #userSeq = 0;
  #isStale = true;

  /** Executions applied. */
  get userSeq(): number {
    return this.#userSeq;
  }

  /** True while it cannot be vouched for: before the first `account`, without a connection, after a gap. */
  get stale(): boolean {
    return this.#isStale;
  }

  /** Open orders as they stand, the oldest first as far as the exchange told them so; a loop may cancel while it iterates. */
  get orders(): OpenOrder[] {
    return [...this.#orders.values()];
  }

  /** Net lots of an instrument. */
  position(instrument: string): number {
    return this.#positions.get(instrument) ?? 0;
  }

  /** Instrument to net lots as they stand, zeros left out. */
  get positions(): ReadonlyMap<string, number> {
    return new Map(this.#positions);
  }

  /**
   * Currency to the net of all trades in millionths, **as the last `account` message gave it**: the protocol does not
   * say how a fill changes it.
   */
  get cash(): Readonly<Record<string, string>> {
    return this.#cash;
  }

  /** Whether the user's orders are cancelled when the user stays away. */
  get cancelOnDisconnect(): boolean {
    return this.#cancelOnDisconnect;
  }

  /** Take a whole account in place of everything held. */
  load(account: Account): void {
    this.#orders.clear();
    for (const order of account.orders) this.#orders.set(order.order_id, order);
    this.#positions.clear();
    for (const [instrument, lots] of Object.entries(account.positions)) this.#positions.set(instrument, lots);
    this.#cash = account.cash;
    this.#cancelOnDisconnect = account.cancel_on_disconnect;
    this.#userSeq = account.user_seq;
    this.#isStale = false;
  }

  /** Apply an execution if it is the next one. */
  apply(execution: Execution): Verdict {
    if (execution.user_seq <= this.#userSeq) return Verdict.DUPLICATE;
    if (this.#isStale || execution.user_seq > this.#userSeq + 1) return Verdict.GAP;
    this.#userSeq = execution.user_seq;
    this.#applyToOrders(execution);
    if (execution.event === "filled") this.#applyToPositions(execution);
    return Verdict.APPLY;
  }

  /** Until the next `account` nothing here can be vouched for. */
  markStale(): void {
    this.#isStale = true;
  }

  #applyToOrders(execution: Execution): void {
    // A rejected order never was one; an order that stands may have the same client_order_id.
    if (execution.event === "rejected") return;
    const { order_id, client_order_id, instrument, side, kind, time_in_force, price, quantity, remaining } = execution;
    if (remaining === 0) this.#orders.delete(order_id);
    else {
      const order = { order_id, client_order_id, instrument, side, kind, time_in_force, price, quantity, remaining };
      this.#orders.set(order_id, order);
    }
  }

  #applyToPositions({ instrument, side, fill_quantity }: Execution): void {
    const lots = this.position(instrument) + (side === "bid" ? fill_quantity : -fill_quantity);
    if (lots === 0) this.#positions.delete(instrument);
    else this.#positions.set(instrument, lots);
  }
}
