/** The book that is looked at, as rows of a ladder and as a depth curve, and its tape. */

import type { BookSide, FeedSession, SessionEvent } from "openoutcry";

import { ladderRows, middleOf, nextTop, ROWS_MAX } from "../model/ladderRows.js";
import { Ring } from "../model/ring.js";
import type { BookFrame, DepthFrame, Look, TapeEntry } from "./protocol.js";

/** Trades kept for a page that does not draw; beyond it the oldest go first. */
export const TAPE_MAX = 1_000;
/** Points of a side of the depth curve. */
export const DEPTH_POINTS = 200;
/** Time between two depth curves. */
export const DEPTH_MS = 250;

export class BookFrames {
  readonly #session: FeedSession;
  #look: Look | null = null;
  #top = 0;
  #isChanged = false;
  #stale: string | null = null;
  #isDepthOld = false;
  #depthAt = -Infinity;
  #tape = new Ring<TapeEntry>(TAPE_MAX);
  #tapeBegins = true;

  constructor(session: FeedSession) {
    this.#session = session;
  }

  get look(): Look | null {
    return this.#look;
  }

  /** Look at this from now on. */
  set look(look: Look | null) {
    const rows = Math.max(1, Math.min(ROWS_MAX, Math.floor(look?.rows ?? 1)));
    const step = Math.max(1, Math.floor(look?.step ?? 1));
    if (look?.symbol !== this.#look?.symbol) {
      this.#top = 0;
      this.#tape.clear();
      this.#tapeBegins = true;
    }
    this.#look = look && { ...look, rows, step };
    this.#isChanged = true;
    this.#isDepthOld = true;
  }

  hear(event: SessionEvent): void {
    const symbol = this.#look?.symbol;
    if (symbol === undefined) return;
    if (event.type === "trade" && event.instrument === symbol) this.#tape.push(event);
    else if (event.type === "trades_missed" && event.instrument === symbol) {
      const { missed, text } = event;
      this.#tape.push({ type: "missed", instrument: symbol, text: missed === null ? text : `trades ${missed.first} to ${missed.last} are missing` });
    } else if ((event.type === "book" && event.book.instrument === symbol) || (event.type === "stale" && event.instrument === symbol) || event.type === "feed") {
      this.#isChanged = true;
      this.#isDepthOld = true;
    }
  }

  /** Notice what only the clock shows: silence. */
  tick(now: number): void {
    if (this.#look !== null && this.#session.staleReason(this.#look.symbol, now) !== this.#stale) this.#isChanged = true;
  }

  /** What has changed since the last call. */
  take(now: number, last: number): { book?: BookFrame | null; depth?: DepthFrame | null; tape?: { symbol: string; begins: boolean; entries: TapeEntry[] } } {
    const look = this.#look;
    if (look === null) {
      if (!this.#isChanged) return {};
      this.#isChanged = false;
      return { book: null, depth: null };
    }
    const found: ReturnType<BookFrames["take"]> = {};
    if (this.#isChanged) found.book = this.#frame(look, now, last);
    this.#isChanged = false;
    if (this.#isDepthOld && look.wantsDepth && now - this.#depthAt >= DEPTH_MS) {
      const book = this.#session.book(look.symbol);
      found.depth = book === undefined ? null : { symbol: look.symbol, bids: curve(book.bids), asks: curve(book.asks) };
      this.#isDepthOld = false;
      this.#depthAt = now;
    }
    if (this.#tapeBegins || this.#tape.size > 0) {
      found.tape = { symbol: look.symbol, begins: this.#tapeBegins, entries: this.#tape.newest(TAPE_MAX).reverse() };
      this.#tape.clear();
      this.#tapeBegins = false;
    }
    return found;
  }

  #frame({ symbol, rows, step, centre }: Look, now: number, last: number): BookFrame | null {
    const stale = this.#session.staleReason(symbol, now);
    this.#stale = stale;
    const book = this.#session.book(symbol);
    if (book === undefined) return { symbol, epoch: 0, seq: 0, digest: 0, stale, levels: [0, 0], bestBid: 0, bestAsk: 0, step, rows: [] };
    const [bestBid, bestAsk] = [book.bids.best, book.asks.best];
    this.#top = nextTop(this.#top, { rows, step, centre }, middleOf(bestBid, bestAsk, last));
    return {
      symbol, epoch: book.epoch, seq: book.seq, digest: book.digest, stale, levels: [book.bids.size, book.asks.size], bestBid, bestAsk, step,
      rows: ladderRows(book.bids, book.asks, this.#top, rows, step),
    };
  }
}

/** Cumulate the levels around the best price: as far as a tenth of it, at most DEPTH_POINTS of them. */
function curve(side: BookSide): [number, number][] {
  let total = 0;
  const reach = Math.max(20, Math.round(side.best / 10));
  const near = side.levels(Math.min(side.size, 4 * DEPTH_POINTS)).filter(([price]) => Math.abs(price - side.best) <= reach);
  const every = Math.ceil(near.length / DEPTH_POINTS);
  return near.map(([price, lots]): [number, number] => [price, (total += lots)]).filter((_, at) => at % every === every - 1 || at === near.length - 1);
}
