/**
 * Which of two executions is the later one. A new epoch counts `user_seq` from 1 again, so the number alone does not say:
 * the engine's time does, and the number between those of one command.
 */

export interface Placed {
  /** µs. */
  readonly time: number;
  readonly userSeq: number;
}

export const NOTHING_YET: Placed = { time: 0, userSeq: 0 };

export function isAfter(one: Placed, other: Placed): boolean {
  return one.time > other.time || (one.time === other.time && one.userSeq > other.userSeq);
}

/** For sorting, the newest first. */
export function newestFirst(one: Placed, other: Placed): number {
  return isAfter(one, other) ? -1 : isAfter(other, one) ? 1 : 0;
}
