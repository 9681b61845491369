/** Which rows of a long list are in sight: 10,000 executions cost as much to draw as 30. */

/** Rows drawn beyond the edges, so that quick scrolling shows no holes. */
const BEYOND = 6;

export interface Part {
  readonly first: number;
  /** One beyond the last. */
  readonly end: number;
}

/** Return the rows to draw of `count` rows, each `rowPx` high. */
export function partInSight(scrollTop: number, height: number, rowPx: number, count: number): Part {
  const first = Math.floor(scrollTop / rowPx) - BEYOND;
  const end = Math.ceil((scrollTop + height) / rowPx) + BEYOND;
  return { first: Math.max(0, Math.min(first, count)), end: Math.max(0, Math.min(end, count)) };
}
