/**
 * What an order would come to, and what is wrong with it, before it is sent.
 *
 * Only what the page can know for certain is an error here. The exchange's answer counts, and its sentence is shown beside
 * the field that it names.
 */

import { InvalidArgument, isOnTick, roundDown, roundUp, ticksOf } from "openoutcry";
import type { Instrument, Side, Terms } from "openoutcry";

import { amountText, lotsText, valueOf } from "./money.js";

export type Field = "instrument" | "side" | "kind" | "price" | "quantity" | "time_in_force" | "trigger" | "expires_on" | "minimum" | "clearance" | "";

/** What stands in the ticket, as it was typed. */
export interface Draft {
  readonly side: Side;
  readonly kind: "limit" | "market";
  readonly price: string;
  readonly quantity: string;
  readonly timeInForce: "gtc" | "ioc" | "fok" | "day" | "gtd" | "auction";
  readonly expiresOn: string;
  readonly postOnly: boolean;
  readonly trigger: string;
  readonly minimum: string;
  readonly clearance: string;
}

export interface Market {
  readonly instrument: Instrument;
  readonly terms: Terms | undefined;
  /** The last price, ticks; 0: none. */
  readonly last: number;
  readonly bestBid: number;
  readonly bestAsk: number;
  /** What may be spent, in millionths, and sold, in lots; null if the exchange keeps no accounts. */
  readonly freeMoney: bigint | null;
  readonly freeLots: number | null;
}

export interface Checked {
  /** A sentence for each field that is wrong. */
  readonly errors: Readonly<Partial<Record<Field, string>>>;
  /** Ticks and lots; 0 where there is none, or none that can be read. */
  readonly price: number;
  readonly quantity: number;
  readonly trigger: number;
  readonly minimum: number;
  /** Of all lots at the limit, or (market) at the best price of the other side, in millionths; null if it is not known. */
  readonly value: bigint | null;
  /** What would be reserved while it rests: money of a bid, lots of an ask; null if nothing would, or it is not known. */
  readonly reserves: { readonly money: bigint } | { readonly lots: number } | null;
}

const WHOLE = /^\d{1,10}$/;

/** Read and judge a draft. */
export function checkTicket(draft: Draft, market: Market): Checked {
  const { instrument } = market;
  const errors: Partial<Record<Field, string>> = {};
  const quantity = readLots(draft.quantity, "quantity", errors);
  if (quantity > instrument.quantity_max) errors.quantity = `one order has at most ${lotsText(instrument.quantity_max)} lots`;
  const price = draft.kind === "limit" ? readPrice(draft.price, "price", market, errors) : 0;
  const trigger = draft.trigger.trim() === "" ? 0 : readPrice(draft.trigger, "trigger", market, errors);
  const minimum = draft.minimum.trim() === "" ? 0 : readLots(draft.minimum, "minimum", errors);
  if (minimum > quantity && quantity > 0) errors.minimum = "is more than the quantity";
  if (draft.timeInForce === "gtd" && !/^\d{4}-\d\d-\d\d$/.test(draft.expiresOn)) errors.expires_on = "name the last day";
  if (price > 0) checkCollar(price, "price", market, errors);
  const worth = draft.kind === "limit" ? price : draft.side === "bid" ? market.bestAsk : market.bestBid;
  const value = worth > 0 && quantity > 0 ? valueOf(instrument, worth, quantity) : null;
  const needs = need(draft, price, quantity, instrument);
  if (needs !== null && "money" in needs && market.freeMoney !== null && needs.money > market.freeMoney) {
    errors.quantity ??= "needs more money than is free";
  }
  if (needs !== null && "lots" in needs && market.freeLots !== null && needs.lots > market.freeLots) {
    errors.quantity ??= `${lotsText(Math.max(0, market.freeLots))} lots may be sold`;
  }
  return { errors, price, quantity, trigger, minimum, value, reserves: mayRest(draft, trigger) ? needs : null };
}

/** Whether an order may stand anywhere; one that trades at once or ends reserves nothing. */
function mayRest({ kind, timeInForce }: Draft, trigger: number): boolean {
  if (trigger > 0) return true;
  return kind === "limit" ? timeInForce !== "ioc" && timeInForce !== "fok" : timeInForce === "auction";
}

/** What has to be free for an order to be taken; null if nothing has to, or it is not known. */
function need(draft: Draft, price: number, quantity: number, instrument: Instrument): Checked["reserves"] {
  if (quantity === 0 || (draft.side === "bid" && price === 0)) return null;
  return draft.side === "bid" ? { money: valueOf(instrument, price, quantity) } : { lots: quantity };
}

function readLots(text: string, field: "quantity" | "minimum", errors: Partial<Record<Field, string>>): number {
  const bare = text.trim().replace(/[,\u2009\u00a0 ]/g, "");
  if (bare === "") errors[field] = "how many lots?";
  else if (!WHOLE.test(bare) || Number(bare) === 0) errors[field] = "is a whole number of lots, from 1";
  else return Number(bare);
  return 0;
}

function readPrice(text: string, field: "price" | "trigger", { instrument, terms }: Market, errors: Partial<Record<Field, string>>): number {
  const bare = text.trim().replace(/[,\u2009\u00a0 ]/g, "");
  if (bare === "") {
    errors[field] = "at which price?";
    return 0;
  }
  let ticks: number;
  try {
    ticks = ticksOf(instrument, bare);
  } catch (error) {
    if (!(error instanceof InvalidArgument)) throw error;
    errors[field] = sentence(error.message);
    return 0;
  }
  if (ticks < 1) errors[field] = "is above 0";
  else if (ticks > instrument.price_max) errors[field] = `is at most ${amountText(instrument, instrument.price_max)}`;
  else if (!isOnTick(terms, ticks)) {
    const near = [roundDown(terms, ticks), roundUp(terms, ticks)].filter((each) => each > 0).map((each) => amountText(instrument, each));
    errors[field] = `is not one of its prices; the nearest are ${near.join(" and ")}`;
  }
  return ticks < 1 ? 0 : ticks;
}

function checkCollar(price: number, field: "price", { instrument, terms, last }: Market, errors: Partial<Record<Field, string>>): void {
  const reference = last || (terms?.reference ?? 0);
  const collar = terms?.collar_bp ?? 0;
  if (reference === 0 || collar === 0 || errors[field] !== undefined) return;
  const reach = Math.floor((reference * collar) / 10_000);
  if (Math.abs(price - reference) <= reach) return;
  const per = `${collar / 100} %`;
  errors[field] =
    price > reference
      ? `is more than ${per} above the reference ${amountText(instrument, reference)} (at most ${amountText(instrument, reference + reach)})`
      : `is more than ${per} below the reference ${amountText(instrument, reference)} (at least ${amountText(instrument, Math.max(1, reference - reach))})`;
}

/** Leave out the name of the argument in front. */
function sentence(text: string): string {
  return text.replace(/^amount: /, "");
}

const FIELDS: readonly string[] = ["instrument", "side", "kind", "price", "quantity", "time_in_force", "trigger", "expires_on", "minimum", "clearance"];
const FIELD_OF_CODE: Readonly<Record<string, Field>> = {
  not_open: "instrument", unknown_instrument: "instrument", off_tick: "price", price_out_of_range: "price", collar: "price", would_trade: "price",
  quantity_out_of_range: "quantity", order_value: "quantity", position_limit: "quantity", insufficient_cash: "quantity", insufficient_holdings: "quantity",
  would_trigger: "trigger", clearance_required: "clearance", clearance_invalid: "clearance", clearance_expired: "clearance",
};

/** Which field a refusal is about, and its sentence: its text names the field in front, else the code tells. */
export function refusedField(code: string, text: string): { readonly field: Field; readonly text: string } {
  const [, name = "", rest = ""] = /^([a-z_]+): ([^]*)$/.exec(text) ?? [];
  if (FIELDS.includes(name)) return { field: name as Field, text: rest };
  if (name === "expires_at") return { field: "expires_on", text: rest };
  return { field: FIELD_OF_CODE[code] ?? "", text: text === "" ? code : text };
}
