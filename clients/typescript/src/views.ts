/**
 * What a program holds of the market: live views that are kept up to date while it looks at them.
 *
 * Views never queue states: a loop over one that is slower than the market gets the newest state, and the changes
 * between are merged. Only trades and executions, where each one counts, are queued, up to a limit.
 */

import type { AccountView } from "./accountView.js";
import { checkDepth } from "./arguments.js";
import { monotonicMs } from "./connection.js";
import type { DepthBook } from "./depthBook.js";
import type { PricedQuantity } from "./digest.js";
import type { FeedSession } from "./feedSession.js";
import type { StaleReason } from "./followedBook.js";
import type { Auction, Execution, Holding, OpenOrder, Trade } from "./messages.js";
import type { MissedTrades } from "./tradeTape.js";
import { TradeTape } from "./tradeTape.js";
import { Signal } from "./signal.js";

/** Why a book may have no levels that it could stand on. */
const STATELESS: readonly (string | null)[] = ["joining", "corrupt", "unfollowed"];

/** Trades or executions kept for a reader that is slow; beyond it the oldest go first. */
export const QUEUE_MAX = 1_000;

/** The best price of a side, in ticks, and the lots there. */
export interface Best {
  readonly price: number;
  readonly quantity: number;
}

/**
 * A live order book. Looping over it yields the book itself, now and after each change, merged if the loop is slow:
 *
 * ```ts
 * for await (const { seq, bestBid, stale } of book) …
 * ```
 */
export class Book implements AsyncIterable<Book> {
  readonly instrument: string;
  /** Fired by the market. */
  readonly signal = new Signal();
  readonly #session: FeedSession;
  readonly #book: DepthBook;

  constructor(instrument: string, book: DepthBook, session: FeedSession) {
    this.instrument = instrument;
    this.#book = book;
    this.#session = session;
  }

  /** Which history `seq` counts. */
  get epoch(): number {
    return this.#book.epoch;
  }

  /** Changes applied. */
  get seq(): number {
    return this.#book.seq;
  }

  /** Levels a side that it holds; 0 is all of them. */
  get depth(): number {
    return this.#book.depth;
  }

  /** When the engine published the newest change, µs since 1970 UTC: for measuring delay, not for ordering. */
  get time(): number {
    return this.#book.time;
  }

  /** Of the levels held, equal to the exchange's while not stale. */
  get digest(): number {
    return this.#book.digest;
  }

  /** True while it cannot be vouched for. */
  get stale(): boolean {
    return this.staleReason !== null;
  }

  /**
   * Why it cannot be vouched for; null if it can. Asks the clock: after 3 s in which this program let nothing be heard it
   * is "disconnected", until what came meanwhile has been.
   */
  get staleReason(): StaleReason | "feed" | null {
    return this.#session.staleReason(this.instrument, monotonicMs(), this.#book);
  }

  /** Whether its levels stand on a verified state, be it an old one. */
  get hasState(): boolean {
    return !STATELESS.includes(this.staleReason);
  }

  get bestBid(): Best | null {
    return bestOf(this.bids(1));
  }

  get bestAsk(): Best | null {
    return bestOf(this.asks(1));
  }

  /** What the instrument's call would come to if it ended now; null outside of a call. In one the book may be crossed. */
  get auction(): Auction | null {
    return this.#session.auctions.get(this.instrument) ?? null;
  }

  /** Whether the best bid is at or above the best ask: so it may be in a call. */
  get isCrossed(): boolean {
    const [bid, ask] = [this.bestBid, this.bestAsk];
    return bid !== null && ask !== null && bid.price >= ask.price;
  }

  /** The best `depth` bids, best first; 0 is all that are held. */
  bids(depth = 0): PricedQuantity[] {
    checkDepth(depth);
    return this.#book.bids.levels(depth);
  }

  /** The best `depth` asks, best first; 0 is all that are held. */
  asks(depth = 0): PricedQuantity[] {
    checkDepth(depth);
    return this.#book.asks.levels(depth);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Book, void, undefined> {
    return this.signal.follow(() => this);
  }
}

function bestOf([best]: PricedQuantity[]): Best | null {
  return best === undefined ? null : { price: best[0], quantity: best[1] };
}

/** The newest of a small whole state. Looping over it yields the newest, now and after each change. */
export class Latest<T> implements AsyncIterable<T> {
  /** Fired by `set`. */
  readonly signal = new Signal();
  #value: T | null = null;

  /** The newest; null before the first. */
  get value(): T | null {
    return this.#value;
  }

  /** Used by the market. */
  set(value: T): void {
    this.#value = value;
    this.signal.fire();
  }

  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    return this.signal.follow(() => this.#value as T);
  }
}

/** Items for one reader, at most QUEUE_MAX of them. */
class Queue<T> {
  readonly signal = new Signal();
  #items: T[] = [];
  #dropped = 0;

  /** Items that the reader was too slow for. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    if (this.#items.length >= QUEUE_MAX) {
      this.#items.shift();
      this.#dropped += 1;
    }
    this.#items.push(item);
    this.signal.fire();
  }

  /** Yield the items in order, each to one reader. */
  async *follow(): AsyncGenerator<T, void, undefined> {
    const changes = this.signal.follow(() => null);
    do {
      for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) yield item;
    } while (!(await changes.next()).done);
  }
}

/**
 * An instrument's trades in order, each once, for one reader. Where some are missing, what is missing is yielded in
 * their place: because the connection was away for too long, or the reader for more than QUEUE_MAX trades.
 */
export class Trades implements AsyncIterable<Trade | MissedTrades> {
  readonly #queue = new Queue<Trade>();
  readonly #tape = new TradeTape();

  /** Fired by `push`. */
  get signal(): Signal {
    return this.#queue.signal;
  }

  /** Used by the market. */
  push(trade: Trade): void {
    this.#queue.push(trade);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Trade | MissedTrades, void, undefined> {
    for await (const trade of this.#queue.follow()) {
      const place = this.#tape.observe(trade);
      if (typeof place === "object") yield place;
      yield trade;
    }
  }
}

/** The user's live account. Looping over it yields executions in order, each once, for one reader. */
export class LiveAccount implements AsyncIterable<Execution> {
  readonly #queue = new Queue<Execution>();
  readonly #account: AccountView;
  readonly #isSilent: () => boolean;

  constructor(account: AccountView, isSilent: () => boolean) {
    this.#account = account;
    this.#isSilent = isSilent;
  }

  /** Fired by `push`. */
  get signal(): Signal {
    return this.#queue.signal;
  }

  /** True while it cannot be vouched for, by the clock too: see `Book.staleReason`. */
  get stale(): boolean {
    return this.#account.stale || this.#isSilent();
  }

  /** Executions and transfers applied. */
  get userSeq(): number {
    return this.#account.userSeq;
  }

  /** Open orders as they stand: a copy, so a loop may cancel while it iterates. */
  get orders(): OpenOrder[] {
    return this.#account.orders;
  }

  /** Instrument to net lots as they stand, zeros left out. */
  get positions(): ReadonlyMap<string, number> {
    return this.#account.positions;
  }

  /** Currency to decimal text, as of the last whole account; see `AccountView.cash`. */
  get cash(): Readonly<Record<string, string>> {
    return this.#account.cash;
  }

  /** Whether orders need the money and the lots that they promise. */
  get keepsAccounts(): boolean {
    return this.#account.keepsAccounts;
  }

  /** Whether cash, reserved, result and costs are as they stand; see `AccountView.isMoneyCurrent`. */
  get isMoneyCurrent(): boolean {
    return this.#account.isMoneyCurrent;
  }

  /** Instrument to what is held and offered; empty without accounts. */
  get holdings(): ReadonlyMap<string, Holding> {
    return this.#account.holdings;
  }

  /** Currency to what open bids may still cost; see `isMoneyCurrent`. */
  get reserved(): Readonly<Record<string, string>> {
    return this.#account.reserved;
  }

  /** Currency to the realised result of all sales; see `isMoneyCurrent`. */
  get result(): Readonly<Record<string, string>> {
    return this.#account.result;
  }

  /** Whether the user's orders are cancelled when the user stays away; `Market.cancelOnDisconnect` sets it. */
  get cancelOnDisconnect(): boolean {
    return this.#account.cancelOnDisconnect;
  }

  /** Executions that the reader was too slow for; orders and positions have them nevertheless. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /** Used by the market. */
  push(execution: Execution): void {
    this.#queue.push(execution);
  }

  [Symbol.asyncIterator](): AsyncGenerator<Execution, void, undefined> {
    return this.#queue.follow();
  }
}
