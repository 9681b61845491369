/**
 * Continuity of trades: `trade_id` is contiguous per instrument, so a repetition and a hole are both seen.
 */

import type { Trade } from "./messages.js";

/** Trades that will not come, by their ids, both ends included. */
export interface MissedTrades {
  readonly instrument: string;
  readonly first: number;
  readonly last: number;
}

export class TradeTape {
  readonly #lastTrades = new Map<string, Trade>();

  /**
   * Take note of a trade. One whose id is known but whose time is later belongs to a history that began anew, and is
   * followed.
   *
   * @returns "repeated" (ignore it), "next", or the trades that are missing before it.
   */
  observe(trade: Trade): "repeated" | "next" | MissedTrades {
    const { instrument, trade_id, time } = trade;
    const held = this.#lastTrades.get(instrument);
    if (held !== undefined && trade_id <= held.trade_id && time <= held.time) return "repeated";
    this.#lastTrades.set(instrument, trade);
    if (held === undefined || trade_id <= held.trade_id + 1) return "next";
    return { instrument, first: held.trade_id + 1, last: trade_id - 1 };
  }

  /** Begin anew with an instrument, or `"*"`: the next trade may have any id. */
  forget(instrument: string): void {
    if (instrument === "*") this.#lastTrades.clear();
    else this.#lastTrades.delete(instrument);
  }
}
