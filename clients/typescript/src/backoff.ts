/**
 * Full jitter: a random part of a bound that doubles, so that 1,000 clients do not return at the same moment.
 */

export const BACKOFF_MS_MIN = 100;
export const BACKOFF_MS_MAX = 5_000;

export class Backoff {
  readonly #random: () => number;
  #bound = BACKOFF_MS_MIN;

  /** @param random Returns numbers from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Return the time to wait in ms, and double the bound. */
  next(): number {
    const wait = this.#random() * this.#bound;
    this.#bound = Math.min(this.#bound * 2, BACKOFF_MS_MAX);
    return wait;
  }

  /** Things went well for a while: begin with the smallest bound again. */
  reset(): void {
    this.#bound = BACKOFF_MS_MIN;
  }
}
