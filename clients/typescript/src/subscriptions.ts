/**
 * What the user wants to follow, across connections, and the few requests that ask for it again on a new one.
 */

import type { Channel, IntervalMs, Position, Subscribe } from "./requests.js";

/** Named instruments a request, so that it stays below 16 KiB with the longest symbols and their positions. */
export const INSTRUMENTS_PER_REQUEST = 128;

/** One instrument of one channel. `instrument` may be `"*"`. */
export interface Wish {
  readonly channel: Channel;
  readonly instrument: string;
  readonly depth: number;
  readonly intervalMs: IntervalMs;
}

export class Subscriptions {
  readonly #wishes = new Map<string, Wish>();

  /** Want it, in place of what was wanted of this instrument in this channel. */
  add(wish: Wish): void {
    this.#wishes.set(keyOf(wish.channel, wish.instrument), wish);
  }

  /** Want it no more. */
  remove(channel: Channel, instrument: string): void {
    this.#wishes.delete(keyOf(channel, instrument));
  }

  /** Return the wish for this very instrument, and not for all. */
  named(channel: Channel, instrument: string): Wish | undefined {
    return this.#wishes.get(keyOf(channel, instrument));
  }

  /** Return the wish that covers an instrument: its own, or that for all. */
  find(channel: Channel, instrument: string): Wish | undefined {
    return this.#wishes.get(keyOf(channel, instrument)) ?? this.#wishes.get(keyOf(channel, "*"));
  }

  /**
   * Return whether books and tops of the same instrument would have the same depth. Both come as `snapshot`, which
   * names its instrument and depth, and not its channel.
   */
  isAmbiguous(wish: Wish): boolean {
    if (wish.channel !== "book" && wish.channel !== "top") return false;
    return [...this.#wishes.values()].some(
      (other) =>
        (other.channel === "book" || other.channel === "top") &&
        other.channel !== wish.channel &&
        (other.instrument === wish.instrument || other.instrument === "*" || wish.instrument === "*") &&
        depthOf(other) === depthOf(wish),
    );
  }

  /**
   * Ask for everything again, `"*"` first, in as few requests as possible.
   *
   * @param positions Where the books stand that can be resumed. Those followed by `"*"` cannot: a server refuses
   *   positions of instruments that the request does not name.
   */
  requests(positions: ReadonlyMap<string, Position>): Subscribe[] {
    const alike = new Map<string, Wish[]>();
    for (const wish of this.#wishes.values()) {
      const kind = [wish.channel, wish.depth, wish.intervalMs, wish.instrument === "*"].join(" ");
      alike.set(kind, [...(alike.get(kind) ?? []), wish]);
    }
    const requests = [...alike.values()].flatMap((wishes) =>
      chunks(wishes, INSTRUMENTS_PER_REQUEST).map((chunk) => requestFor(chunk, positions)),
    );
    return requests.sort((one, other) => Number(isForAll(other)) - Number(isForAll(one)));
  }
}

/** The depth that snapshots name. */
export function depthOf({ channel, depth }: Wish): number {
  return channel === "top" && depth === 0 ? 1 : depth;
}

function keyOf(channel: Channel, instrument: string): string {
  return `${channel} ${instrument}`;
}

function isForAll(request: Subscribe): boolean {
  return request.instruments?.includes("*") ?? true;
}

function requestFor(wishes: readonly Wish[], positions: ReadonlyMap<string, Position>): Subscribe {
  const [{ channel, depth, intervalMs }] = wishes as [Wish];
  const instruments = wishes.map((wish) => wish.instrument);
  const resume = channel === "book" && depth === 0 ? resumeOf(instruments, positions) : undefined;
  return {
    op: "subscribe",
    channel,
    instruments: channel === "account" ? undefined : instruments,
    depth: depth || undefined,
    interval_ms: intervalMs || undefined,
    resume,
  };
}

function resumeOf(
  instruments: readonly string[], positions: ReadonlyMap<string, Position>,
): Record<string, Position> | undefined {
  const resume: Record<string, Position> = {};
  for (const name of instruments) {
    const position = positions.get(name);
    if (position !== undefined) resume[name] = position;
  }
  return Object.keys(resume).length === 0 ? undefined : resume;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}
