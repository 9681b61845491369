/** What happened to the user's orders, live and from the record, as rows and in words. */

import type { Execution, Transfer } from "openoutcry";

import { isAfter, newestFirst } from "./executionOrder.js";
import type { Placed } from "./executionOrder.js";
import type { Ring } from "./ring.js";

/** One row, wherever it comes from. */
export interface ExecutionRow {
  readonly userSeq: number;
  /** µs. */
  readonly time: number;
  readonly event: string;
  readonly orderId: number;
  readonly instrument: string;
  readonly side: "bid" | "ask" | "";
  /** Of the fill, or else of the order, ticks; 0: none. */
  readonly price: number;
  /** Of the fill, or else of the order. */
  readonly lots: number;
  readonly remaining: number;
  readonly tradeId: number;
  readonly liquidity: string;
  readonly reason: string;
  /** Of a transfer: what came or went, as text. */
  readonly amount: string;
}

/** A live execution or transfer as a row. */
export function liveRow(event: Execution | Transfer): ExecutionRow {
  if (event.type === "transfer") {
    const { user_seq, time, kind, asset, amount } = event;
    return { userSeq: user_seq, time, event: kind, orderId: 0, instrument: asset, side: "", price: 0, lots: 0, remaining: 0, tradeId: 0, liquidity: "", reason: "", amount };
  }
  const isFill = event.event === "filled";
  return {
    userSeq: event.user_seq, time: event.time, event: event.event, orderId: event.order_id, instrument: event.instrument, side: event.side,
    price: isFill ? event.fill_price : event.price, lots: isFill ? event.fill_quantity : event.quantity, remaining: event.remaining,
    tradeId: event.trade_id, liquidity: event.liquidity, reason: event.reason, amount: "",
  };
}

/** Return how many came after a row; O(those). */
export function countSince(events: Ring<Execution | Transfer>, last: Placed): number {
  let count = 0;
  for (let found = events.last; found !== undefined && isAfter({ time: found.time, userSeq: found.user_seq }, last); ) {
    count += 1;
    found = events.at(events.size - 1 - count);
  }
  return count;
}

/** Return them as rows, the oldest first; O(those). */
export function rowsSince(events: Ring<Execution | Transfer>, last: Placed): ExecutionRow[] {
  return events.newest(countSince(events, last)).map(liveRow).reverse();
}

/** A row of the ledger's `/v1/executions` as one; null if it is none. */
export function recordedRow(row: Readonly<Record<string, unknown>>): ExecutionRow | null {
  const number = (name: string) => (typeof row[name] === "number" ? row[name] : 0);
  const text = (name: string) => (typeof row[name] === "string" ? row[name] : "");
  const isFill = text("event") === "filled";
  const side = text("side");
  if (number("user_seq") === 0) return null;
  return {
    userSeq: number("user_seq"), time: microseconds(text("time")), event: text("event"), orderId: number("order_id"), instrument: text("instrument"),
    side: side === "bid" || side === "ask" ? side : "", price: isFill ? number("fill_price") : number("price"),
    lots: isFill ? number("fill_quantity") : number("quantity"), remaining: number("remaining"), tradeId: number("trade_id"),
    liquidity: text("liquidity"), reason: text("reason"), amount: "",
  };
}

/** Return what either has, each once, the newest first: live rows have what the record has not, such as transfers and the last second. */
export function mergedRows(recorded: readonly ExecutionRow[], live: readonly ExecutionRow[], most: number): ExecutionRow[] {
  const rows = new Map([...recorded, ...live].map((row) => [`${row.time} ${row.userSeq}`, row]));
  return [...rows.values()].sort(newestFirst).slice(0, most);
}

/** Read a time of the record, such as "2026-11-20T10:31:02.500000Z", in µs; 0 if it is none. */
export function microseconds(text: string): number {
  const found = /^(.+)\.(\d{6})Z$/.exec(text);
  const ms = found === null ? NaN : Date.parse(`${found[1]}Z`);
  return Number.isNaN(ms) ? 0 : ms * 1_000 + Number(found?.[2]);
}

const EVENTS: Readonly<Record<string, string>> = {
  accepted: "Accepted", rejected: "Refused", filled: "Filled", cancelled: "Cancelled", replaced: "Changed", expired: "Expired", triggered: "Triggered",
  deposit: "Deposit", withdrawal: "Withdrawal", grant: "Grant", forfeit: "Forfeit", exercise: "Exercise", expiry: "Expiry", correction: "Correction",
};

const REASONS: Readonly<Record<string, string>> = {
  by_user: "by you", by_exchange: "by the exchange's administration", no_liquidity: "nothing more to trade with", not_fillable: "could not be filled as asked",
  too_many_met: "met as many orders as one may", self_trade: "met an order of yours", replaced_below_filled: "less than what was filled",
  disconnected: "you were away", expired: "its time was over", volatility: "too far from the trades before", killed: "trading is stopped",
  blackout: "a blackout began", restricted: "the instrument is restricted for you", window: "outside of the trading window",
  clearance_required: "needs a clearance", clearance_invalid: "the clearance does not allow it", clearance_expired: "its clearance has ended",
  holding_period: "lots are held", short_swing: "the other side was traded not long ago", sell_share: "more than the share that may be sold",
  insufficient_cash: "not enough money", insufficient_holdings: "not enough lots", collar: "too far from the reference", would_trade: "would have traded",
  would_trigger: "its trigger was reached already", order_value: "worth more than one order may be", position_limit: "above the position limit",
  too_many_open_orders: "as many orders are open as may be", not_open: "the instrument is not trading",
};

export function eventWord(event: string): string {
  return EVENTS[event] ?? event;
}

/** Why an order ended or was refused, in words; a reason that this page does not know as the exchange names it. */
export function reasonWords(reason: string): string {
  return reason === "" ? "" : (REASONS[reason] ?? reason.replace(/_/g, " "));
}

/** Whether an order ended by another's will than its user's, and not by trading: a person should be told. */
export function isUnasked({ event, reason }: Pick<ExecutionRow, "event" | "reason">): boolean {
  return event === "expired" || (event === "cancelled" && !["by_user", "no_liquidity", "not_fillable", "self_trade", "replaced_below_filled", "too_many_met"].includes(reason));
}
