/**
 * The server's messages and how a packet becomes them, in both encodings.
 *
 * Fields keep the names of docs/protocol.md, "Server messages". Prices are whole ticks, quantities whole lots, times
 * whole µs since 1970 UTC.
 */

import { decode } from "@msgpack/msgpack";

import type { Side } from "./digest.js";
import { ProtocolError } from "./errors.js";
import {
  anything, decimal, flag, later, laterOrNull, level, list, mapOf, oneOf, only, orNull, positive, record, requestId, signed, sparse, text, tuple, whole,
} from "./wireValues.js";
import type { OneOf, Shape } from "./wireValues.js";

/** How packets and requests are written; chosen by the WebSocket's subprotocol. */
export type Encoding = "msgpack" | "json";

/** Encoding to the subprotocol that asks for it. */
export const SUBPROTOCOLS: Readonly<Record<Encoding, string>> = {
  msgpack: "openoutcry.v1.msgpack",
  json: "openoutcry.v1.json",
};

/** `[price, quantity]`: an absolute quantity, 0 removes. */
export type DeltaLevel = readonly [price: number, quantity: number];
/** `[price, quantity, orders]`. */
export type SnapshotLevel = readonly [price: number, quantity: number, orders: number];

/** The user is known, the connection is ready. */
export interface Welcome {
  readonly type: "welcome";
  readonly version: number;
  /** Names the connection in the server's logs. */
  readonly session: string;
  readonly user: string;
  readonly server_time: number;
  readonly heartbeat_ms: number;
  /** Every limit that concerns a client. */
  readonly limits: Readonly<Record<string, unknown>>;
}

/** The answer to one request. */
export interface Reply {
  readonly type: "reply";
  /** The request's; null if none could be read. */
  readonly id: number | string | null;
  readonly ok: boolean;
  /** Empty, or why it was refused. */
  readonly code: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A book, or its best `depth` levels a side (0 is all of them), best first. */
export interface Snapshot {
  readonly type: "snapshot";
  readonly instrument: string;
  /** Equal or different, never ordered. */
  readonly epoch: number;
  readonly seq: number;
  readonly time: number;
  readonly depth: number;
  readonly bids: readonly SnapshotLevel[];
  readonly asks: readonly SnapshotLevel[];
  readonly digest: number;
}

/** All changes of a book after `prev_seq` up to `seq`, merged; `digest` is that of the book after them. */
export interface Delta {
  readonly type: "delta";
  readonly instrument: string;
  readonly prev_seq: number;
  readonly seq: number;
  readonly time: number;
  readonly depth: number;
  readonly bids: readonly DeltaLevel[];
  readonly asks: readonly DeltaLevel[];
  readonly digest: number;
}

export interface Trade {
  readonly type: "trade";
  readonly instrument: string;
  /** The book's seq that includes it. */
  readonly seq: number;
  /** Contiguous per instrument, from 1. */
  readonly trade_id: number;
  readonly time: number;
  readonly price: number;
  readonly quantity: number;
  /** Of the order that arrived; "none" in an auction, where both waited. */
  readonly aggressor_side: Side | "none";
}

/** The best prices and statistics since listing; 0 where there is no price. */
export interface Ticker {
  readonly type: "ticker";
  readonly instrument: string;
  readonly seq: number;
  readonly time: number;
  readonly bid: number;
  readonly bid_quantity: number;
  readonly ask: number;
  readonly ask_quantity: number;
  readonly last: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly volume: number;
}

export type MarketState = OneOf<"open" | "halted" | "closed" | "auction" | "stale" | "resyncing" | "delisted">;

/** Parts of an instrument's day. All but `closed` and `continuous` are calls. */
export type Phase = OneOf<
  "" | "closed" | "opening" | "closing" | "volatility" | "reopening" | "single" | "batch" | "continuous"
>;

/** State of an instrument, or (`instrument` null) of the gateway's feed. */
export interface Status {
  readonly type: "status";
  readonly instrument: string | null;
  readonly state: MarketState;
  readonly reason: string;
  readonly time: number;
  /** Of an instrument with sessions; "" without. */
  readonly phase: Phase;
  /** When the phase ends at the earliest, µs; 0: not known. */
  readonly until: number;
}

export interface Heartbeat {
  readonly type: "heartbeat";
  readonly server_time: number;
  /** Followed book to the last seq sent on this connection. */
  readonly books: Readonly<Record<string, number>>;
}

export type OrderKind = OneOf<"limit" | "market">;
export type TimeInForce = OneOf<"gtc" | "ioc" | "fok">;

/** An open order of the user. */
export interface OpenOrder {
  readonly order_id: number;
  readonly client_order_id: string;
  readonly instrument: string;
  readonly side: Side;
  readonly kind: OrderKind;
  readonly time_in_force: TimeInForce;
  readonly price: number;
  readonly quantity: number;
  readonly remaining: number;
  /** Price in ticks that a stop waits for: it is in no book yet. 0: the order waits for none, or no longer. */
  readonly trigger: number;
  /** When the order ends by itself at the latest, µs since 1970 UTC; 0: at no moment that is known today. */
  readonly expires_at: number;
  /** The last trading day that the order may stand on, as YYYY-MM-DD; empty: none was named. */
  readonly expires_on: string;
}

/** `[lots, reserved, restricted, cost]`; see docs/protocol.md, "account". */
export interface Holding {
  /** Negative is short. */
  readonly lots: number;
  /** Lots of open asks. */
  readonly reserved: number;
  /** What cannot be sold yet, the earliest first. */
  readonly restricted: readonly RestrictedLots[];
  /** Of all lots together, as decimal text of six places. */
  readonly cost: string;
}

/** Lots that cannot be sold before `until` (µs since 1970 UTC). */
export interface RestrictedLots {
  readonly until: number;
  readonly lots: number;
  readonly why: string;
}

/** A holding as it is written. */
export type HoldingRow = readonly [
  lots: number, reserved: number, restricted: readonly (readonly [until: number, lots: number, why: string])[], cost: string,
];

/** The user's private state after execution or transfer `user_seq`. */
export interface Account {
  readonly type: "account";
  readonly user_seq: number;
  readonly orders: readonly OpenOrder[];
  /** Instrument to net lots. */
  readonly positions: Readonly<Record<string, number>>;
  /** Currency to the net of all trades, as decimal text of six places: exact whatever its size. */
  readonly cash: Readonly<Record<string, string>>;
  /** Whether the user's orders are cancelled when the user stays away. */
  readonly cancel_on_disconnect: boolean;
  /** Instrument to what is held; null, as the next two, if the exchange keeps no accounts. */
  readonly holdings: Readonly<Record<string, HoldingRow>> | null;
  /** Currency to what open bids may still cost, as `cash`. */
  readonly reserved: Readonly<Record<string, string>> | null;
  /** Currency to the realised result of all sales, as `cash`. */
  readonly result: Readonly<Record<string, string>> | null;
}

export type TransferKind = OneOf<"deposit" | "withdrawal" | "grant" | "forfeit" | "exercise" | "expiry" | "correction">;

/** Lots or money came or went without a trade. */
export interface Transfer {
  readonly type: "transfer";
  /** Contiguous per user, over executions and transfers. */
  readonly user_seq: number;
  readonly time: number;
  readonly transfer_id: string;
  readonly kind: TransferKind;
  /** A symbol or a currency. */
  readonly asset: string;
  /** What came, or (negative) went: lots as a whole number, money as decimal text of six places. */
  readonly amount: string;
  /** What is held of it now. */
  readonly balance: string;
  /** Lots that came cannot be sold before, µs; 0: at once. */
  readonly available_from: number;
}

/** What orders of an instrument are judged by beside its definition. */
export interface Terms {
  readonly type: "terms";
  readonly instrument: string;
  readonly time: number;
  /** Price in ticks that counts until the first trade; 0: none. */
  readonly reference: number;
  /** How far from the reference price an order's price may be, in basis points; 0: as far as it likes. */
  readonly collar_bp: number;
  /** `[from, step]`, ascending: a price is a multiple of the step of the greatest `from` not above it, in ticks. */
  readonly tick_table: readonly (readonly [from: number, step: number])[];
  /** How far from the last trade a price may be traded continuously, in basis points; 0: as far as it likes. */
  readonly band_bp: number;
  /** How far from the last auction's price, or else the last closing price; 0: as far as it likes. */
  readonly static_bp: number;
  /** Ticks that both allow each way at least. */
  readonly band_ticks_min: number;
  /** Length of the call that begins instead of a trade beyond them, in seconds. */
  readonly volatility_s: number;
  /** How much longer it is, once, if its price would be beyond them. */
  readonly extension_s: number;
  /** Seconds after its earliest end within which a call ends. */
  readonly random_end_s: number;
  /** Length of the call with which a halt ends, in seconds; 0: it ends at once. */
  readonly reopening_s: number;
  /** Time between two auctions of the batch phase, in milliseconds; 0: it has none. */
  readonly batch_ms: number;
  /** Name of the calendar whose schedule it follows; "": it has no sessions. */
  readonly calendar: string;
}

export type ExecutionEvent = OneOf<"accepted" | "rejected" | "filled" | "cancelled" | "replaced" | "expired" | "triggered">;

/** What became of one of the user's orders. */
export interface Execution {
  readonly type: "execution";
  /** Contiguous per user, over executions and transfers. */
  readonly user_seq: number;
  readonly event: ExecutionEvent;
  readonly time: number;
  readonly order_id: number;
  readonly client_order_id: string;
  readonly instrument: string;
  readonly side: Side;
  readonly kind: OrderKind;
  readonly time_in_force: TimeInForce;
  readonly price: number;
  readonly quantity: number;
  /** 0 ends the order. */
  readonly remaining: number;
  readonly fill_price: number;
  readonly fill_quantity: number;
  readonly trade_id: number;
  readonly liquidity: OneOf<"" | "maker" | "taker" | "auction">;
  readonly reason: string;
  /** As in an open order, after this event; like the next two. */
  readonly trigger: number;
  readonly expires_at: number;
  readonly expires_on: string;
  /** Lots bought by this fill cannot be sold before, µs; 0: at once. */
  readonly held_until: number;
}

/** This connection is about to be closed with `code`. */
export interface Goodbye {
  readonly type: "goodbye";
  readonly code: number;
  readonly text: string;
  readonly reconnect_in_ms: number;
}

export interface OptionTerms {
  readonly underlying: string;
  readonly right: OneOf<"call" | "put">;
  /** In ticks of the underlying. */
  readonly strike: number;
  /** `YYYY-MM-DD`. */
  readonly expiry: string;
  /** When the exchange ends it, µs; without it the exchange acts on none of these. */
  readonly expires_at?: number | undefined;
  /** Lots of the underlying that one lot is a right to; 1 if it is left out. */
  readonly multiplier?: number | undefined;
  /** Exercised at any time (default), or at its expiry only. */
  readonly style?: OneOf<"any" | "expiry"> | undefined;
  /** What it is worth is paid (default), it is exercised by itself, or it ends. */
  readonly at_expiry?: OneOf<"cash" | "exercise" | "lapse"> | undefined;
  /** Ticks in the money from which on it is worth something at its expiry; 1 if it is left out. */
  readonly threshold_ticks?: number | undefined;
}

/** `HH:MM`. */
export interface TradingHours {
  readonly opens: string;
  readonly closes: string;
}

/** The definition of an instrument. */
export interface Instrument {
  readonly type: "instrument";
  readonly symbol: string;
  readonly kind: string;
  readonly name: string;
  readonly currency: string;
  /** Decimal text: what a tick is worth in the currency. */
  readonly tick_size: string;
  readonly lot_size: number;
  /** Ticks. */
  readonly price_max: number;
  /** Lots. */
  readonly quantity_max: number;
  readonly option: OptionTerms | null;
  readonly session: TradingHours | null;
}

/** What an instrument's call would come to if it ended now; once more, with no kind, when it has ended. */
export interface Auction {
  readonly type: "auction";
  readonly instrument: string;
  /** The book's seq that it is of. */
  readonly seq: number;
  readonly time: number;
  /** Contiguous per instrument, from 1. */
  readonly auction_id: number;
  /** The phase that the call is; "": it has ended. */
  readonly kind: Phase;
  /** Ticks; 0: nothing would trade, or so many orders cross that it is not computed. */
  readonly price: number;
  /** Lots that would trade. */
  readonly volume: number;
  /** Lots that would be left over: above 0 bids, below 0 asks. */
  readonly surplus: number;
  /** When the call ends at the earliest, µs; 0: not known. */
  readonly until: number;
}

export type Message =
  | Welcome | Reply | Snapshot | Delta | Trade | Ticker | Status | Heartbeat | Account | Execution | Goodbye | Instrument
  | Transfer | Auction | Terms;

/** Longest time between heartbeats that is believed. */
const HEARTBEAT_MS_MAX = 60_000;
const CASH = /^-?\d{1,40}\.\d{6}$/;
const AMOUNT = /^-?\d{1,40}(\.\d{6})?$/;
const TICK_SIZE = /^(?=.*[1-9])\d{1,9}(\.\d{1,6})?$/;

const side = only<Side>("bid", "ask");
const aggressor = only<Side | "none">("bid", "ask", "none");
const snapshotLevels = list(level<SnapshotLevel>(3, 1));
const deltaLevels = list(level<DeltaLevel>(2, 0));
const openOrder = record<OpenOrder>({
  order_id: whole, client_order_id: text, instrument: text, side, kind: oneOf(), time_in_force: oneOf(), price: whole,
  quantity: whole, remaining: whole, trigger: later(whole, 0), expires_at: later(whole, 0), expires_on: later(text, ""),
});
const cash = mapOf(decimal(CASH));
const restrictedPart = tuple<readonly [number, number, string]>(whole, positive(), text);
const holding = tuple<HoldingRow>(signed, whole, list(restrictedPart), decimal(CASH));
const tickRow = tuple<readonly [number, number]>(positive(), positive());
const optionTerms = sparse(
  record<OptionTerms>({
    underlying: text, right: oneOf(), strike: whole, expiry: text, expires_at: later(whole, undefined), multiplier: later(positive(), undefined),
    style: later(oneOf(), undefined), at_expiry: later(oneOf(), undefined), threshold_ticks: later(positive(), undefined),
  }),
);
const tradingHours = record<TradingHours>({ opens: text, closes: text });

/** Every message's fields. The order matters: of the messages by type number (see `NAMES`), of the fields by position. */
const SHAPES: { readonly [M in Message as M["type"]]: Shape<Omit<M, "type">> } = {
  welcome: {
    version: whole, session: text, user: text, server_time: whole, heartbeat_ms: positive(HEARTBEAT_MS_MAX), limits: mapOf(anything),
  },
  reply: { id: requestId, ok: flag, code: text, text, data: mapOf(anything) },
  snapshot: {
    instrument: text, epoch: whole, seq: whole, time: whole, depth: whole, bids: snapshotLevels, asks: snapshotLevels,
    digest: whole,
  },
  delta: {
    instrument: text, prev_seq: whole, seq: whole, time: whole, depth: whole, bids: deltaLevels, asks: deltaLevels,
    digest: whole,
  },
  trade: {
    instrument: text, seq: whole, trade_id: whole, time: whole, price: whole, quantity: whole, aggressor_side: aggressor,
  },
  ticker: {
    instrument: text, seq: whole, time: whole, bid: whole, bid_quantity: whole, ask: whole, ask_quantity: whole,
    last: whole, open: whole, high: whole, low: whole, volume: whole,
  },
  status: {
    instrument: orNull(text), state: oneOf(), reason: text, time: whole, phase: later<Phase>(oneOf(), ""), until: later(whole, 0),
  },
  heartbeat: { server_time: whole, books: mapOf(whole) },
  account: {
    user_seq: whole, orders: list(openOrder), positions: mapOf(signed), cash, cancel_on_disconnect: flag,
    holdings: laterOrNull(mapOf(holding)), reserved: laterOrNull(cash), result: laterOrNull(cash),
  },
  execution: {
    user_seq: positive(), event: oneOf(), time: whole, order_id: whole, client_order_id: text, instrument: text, side,
    kind: oneOf(), time_in_force: oneOf(), price: whole, quantity: whole, remaining: whole, fill_price: whole,
    fill_quantity: whole, trade_id: whole, liquidity: oneOf(), reason: text, trigger: later(whole, 0), expires_at: later(whole, 0),
    expires_on: later(text, ""), held_until: later(whole, 0),
  },
  goodbye: { code: whole, text, reconnect_in_ms: whole },
  instrument: {
    symbol: text, kind: text, name: text, currency: text, tick_size: decimal(TICK_SIZE), lot_size: positive(), price_max: positive(),
    quantity_max: positive(), option: orNull(optionTerms), session: orNull(tradingHours),
  },
  transfer: {
    user_seq: positive(), time: whole, transfer_id: text, kind: oneOf(), asset: text, amount: decimal(AMOUNT), balance: decimal(AMOUNT),
    available_from: whole,
  },
  auction: {
    instrument: text, seq: whole, time: whole, auction_id: positive(), kind: oneOf(), price: whole, volume: whole,
    surplus: signed, until: whole,
  },
  terms: {
    instrument: text, time: whole, reference: whole, collar_bp: whole, tick_table: later(list(tickRow), []),
    band_bp: later(whole, 0), static_bp: later(whole, 0), band_ticks_min: later(whole, 0), volatility_s: later(whole, 0),
    extension_s: later(whole, 0), random_end_s: later(whole, 0), reopening_s: later(whole, 0), batch_ms: later(whole, 0),
    calendar: later(text, ""),
  },
};

/** Types in the order of their numbers, from 1. */
const NAMES = Object.keys(SHAPES);
const READERS = new Map(
  Object.entries(SHAPES).map(([name, shape]) => [name, record(shape as Shape<Record<string, unknown>>)]),
);

/**
 * Read a frame's payload: an array of messages.
 *
 * Messages of types that this version does not know are left out, and so are fields beyond the known ones.
 *
 * @throws ProtocolError if the payload is no packet, or a known message lacks a field or has one of the wrong form.
 */
export function decodePacket(payload: string | Uint8Array, encoding: Encoding): Message[] {
  const packet = encoding === "json" ? parseJson(payload) : parseMsgpack(payload);
  if (!Array.isArray(packet)) throw new ProtocolError("a packet must be an array of messages");
  const readMessage = encoding === "json" ? messageByName : messageByPosition;
  return packet.map(readMessage).filter((message) => message !== null);
}

function parseJson(payload: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof payload === "string" ? payload : new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (error) {
    throw new ProtocolError("a frame is not JSON", { cause: error });
  }
}

function parseMsgpack(payload: string | Uint8Array): unknown {
  if (typeof payload === "string") throw new ProtocolError("a text frame on a connection that speaks msgpack");
  try {
    return decode(payload);
  } catch (error) {
    throw new ProtocolError("a frame is not msgpack", { cause: error });
  }
}

function messageByName(value: unknown): Message | null {
  const type = (value as { readonly type?: unknown } | null)?.type;
  if (typeof type !== "string") throw new ProtocolError("a message must have a type");
  return readMessage(type, value);
}

function messageByPosition(value: unknown): Message | null {
  if (!Array.isArray(value) || !Number.isInteger(value[0])) throw new ProtocolError("a message must begin with its type");
  return readMessage(NAMES[value[0] - 1] ?? "", value.slice(1));
}

function readMessage(type: string, fields: unknown): Message | null {
  const read = READERS.get(type);
  return read === undefined ? null : ({ type, ...read(fields, type) } as unknown as Message);
}
