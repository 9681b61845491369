/**
 * Which prices an instrument has: a table of steps that grow with the price, as `terms` tell it.
 *
 * A price is a multiple of the step of the row whose `from` is the greatest that is not above it. Each row begins at a
 * multiple of both steps, so the rows meet. Without a table every whole tick is a price.
 */

import { InvalidArgument } from "./errors.js";
import type { Terms } from "./messages.js";

type Tabled = Pick<Terms, "tick_table"> | undefined;

/** Return the highest price of the table that is at most so many ticks; 0 if there is none. */
export function roundDown(terms: Tabled, ticks: number): number {
  checkTicks(ticks);
  return ticks < 1 ? 0 : ticks - (ticks % stepAt(terms, ticks));
}

/** Return the lowest price of the table that is at least so many ticks. */
export function roundUp(terms: Tabled, ticks: number): number {
  checkTicks(ticks);
  const step = stepAt(terms, ticks);
  return ticks < 1 ? step : Math.ceil(ticks / step) * step; // never beyond the next row's first price, a multiple of this step
}

/** Whether there is such a price. */
export function isOnTick(terms: Tabled, ticks: number): boolean {
  return ticks >= 1 && roundDown(terms, ticks) === ticks;
}

function stepAt(terms: Tabled, ticks: number): number {
  const rows = terms?.tick_table ?? [];
  let step = rows[0]?.[1] ?? 1;
  for (const [from, next] of rows) if (from <= ticks) step = next;
  return step;
}

function checkTicks(ticks: number): void {
  if (!Number.isSafeInteger(ticks)) throw new InvalidArgument(`ticks: is a whole number, not ${String(ticks).slice(0, 60)}`);
}
