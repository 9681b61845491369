/**
 * The ladder: a row a price, the best ones in the middle, with what is bid and asked there and from the best one on.
 *
 * Rows may be of several ticks. Then a bid counts to the row at or below it, an ask to the row at or above it, so that a
 * row's price is one at which all that it shows would trade.
 */

import type { BookSide } from "openoutcry";

/** Most rows that a page may ask for. */
export const ROWS_MAX = 300;

export interface LadderRow {
  /** Ticks. */
  readonly price: number;
  /** Lots bid and asked at this row. */
  readonly bid: number;
  readonly ask: number;
  /** Lots from the best price up to this row; 0 on rows that are better than the best, or if the side has none. */
  readonly bidTotal: number;
  readonly askTotal: number;
}

type Side = Pick<BookSide, "best" | "size" | "levels">;

type Row = { -readonly [Name in keyof LadderRow]: LadderRow[Name] };

/** Return `count` rows from `top` downwards, `step` ticks apart; fewer if they would end below 1. O(rows, and levels to the farthest). */
export function ladderRows(bids: Side, asks: Side, top: number, count: number, step: number): LadderRow[] {
  const rows: Row[] = [];
  for (let price = top; rows.length < count && price >= 1; price -= step) rows.push({ price, bid: 0, ask: 0, bidTotal: 0, askTotal: 0 });
  const last = rows[rows.length - 1];
  if (last === undefined) return [];
  // Levels are at most one a tick apart: so many reach to the last row, whatever the book's depth.
  let [at, total] = [0, 0];
  const bidLevels = levelsTo(bids, bids.best - last.price);
  for (const row of rows) {
    for (let level = bidLevels[at]; level !== undefined && level[0] >= row.price; level = bidLevels[at]) {
      if (level[0] < row.price + step) row.bid += level[1];
      total += level[1];
      at += 1;
    }
    row.bidTotal = total;
  }
  [at, total] = [0, 0];
  const askLevels = levelsTo(asks, top - asks.best);
  for (const row of rows.toReversed()) {
    for (let level = askLevels[at]; level !== undefined && level[0] <= row.price; level = askLevels[at]) {
      if (level[0] > row.price - step) row.ask += level[1];
      total += level[1];
      at += 1;
    }
    row.askTotal = total;
  }
  return rows;
}

function levelsTo(side: Side, ticks: number): ReturnType<Side["levels"]> {
  return ticks < 0 || side.size === 0 ? [] : side.levels(Math.min(side.size, ticks + 1));
}

/** Where the ladder looks: its topmost row's price. */
export interface Sight {
  readonly rows: number;
  /** Ticks a row. */
  readonly step: number;
  /** A price to keep in the middle; null: the market's, whenever it leaves the middle part. */
  readonly centre: number | null;
}

/** The price around which a book stands: between the best ones, or the one that there is, or the last; 0: none. */
export function middleOf(bid: number, ask: number, last: number): number {
  if (bid > 0 && ask > 0) return Math.round((bid + ask) / 2);
  return bid || ask || last;
}

/**
 * Return the topmost row's price, a multiple of the step.
 *
 * While the middle of the market is within the middle half of the rows it stays where it is: prices that jump about under
 * a finger or an eye cost more than a market that is a little off the middle.
 */
export function nextTop(top: number, { rows, step, centre }: Sight, middle: number): number {
  const aim = centre ?? middle;
  if (aim <= 0) return top;
  const place = (top - aim) / step;
  const isAligned = top > 0 && top % step === 0;
  if (centre === null && isAligned && place >= rows / 4 && place <= (rows * 3) / 4) return top;
  const above = Math.floor(rows / 2);
  return (Math.max(Math.round(aim / step), rows - above) + above) * step;
}
