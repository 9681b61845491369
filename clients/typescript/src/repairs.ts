/**
 * What was asked for to become whole again, and when to ask again: three times, then the connection is given up.
 */

import type { Request } from "./requests.js";

/** Time for a snapshot to come before it is asked for again. */
export const REPAIR_MS = 2_000;
/** Times that it is asked for on one connection. */
export const REPAIR_ATTEMPTS_MAX = 3;

interface Repair {
  readonly request: Request;
  attempts: number;
  deadline: number;
}

export class Repairs {
  readonly #repairs = new Map<string, Repair>();

  /** Note that `what` needs a repair. Returns false if it is under way already. */
  begin(what: string, request: Request, now: number): boolean {
    if (this.#repairs.has(what)) return false;
    this.#repairs.set(what, { request, attempts: 1, deadline: now + REPAIR_MS });
    return true;
  }

  /** It is whole again. */
  end(what: string): void {
    this.#repairs.delete(what);
  }

  endAll(): void {
    this.#repairs.clear();
  }

  /** When to ask again; null if nothing is under way. */
  nextDeadline(): number | null {
    const deadlines = [...this.#repairs.values()].map((repair) => repair.deadline);
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  /** Return the requests to make again; null if one of them was made often enough. */
  takeDue(now: number): Request[] | null {
    const due = [...this.#repairs.values()].filter((repair) => repair.deadline <= now);
    if (due.some((repair) => repair.attempts >= REPAIR_ATTEMPTS_MAX)) return null;
    for (const repair of due) {
      repair.attempts += 1;
      repair.deadline = now + REPAIR_MS;
    }
    return due.map((repair) => repair.request);
  }
}
