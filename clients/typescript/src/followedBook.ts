/**
 * One followed book and whether it can be vouched for.
 *
 * Owns rules 1 to 6 of docs/protocol.md, "The client's rule", for one book. Says that a snapshot is needed; asking for
 * it is left to the session.
 */

import { DepthBook, Verdict } from "./depthBook.js";
import type { Delta, Snapshot } from "./messages.js";
import type { Position } from "./requests.js";

/** Why a book cannot be vouched for. */
export type StaleReason =
  /** Nothing has come yet. */
  | "joining"
  /** The connection ended; what was missed is not known yet. */
  | "disconnected"
  /** A delta began after the position held. */
  | "gap"
  /** The digest disagreed. */
  | "corrupt"
  /** A heartbeat named a seq above the position held. */
  | "behind"
  /** A new epoch does not list the instrument; it is followed no more. */
  | "delisted"
  /** It is followed no more: it was left, or the server refused it. It stays as it was. */
  | "unfollowed";

/** Whether an observation ended well, changed nothing, or asks for a snapshot. */
export type Outcome = "updated" | "unchanged" | "lost";

export class FollowedBook {
  readonly book: DepthBook;
  #staleReason: StaleReason | null = "joining";
  /** False before the first snapshot and after a wrong digest: then the position is worth nothing. */
  #standsOnHistory = false;

  constructor(instrument: string) {
    this.book = new DepthBook(instrument);
  }

  /** Why it cannot be vouched for; null if it can. */
  get staleReason(): StaleReason | null {
    return this.#staleReason;
  }

  /** What to resume from on the next connection; null if only a snapshot will do. */
  get resumePosition(): Position | null {
    return this.#standsOnHistory && this.book.depth === 0 ? this.book.position : null;
  }

  /** Rule 1, and 5 for the snapshot's own digest. */
  onSnapshot(snapshot: Snapshot): Outcome {
    return this.#judge(this.book.load(snapshot));
  }

  /** Rules 2 to 5. A book that waits for its snapshot looks at nothing else. */
  onDelta(delta: Delta): Outcome {
    if (this.#needsSnapshot || (this.#standsOnHistory && delta.depth !== this.book.depth)) return "unchanged";
    if (this.#confirms(delta)) return this.#vouch();
    return this.#judge(this.book.apply(delta));
  }

  /** Rule 6: `seq` is the last that the server sent for this book on this connection. */
  onHeartbeat(seq: number): Outcome {
    if (this.#needsSnapshot) return "unchanged";
    if (seq > this.book.seq || !this.#standsOnHistory) return this.#lose("behind");
    // A resume onto an unchanged book may be answered by nothing at all; then this is what confirms it.
    return this.#staleReason === "disconnected" && seq === this.book.seq ? this.#vouch() : "unchanged";
  }

  /** Whatever comes next comes on another connection. Returns whether it could be vouched for till now. */
  onDisconnected(): boolean {
    const wasLive = this.#staleReason === null;
    if (this.#standsOnHistory) this.#staleReason = "disconnected";
    else this.#staleReason = "joining";
    return wasLive;
  }

  get #needsSnapshot(): boolean {
    return this.#staleReason === "gap" || this.#staleReason === "corrupt" || this.#staleReason === "behind";
  }

  /** An empty range that names what is held, after a resume: nothing was missed. */
  #confirms(delta: Delta): boolean {
    const { seq, digest } = this.book;
    return this.#staleReason === "disconnected" && delta.seq === seq && delta.digest === digest;
  }

  #judge(verdict: Verdict): Outcome {
    switch (verdict) {
      case Verdict.APPLY:
        return this.#vouch();
      case Verdict.DUPLICATE:
        return "unchanged";
      case Verdict.GAP:
        return this.#lose("gap");
      case Verdict.CORRUPT:
        this.#standsOnHistory = false;
        return this.#lose("corrupt");
    }
  }

  #vouch(): Outcome {
    this.#standsOnHistory = true;
    this.#staleReason = null;
    return "updated";
  }

  #lose(reason: StaleReason): Outcome {
    this.#staleReason = reason;
    return "lost";
  }
}
