/** What the page says of its connection: one state, always in words. Nothing is called verified that was not just now. */

import type { StaleReason } from "openoutcry";

import { lotsText } from "./money.js";

/** How the link to the exchange stands. */
export type Link =
  | { readonly phase: "offline" }
  | { readonly phase: "connecting"; readonly attempt: number }
  | { readonly phase: "live" }
  | { readonly phase: "reconnecting"; readonly attempt: number; readonly reason: string; readonly inMs: number }
  /** It must not be tried again before something has changed. */
  | { readonly phase: "refused"; readonly code: number; readonly reason: string };

export interface Standing {
  readonly link: Link;
  /** State of the gateway's own feed. */
  readonly feed: string;
  /** Why the book that is shown cannot be vouched for; null if it can; undefined: none is shown. */
  readonly stale: StaleReason | "feed" | null | undefined;
  readonly symbol: string;
  readonly seq: number;
  /** Delay of the newest change; null if none came in the last minute. */
  readonly delayMs: number | null;
  /** Whether the page itself has not looked for a while: it was hidden, or its worker does not answer. */
  readonly isAsleep: boolean;
}

export interface Words {
  /** Never shown by colour alone: each tone has its sign. */
  readonly tone: "good" | "warn" | "bad";
  readonly word: string;
  readonly detail: string;
  /** Whether prices on the screen may be traded on. */
  readonly isTrusted: boolean;
}

/** The replica's name, of a session's: what stands before its last "-"; a gateway of before gave sessions no such part. */
export function replicaOf(session: string): string {
  return session.slice(0, Math.max(0, session.lastIndexOf("-")));
}

/** From here on changes are called late. */
export const LAG_MS = 1_000;

const WHY_STALE: Readonly<Record<string, string>> = {
  joining: "its first state has not come yet",
  disconnected: "nothing was heard for too long",
  gap: "a change is missing; a new state is on its way",
  corrupt: "its digest disagreed; a new state is on its way",
  behind: "the exchange is further; a new state is on its way",
  delisted: "it is not listed any more",
  unfollowed: "it is not followed",
  feed: "the gateway hears nothing from the exchange",
};

/** Say how things stand. */
export function connectionWords({ link, feed, stale, symbol, seq, delayMs, isAsleep }: Standing): Words {
  if (link.phase === "offline") return { tone: "bad", word: "Not connected", detail: "log in to connect", isTrusted: false };
  if (link.phase === "refused") return { tone: "bad", word: "Refused", detail: refusal(link.code, link.reason), isTrusted: false };
  if (link.phase === "connecting") return { tone: "warn", word: "Connecting", detail: link.attempt > 1 ? `attempt ${link.attempt}` : "", isTrusted: false };
  if (link.phase === "reconnecting") {
    const when = link.inMs >= 1_000 ? `in ${Math.ceil(link.inMs / 1_000)} s` : "now";
    return { tone: "bad", word: "Reconnecting", detail: `attempt ${link.attempt + 1} ${when}${link.reason === "" ? "" : `; ${link.reason}`}`, isTrusted: false };
  }
  if (isAsleep) return { tone: "warn", word: "Looking again", detail: "the page was asleep", isTrusted: false };
  if (feed === "stale") return { tone: "bad", word: "Stale", detail: "the gateway hears nothing from the exchange", isTrusted: false };
  if (feed === "resyncing") return { tone: "bad", word: "Resyncing", detail: "the gateway is loading the market again", isTrusted: false };
  if (stale === undefined) return { tone: "good", word: "Live", detail: "no book is shown", isTrusted: true };
  if (stale === "joining") return { tone: "warn", word: "Joining", detail: `${symbol}: ${WHY_STALE["joining"]}`, isTrusted: false };
  if (stale !== null) return { tone: "bad", word: "Stale", detail: `${symbol}: ${WHY_STALE[stale] ?? stale}`, isTrusted: false };
  if (delayMs !== null && delayMs >= LAG_MS) {
    return { tone: "warn", word: "Lagging", detail: `changes come ${(delayMs / 1_000).toFixed(1)} s late; ${symbol} verified at seq ${lotsText(seq)}`, isTrusted: true };
  }
  return { tone: "good", word: "Live and verified", detail: `${symbol} at seq ${lotsText(seq)}`, isTrusted: true };
}

function refusal(code: number, reason: string): string {
  if (code === 4505) return "the token has ended: log in again";
  if (code === 4504) return "too many connections of yours are open: close one";
  return reason === "" ? `code ${code}` : reason;
}
