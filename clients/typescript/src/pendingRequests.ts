/**
 * Requests that wait for their reply, each until its deadline. All wait equally long, so the oldest is the next due.
 */

import type { Request } from "./requests.js";

export interface Pending {
  readonly id: number;
  readonly request: Request;
  /** Whether the session asked of its own accord, and nobody waits to be told. */
  readonly isOwn: boolean;
  readonly deadline: number;
}

export class PendingRequests {
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Number of requests that wait. */
  get size(): number {
    return this.#pending.size;
  }

  /** Remember a request that is about to be sent, and return the id for it. */
  add(request: Request, isOwn: boolean, now: number): number {
    this.#lastId += 1;
    this.#pending.set(this.#lastId, { id: this.#lastId, request, isOwn, deadline: now + this.#timeoutMs });
    return this.#lastId;
  }

  /** Return the request that a reply is for and forget it; undefined if there is none. */
  take(id: number | string | null): Pending | undefined {
    const pending = typeof id === "number" ? this.#pending.get(id) : undefined;
    if (pending !== undefined) this.#pending.delete(pending.id);
    return pending;
  }

  /** When the oldest is due; null if none waits. */
  nextDeadline(): number | null {
    for (const { deadline } of this.#pending.values()) return deadline;
    return null;
  }

  /** Forget and return those whose time is up. */
  takeOverdue(now: number): Pending[] {
    const overdue: Pending[] = [];
    for (const pending of this.#pending.values()) {
      if (pending.deadline > now) break;
      overdue.push(pending);
      this.#pending.delete(pending.id);
    }
    return overdue;
  }

  /** Forget and return all. */
  takeAll(): Pending[] {
    return this.takeOverdue(Infinity);
  }
}
