/**
 * What a client may ask, and how a request is written. One request is one frame: a map, in both encodings.
 *
 * Fields keep the names of docs/protocol.md, "Client requests"; `id` is added by the session. A field that is
 * `undefined` is not written: the server refuses fields it does not expect.
 */

import { encode } from "@msgpack/msgpack";

import type { Side } from "./digest.js";
import type { Encoding } from "./messages.js";

export type Channel = "book" | "top" | "ticker" | "trades" | "status" | "account";

/** At most one update in that many ms; 0 takes the gateway's pace. */
export type IntervalMs = 0 | 50 | 100 | 250 | 1000;

/** Where a book stands, to go on from there: epoch, seq, digest. */
export type Position = readonly [epoch: number, seq: number, digest: number];

export interface Login {
  readonly op: "login";
  readonly token: string;
}

export interface Subscribe {
  readonly op: "subscribe";
  readonly channel: Channel;
  /** Symbols, or `"*"` for all, those listed later included. At most 256. */
  readonly instruments?: readonly string[] | undefined;
  /** Levels a side; 0 is the whole book. */
  readonly depth?: number | undefined;
  readonly interval_ms?: IntervalMs | undefined;
  readonly resume?: Readonly<Record<string, Position>> | undefined;
}

export interface Unsubscribe {
  readonly op: "unsubscribe";
  readonly channel: Channel;
  readonly instruments?: readonly string[] | undefined;
}

/** Ask for a snapshot of a followed book. */
export interface Resync {
  readonly op: "resync";
  readonly instrument: string;
}

/** Ask for every instrument's definition. */
export interface ListInstruments {
  readonly op: "instruments";
}

export interface Ping {
  readonly op: "ping";
}

export interface PlaceOrder {
  readonly op: "order";
  /** Unique per user: 1 to 36 of `A-Z a-z 0-9 . _ : -`. */
  readonly client_order_id: string;
  readonly instrument: string;
  readonly side: Side;
  /** Lots, from 1. */
  readonly quantity: number;
  readonly kind?: "limit" | "market" | undefined;
  /** The worst price in ticks; market orders have none. */
  readonly price?: number | undefined;
  /**
   * What is not filled at once rests (`gtc`), until its trading day or its time is over (`day`, `gtd`), is cancelled
   * (`ioc`), or all is refused (`fok`). `auction` is for the call that its instrument is in.
   */
  readonly time_in_force?: "gtc" | "ioc" | "fok" | "day" | "gtd" | "auction" | undefined;
  /** Refuse to trade on arrival. */
  readonly post_only?: boolean | undefined;
  readonly self_trade_prevention?: "cancel_newest" | "cancel_oldest" | "cancel_both" | undefined;
  /** Ticks: the order is a stop, and waits, in no book, until something trades at this price or beyond. */
  readonly trigger?: number | undefined;
  /** How far beyond its trigger a stop without a price may trade, in basis points; 500 if left out. */
  readonly protection_bp?: number | undefined;
  /** When an order that is `gtd` ends, µs since 1970 UTC. */
  readonly expires_at?: number | undefined;
  /** The last trading day of one, as YYYY-MM-DD, instead. */
  readonly expires_on?: string | undefined;
  /** Lots: trade so many on arrival, or nothing. */
  readonly minimum?: number | undefined;
  /** Names the permission that the order uses. */
  readonly clearance?: string | undefined;
}

/** Which order: by the exchange's id, or by the user's. */
export type OrderName =
  | { readonly order_id: number; readonly client_order_id?: undefined }
  | { readonly client_order_id: string; readonly order_id?: undefined };

export type Cancel = { readonly op: "cancel" } & OrderName;

/** What a replace changes: one of them, or both. */
export interface NewTerms {
  /** Ticks. */
  readonly price?: number | undefined;
  /** Lots: the new **total**, what has been filled included. */
  readonly quantity?: number | undefined;
}

export type Replace = { readonly op: "replace" } & NewTerms & OrderName;

export interface CancelAll {
  readonly op: "cancel_all";
  /** Of this instrument; without it, of all. */
  readonly instrument?: string | undefined;
}

/** Have all open orders cancelled when the user stays away, or no longer. */
export interface CancelOnDisconnect {
  readonly op: "cancel_on_disconnect";
  readonly on: boolean;
}

/** Both sides of one instrument; a side without lots is withdrawn. */
export interface QuotedPair {
  readonly instrument: string;
  /** Ticks, like `ask`. */
  readonly bid?: number | undefined;
  /** Lots that are to be open, whatever of an earlier quote was filled; like `ask_quantity`. */
  readonly bid_quantity?: number | undefined;
  readonly ask?: number | undefined;
  readonly ask_quantity?: number | undefined;
}

/** Quote both sides of instruments at once; for the role `market_maker`. */
export interface Quote {
  readonly op: "quote";
  /** Unique as a `client_order_id` is, and among these: 1 to 32 of `A-Z a-z 0-9 . _ : -`. */
  readonly quote_id: string;
  /** 1 to 15, of different instruments; each takes the place of the pair before. */
  readonly pairs: readonly QuotedPair[];
}

/** Exercise lots of an option: money and lots of its underlying change hands, both or neither; for the role `trader`. */
export interface Exercise {
  readonly op: "exercise";
  /** The user's own name for it, in the form of a `client_order_id`: the same again changes nothing. */
  readonly exercise_id: string;
  readonly instrument: string;
  /** From 1. */
  readonly lots: number;
}

/** Say that this program's own code runs; sent every 2 s while `cancel_on_disconnect` is on. */
export interface Present {
  readonly op: "present";
}

/** Propose actions of the market's administration, all or none of them; for `admin` and `compliance`. */
export interface Administer {
  readonly op: "admin";
  /** The administrator's own name for it: the same again changes nothing. */
  readonly proposal_id: string;
  /** 1 to 50, each with its `action` and that action's fields; docs/protocol.md lists them. */
  readonly actions: readonly Action[];
}

/** One action to propose. */
export interface Action {
  readonly action: string;
  readonly [field: string]: unknown;
}

/** Have another administrator's proposal carried out; for `admin` and `compliance`. */
export interface ConfirmProposal {
  readonly op: "confirm";
  readonly proposal_id: string;
}

/** Take back a proposal of one's own that waits; for `admin` and `compliance`. */
export interface WithdrawProposal {
  readonly op: "withdraw";
  readonly proposal_id: string;
}

/** Ask what is set and what waits, a part at a time; for the roles `admin`, `compliance` and `auditor`. */
export interface ShowMarket {
  readonly op: "market";
  /** Rows before the first one wanted. */
  readonly start?: number | undefined;
}

export type Request =
  | Login | Subscribe | Unsubscribe | Resync | ListInstruments | Ping | Present | PlaceOrder | Cancel | Replace | CancelAll
  | CancelOnDisconnect | Quote | Exercise | Administer | ConfirmProposal | WithdrawProposal | ShowMarket;

/** A request with the id that its reply will name: a whole number, or a text of at most 64 characters. */
export type Identified<R extends Request = Request> = R & { readonly id: number | string };

/** Write one request as a frame's payload: a text in JSON, bytes in msgpack. */
export function encodeRequest(request: Identified, encoding: Encoding): string | Uint8Array {
  return encoding === "json" ? JSON.stringify(request) : encode(request, { ignoreUndefined: true });
}
