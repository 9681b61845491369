/**
 * Candles from the record and then from live trades, without a seam.
 *
 * The record's candles name the trades that are in them, and trades are numbered without holes. So a live trade is either
 * in them already, or the next one, or there is a hole: then the record is asked again, which is at most some seconds
 * behind. Only if it cannot fill the hole do candles go on without, and say so.
 */

import type { Trade } from "openoutcry";

export const WIDTHS = { "1s": 1, "5s": 5, "15s": 15, "1m": 60, "5m": 300, "15m": 900, "1h": 3_600 } as const;
export type Width = keyof typeof WIDTHS;

/** Candles kept. */
export const CANDLES_MAX = 5_000;
/** Live trades that wait for the record to reach up to them. */
const WAITING_MAX = 5_000;

/** Prices in ticks, `start` in Unix seconds. */
export interface Candle {
  readonly start: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** What of a trade matters here. */
export type Sold = Pick<Trade, "trade_id" | "time" | "price" | "quantity">;

export class Candles {
  readonly width: Width;
  #candles: Candle[] = [];
  /** The trade up to which all are counted; 0: none, and any may be the first. */
  #last = 0;
  #lastTime = 0;
  #waiting: Sold[] = [];
  /** Trades that nobody could tell. */
  missing = 0;

  constructor(width: Width) {
    this.width = width;
  }

  /** The oldest first. */
  get all(): readonly Candle[] {
    return this.#candles;
  }

  /** Whether live trades wait for the record to reach up to them: ask it again. */
  get hasHole(): boolean {
    return this.#waiting.length > 0;
  }

  /** Take the record's rows in place of what is there; live trades that are not in them follow. */
  load(rows: readonly Readonly<Record<string, unknown>>[]): void {
    const found = rows.flatMap((row) => read(row) ?? []);
    const newest = found.at(-1);
    if (newest === undefined) return this.#goOn();
    if (newest.last < this.#last) return; // it is behind what is counted live: nothing is gained
    this.#candles = found.map(({ candle }) => candle).slice(-CANDLES_MAX);
    this.#last = newest.last;
    this.#goOn();
  }

  /** Take a live trade; those that are counted already change nothing. */
  add(trade: Sold): void {
    if (trade.trade_id <= this.#last && trade.time > this.#lastTime && this.#lastTime > 0) this.#beginAnew(); // a new history: ids begin anew
    if (trade.trade_id <= this.#last) return;
    this.#waiting.push(trade);
    if (this.#waiting.length > WAITING_MAX) this.skipHole();
    this.#goOn();
  }

  /** The record cannot fill the hole: go on behind it, and count what is missing. */
  skipHole(): void {
    const next = this.#waiting[0];
    if (next === undefined) return;
    if (this.#last > 0) this.missing += next.trade_id - this.#last - 1;
    this.#last = next.trade_id - 1;
    this.#goOn();
  }

  #goOn(): void {
    this.#waiting = this.#waiting.filter(({ trade_id }) => trade_id > this.#last);
    for (let trade = this.#waiting[0]; trade !== undefined && trade.trade_id === this.#last + 1; trade = this.#waiting[0]) {
      this.#waiting.shift();
      this.#count(trade);
    }
  }

  #count({ trade_id, time, price, quantity }: Sold): void {
    const seconds = WIDTHS[this.width];
    const start = Math.floor(time / 1_000_000 / seconds) * seconds;
    const held = this.#candles.at(-1);
    this.#last = trade_id;
    this.#lastTime = time;
    if (held !== undefined && start <= held.start) {
      const { open, high, low, volume } = held;
      this.#candles[this.#candles.length - 1] = { start: held.start, open, high: Math.max(high, price), low: Math.min(low, price), close: price, volume: volume + quantity };
      return;
    }
    this.#candles.push({ start, open: price, high: price, low: price, close: price, volume: quantity });
    if (this.#candles.length > CANDLES_MAX) this.#candles.shift();
  }

  #beginAnew(): void {
    this.#candles = [];
    this.#last = 0;
    this.#lastTime = 0;
    this.#waiting = [];
  }
}

function read(row: Readonly<Record<string, unknown>>): { readonly candle: Candle; readonly last: number } | null {
  const number = (name: string) => (typeof row[name] === "number" ? row[name] : NaN);
  const start = typeof row["start"] === "string" ? Date.parse(row["start"]) / 1_000 : NaN;
  const candle = { start, open: number("open"), high: number("high"), low: number("low"), close: number("close"), volume: number("volume") };
  const last = number("last_trade_id");
  return [...Object.values(candle), last].every(Number.isFinite) ? { candle, last } : null;
}

/** Candles as a sentence, for who does not see them. */
export function candlesSentence(symbol: string, width: Width, candles: readonly Candle[], text: (ticks: number) => string): string {
  const [first, last] = [candles[0], candles.at(-1)];
  if (first === undefined || last === undefined) return `${symbol}: no candles yet.`;
  const high = candles.reduce((found, each) => Math.max(found, each.high), 0);
  const low = candles.reduce((found, each) => Math.min(found, each.low), Infinity);
  return `${symbol}: ${candles.length} candles of ${width}, from ${text(first.open)} to ${text(last.close)}, highest ${text(high)}, lowest ${text(low)}.`;
}
