/**
 * What the page and its worker say to each other.
 *
 * The worker has the connection and all state; the page has what it draws. The page asks with `draw` when it is about to,
 * and gets one `frame`: whatever has changed since the last one, merged. So a busy market costs the page one message a
 * frame, and a busy page costs the market nothing.
 */

import type {
  Auction, Channel, Execution, Holding, Instrument, OpenOrder, Request, StaleReason, Status, Subscribe, Terms, Ticker, Trade, Transfer,
} from "openoutcry";

import type { Link } from "../model/connectionWords.js";
import type { Delay } from "../model/delays.js";
import type { LadderRow, Sight } from "../model/ladderRows.js";

/** What the page shows of one instrument. */
export interface Look extends Sight {
  readonly symbol: string;
  /** Whether the depth curve is shown too. */
  readonly wantsDepth: boolean;
}

/** A request of the user, as the protocol has it. */
export type Asked = Exclude<Request, Subscribe>;

export type ToWorker =
  | { readonly type: "start"; readonly url: string; readonly token: string }
  /** A newer token: the session goes on with it, or begins again. */
  | { readonly type: "token"; readonly token: string }
  | { readonly type: "hurry" }
  | { readonly type: "stop" }
  | { readonly type: "look"; readonly look: Look | null }
  | { readonly type: "draw" }
  | { readonly type: "ask"; readonly id: number; readonly request: Asked };

/** The answer to an `ask`. Of one that nobody answered `code` is `unanswered`, or `not_connected` if nothing was sent. */
export interface Answer {
  readonly type: "answer";
  readonly id: number;
  readonly ok: boolean;
  readonly code: string;
  readonly text: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ConnectionFrame {
  readonly link: Link;
  readonly feed: string;
  readonly user: string;
  /** Names this connection in the replica's logs. */
  readonly session: string;
  readonly url: string;
  /** The server's time when the frame was made, Unix ms; NaN while it is not known. */
  readonly serverMs: number;
  /** How much this computer's own clock is ahead of the server's, ms; null if that is not known. */
  readonly clockAheadMs: number | null;
  readonly delay: Delay | null;
  /** States and changes whose digest agreed, since the page began. */
  readonly verified: number;
  readonly gaps: number;
  readonly corruptions: number;
}

export interface BookFrame {
  readonly symbol: string;
  readonly epoch: number;
  readonly seq: number;
  readonly digest: number;
  readonly stale: StaleReason | "feed" | null;
  readonly levels: readonly [bids: number, asks: number];
  readonly bestBid: number;
  readonly bestAsk: number;
  readonly step: number;
  readonly rows: readonly LadderRow[];
}

/** Cumulated lots by price, from the best price outwards. */
export interface DepthFrame {
  readonly symbol: string;
  readonly bids: readonly (readonly [price: number, total: number])[];
  readonly asks: readonly (readonly [price: number, total: number])[];
}

export interface AccountFrame {
  readonly stale: boolean;
  readonly keepsAccounts: boolean;
  readonly isMoneyCurrent: boolean;
  readonly cancelOnDisconnect: boolean;
  readonly orders: readonly PlacedOrder[];
  readonly positions: Readonly<Record<string, number>>;
  readonly holdings: Readonly<Record<string, Holding>>;
  readonly cash: Readonly<Record<string, string>>;
  readonly reserved: Readonly<Record<string, string>>;
  readonly result: Readonly<Record<string, string>>;
}

/** An open order, with the lots before it at most; null if that is not known. */
export type PlacedOrder = OpenOrder & { readonly ahead: number | null };

/** A trade, or trades that will not come. */
export type TapeEntry = Trade | { readonly type: "missed"; readonly instrument: string; readonly text: string };

/** Something that a person should read, once. */
export interface Notice {
  readonly tone: "good" | "warn" | "bad";
  readonly text: string;
}

/** What has changed since the last frame; what is left out has not. */
export interface Frame {
  readonly type: "frame";
  readonly connection?: ConnectionFrame;
  readonly instruments?: readonly Instrument[];
  /** Symbols that are listed no more. */
  readonly delisted?: readonly string[];
  readonly terms?: readonly Terms[];
  readonly tickers?: readonly Ticker[];
  readonly statuses?: readonly Status[];
  /** `kind` "" has ended. */
  readonly auctions?: readonly Auction[];
  /** Symbol to its newest last prices, the oldest first. */
  readonly sparks?: Readonly<Record<string, readonly number[]>>;
  readonly book?: BookFrame | null;
  readonly depth?: DepthFrame | null;
  /** Of the instrument that is looked at. `begins`: forget what came before. */
  readonly tape?: { readonly symbol: string; readonly begins: boolean; readonly entries: readonly TapeEntry[] };
  readonly account?: AccountFrame;
  readonly executions?: readonly (Execution | Transfer)[];
  readonly notices?: readonly Notice[];
  /** Subscriptions that were refused. */
  readonly refused?: readonly { readonly channel: Channel; readonly code: string; readonly text: string }[];
}

export type FromWorker = Frame | Answer;
