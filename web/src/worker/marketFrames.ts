/** What all users see, for the page: definitions, terms, tickers, states and auctions, the newest of each, and sparklines. */

import type { Auction, Instrument, SessionEvent, Status, Terms, Ticker } from "openoutcry";

/** Points of a sparkline, and the time between two. */
export const SPARK_POINTS = 60;
export const SPARK_MS = 5_000;

/** The newest of each symbol, and which the page has not got yet. */
class Newest<T> {
  readonly #values = new Map<string, T>();
  readonly #changed = new Set<string>();

  get(symbol: string): T | undefined {
    return this.#values.get(symbol);
  }

  values(): Iterable<T> {
    return this.#values.values();
  }

  set(symbol: string, value: T): void {
    this.#values.set(symbol, value);
    this.#changed.add(symbol);
  }

  delete(symbol: string): void {
    this.#values.delete(symbol);
    this.#changed.delete(symbol);
  }

  /** Hand over what has changed; undefined if nothing has. */
  take(): T[] | undefined {
    if (this.#changed.size === 0) return undefined;
    const found = [...this.#changed].flatMap((symbol) => this.#values.get(symbol) ?? []);
    this.#changed.clear();
    return found;
  }
}

export interface MarketChanges {
  instruments?: readonly Instrument[];
  delisted?: readonly string[];
  terms?: readonly Terms[];
  tickers?: readonly Ticker[];
  statuses?: readonly Status[];
  auctions?: readonly Auction[];
  sparks?: Readonly<Record<string, readonly number[]>>;
}

export class MarketFrames {
  readonly #instruments = new Newest<Instrument>();
  readonly #terms = new Newest<Terms>();
  readonly #tickers = new Newest<Ticker>();
  readonly #statuses = new Newest<Status>();
  readonly #auctions = new Newest<Auction>();
  readonly #sparks = new Map<string, number[]>();
  readonly #sparksChanged = new Set<string>();
  #delisted = new Set<string>();
  #sparkedAt = -Infinity;

  /** Return the last price of an instrument, or the reference that counts until there is one; 0: none. */
  lastOf(symbol: string): number {
    return this.#tickers.get(symbol)?.last || (this.#terms.get(symbol)?.reference ?? 0);
  }

  /** Take an event, if it is of these. */
  hear(event: SessionEvent): void {
    switch (event.type) {
      case "instrument":
        this.#delisted.delete(event.symbol);
        return this.#instruments.set(event.symbol, event);
      case "terms":
        return this.#terms.set(event.instrument, event);
      case "ticker":
        return this.#tickers.set(event.instrument, event);
      case "auction":
        return this.#auctions.set(event.instrument, event);
      case "status":
        this.#statuses.set(event.status.instrument, event.status);
        if (event.status.state === "delisted") this.#delist(event.status.instrument);
        return;
      default:
    }
  }

  /** Take a point of every sparkline, if it is time. */
  tick(now: number): void {
    if (now - this.#sparkedAt < SPARK_MS) return;
    this.#sparkedAt = now;
    for (const { instrument: symbol, open, last } of this.#tickers.values()) {
      if (last === 0) continue;
      const points = this.#sparks.get(symbol) ?? [open]; // all that is known of before
      points.push(last);
      if (points.length > SPARK_POINTS) points.shift();
      this.#sparks.set(symbol, points);
      this.#sparksChanged.add(symbol);
    }
  }

  take(): MarketChanges {
    const found: MarketChanges = {};
    const [instruments, terms, tickers] = [this.#instruments.take(), this.#terms.take(), this.#tickers.take()];
    const [statuses, auctions] = [this.#statuses.take(), this.#auctions.take()];
    if (instruments !== undefined) found.instruments = instruments;
    if (terms !== undefined) found.terms = terms;
    if (tickers !== undefined) found.tickers = tickers;
    if (statuses !== undefined) found.statuses = statuses;
    if (auctions !== undefined) found.auctions = auctions;
    if (this.#delisted.size > 0) found.delisted = [...this.#delisted];
    if (this.#sparksChanged.size > 0) found.sparks = Object.fromEntries([...this.#sparksChanged].map((symbol) => [symbol, [...(this.#sparks.get(symbol) ?? [])]]));
    this.#delisted = new Set();
    this.#sparksChanged.clear();
    return found;
  }

  #delist(symbol: string): void {
    this.#delisted.add(symbol);
    this.#sparks.delete(symbol);
    for (const newest of [this.#instruments, this.#terms, this.#tickers, this.#auctions]) newest.delete(symbol);
  }
}
