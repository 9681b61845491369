/**
 * The user's own state: open orders, positions and cash, kept by `user_seq` as a book is kept by `seq`.
 *
 * Where the exchange keeps accounts, lots and what of them is reserved or cannot be sold yet are as they stand. Money is
 * as the last `account` or `transfer` gave it, except that fills have changed it since: `isMoneyCurrent` says so.
 */

import { Verdict } from "./depthBook.js";
import type { Account, Execution, Holding, OpenOrder, RestrictedLots, Transfer } from "./messages.js";

/** Why lots that came by a transfer cannot be sold yet. */
const VESTING = "vesting";
/** Why lots that were bought cannot. */
const HOLDING_PERIOD = "holding_period";

export class AccountView {
  readonly #orders = new Map<number, OpenOrder>();
  readonly #positions = new Map<string, number>();
  readonly #restricted = new Map<string, readonly RestrictedLots[]>();
  #costs: Readonly<Record<string, string>> = {};
  #cash: Readonly<Record<string, string>> = {};
  #reserved: Readonly<Record<string, string>> = {};
  #result: Readonly<Record<string, string>> = {};
  #keepsAccounts = false;
  #isMoneyCurrent = true;
  #cancelOnDisconnect = false;
  #userSeq = 0;
  #isStale = true;

  /** Executions and transfers applied. */
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

  /** Whether orders need the money and the lots that they promise. */
  get keepsAccounts(): boolean {
    return this.#keepsAccounts;
  }

  /** Whether cash, reserved, result and costs are as they stand: since the last `account` no execution has changed them. */
  get isMoneyCurrent(): boolean {
    return this.#isMoneyCurrent;
  }

  /** Instrument to what is held and offered, as it stands but for the cost; empty without accounts. */
  get holdings(): ReadonlyMap<string, Holding> {
    const found = new Map<string, Holding>();
    if (!this.#keepsAccounts) return found;
    const asks = new Map<string, number>();
    for (const { instrument, side, remaining } of this.#orders.values()) {
      if (side === "ask") asks.set(instrument, (asks.get(instrument) ?? 0) + remaining);
    }
    for (const instrument of new Set([...this.#positions.keys(), ...this.#restricted.keys(), ...asks.keys()])) {
      const [lots, reserved] = [this.position(instrument), asks.get(instrument) ?? 0];
      const cost = lots === 0 ? "0.000000" : (this.#costs[instrument] ?? "0.000000");
      found.set(instrument, { lots, reserved, restricted: this.#restricted.get(instrument) ?? [], cost });
    }
    return found;
  }

  /** Currency to what open bids may still cost, as of the last `account`. */
  get reserved(): Readonly<Record<string, string>> {
    return this.#reserved;
  }

  /** Currency to the realised result of all sales, as of the last `account`. */
  get result(): Readonly<Record<string, string>> {
    return this.#result;
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
    for (const [instrument, lots] of Object.entries(account.positions)) if (lots !== 0) this.#positions.set(instrument, lots);
    this.#loadHoldings(account);
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
    if (execution.event !== "rejected") this.#isMoneyCurrent = false;
    this.#release(execution.instrument, execution.time);
    this.#applyToOrders(execution);
    if (execution.event === "filled") this.#applyToPositions(execution);
    return Verdict.APPLY;
  }

  /** Apply a transfer if it is the next one. One that leads to other lots than it says is a gap. */
  applyTransfer({ user_seq, time, asset, amount, balance, available_from }: Transfer): Verdict {
    if (user_seq <= this.#userSeq) return Verdict.DUPLICATE;
    if (this.#isStale || !this.#keepsAccounts || user_seq > this.#userSeq + 1) return Verdict.GAP;
    this.#userSeq = user_seq;
    if (amount.includes(".")) {
      this.#cash = { ...this.#cash, [asset]: balance };
      return Verdict.APPLY;
    }
    this.#release(asset, time);
    const lots = Number(amount);
    this.#isMoneyCurrent = false; // lots that leave take their share of the cost
    this.#move(asset, lots);
    if (lots < 0) this.#takeRestricted(asset, -lots);
    else if (available_from > 0) this.#restrict(asset, available_from, VESTING, lots);
    return String(this.position(asset)) === balance ? Verdict.APPLY : Verdict.GAP;
  }

  /** Until the next `account` nothing here can be vouched for. */
  markStale(): void {
    this.#isStale = true;
  }

  #applyToOrders(execution: Execution): void {
    // A rejected order never was one; an order that stands may have the same client_order_id.
    if (execution.event === "rejected") return;
    const { order_id, client_order_id, instrument, side, kind, time_in_force, price, quantity, remaining } = execution;
    const { trigger, expires_at, expires_on } = execution;
    if (remaining === 0) this.#orders.delete(order_id);
    else {
      const order = { order_id, client_order_id, instrument, side, kind, time_in_force, price, quantity, remaining };
      this.#orders.set(order_id, { ...order, trigger, expires_at, expires_on });
    }
  }

  #applyToPositions({ instrument, side, fill_quantity, held_until }: Execution): void {
    this.#move(instrument, side === "bid" ? fill_quantity : -fill_quantity);
    if (!this.#keepsAccounts || held_until === 0) return;
    const lots = Math.min(fill_quantity, this.position(instrument)); // what only covers a short sale is not held
    if (lots > 0) this.#restrict(instrument, held_until, HOLDING_PERIOD, lots);
  }

  #move(instrument: string, bought: number): void {
    const lots = this.position(instrument) + bought;
    if (lots === 0) this.#positions.delete(instrument);
    else this.#positions.set(instrument, lots);
  }

  #loadHoldings({ holdings, reserved, result }: Account): void {
    this.#keepsAccounts = holdings !== null;
    this.#isMoneyCurrent = true;
    this.#reserved = reserved ?? {};
    this.#result = result ?? {};
    this.#restricted.clear();
    const rows = Object.entries(holdings ?? {});
    this.#costs = Object.fromEntries(rows.map(([instrument, [, , , cost]]) => [instrument, cost]));
    for (const [instrument, [, , parts]] of rows) {
      this.#setRestricted(instrument, parts.map(([until, lots, why]) => ({ until, lots, why })));
    }
  }

  #restrict(instrument: string, until: number, why: string, lots: number): void {
    const parts = this.#restricted.get(instrument) ?? [];
    const same = parts.find((part) => part.until === until && part.why === why);
    const others = parts.filter((part) => part !== same);
    const added = { until, lots: lots + (same?.lots ?? 0), why };
    this.#setRestricted(instrument, [...others, added].sort((a, b) => a.until - b.until || (a.why < b.why ? -1 : 1)));
  }

  /** Take lots out of what is held back longest, as far as there are some. */
  #takeRestricted(instrument: string, lots: number): void {
    const parts = [...(this.#restricted.get(instrument) ?? [])];
    let left = lots;
    for (let last = parts.pop(); last !== undefined; last = left > 0 ? parts.pop() : undefined) {
      if (last.lots > left) parts.push({ ...last, lots: last.lots - left });
      left = Math.max(left - last.lots, 0);
    }
    this.#setRestricted(instrument, parts);
  }

  /** Forget what may be sold by now. */
  #release(instrument: string, time: number): void {
    const parts = this.#restricted.get(instrument);
    if (parts !== undefined) this.#setRestricted(instrument, parts.filter(({ until }) => until > time));
  }

  #setRestricted(instrument: string, parts: readonly RestrictedLots[]): void {
    if (parts.length === 0) this.#restricted.delete(instrument);
    else this.#restricted.set(instrument, parts);
  }
}
