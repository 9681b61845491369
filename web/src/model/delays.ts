/** How long changes of the market were on their way, over the last minute. */

/** Time that is looked back. */
export const WINDOW_MS = 60_000;
/** Delays kept: at more than 68 a second the window is shorter. */
const DELAYS_MAX = 4_096;

export interface Delay {
  /** The newest, ms. */
  readonly now: number;
  /** What 99 of 100 did not exceed, ms. */
  readonly p99: number;
  readonly count: number;
}

export class Delays {
  readonly #times = new Float64Array(DELAYS_MAX);
  readonly #delays = new Float64Array(DELAYS_MAX);
  #next = 0;
  #count = 0;

  /** A change was heard after so many ms. O(1). */
  add(nowMs: number, delayMs: number): void {
    this.#times[this.#next] = nowMs;
    this.#delays[this.#next] = Math.max(0, delayMs);
    this.#next = (this.#next + 1) % DELAYS_MAX;
    this.#count = Math.min(this.#count + 1, DELAYS_MAX);
  }

  /** Return the last minute's; null if nothing was heard in it. O(n log n): ask once a second. */
  summary(nowMs: number): Delay | null {
    const found: number[] = [];
    for (let back = 1; back <= this.#count; back += 1) {
      const place = (this.#next - back + DELAYS_MAX) % DELAYS_MAX;
      if (nowMs - (this.#times[place] as number) > WINDOW_MS) break;
      found.push(this.#delays[place] as number);
    }
    const now = found[0];
    if (now === undefined) return null;
    found.sort((a, b) => a - b);
    return { now, p99: found[Math.ceil(found.length * 0.99) - 1] as number, count: found.length };
  }

  clear(): void {
    this.#count = 0;
  }
}

/** Milliseconds for people: "4 ms", "1.2 s". */
export function delayText(ms: number): string {
  return ms < 1_000 ? `${ms < 9.5 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
