import { describe, expect, test } from "vitest";

import { connectionWords, replicaOf } from "./connectionWords.js";
import type { Standing } from "./connectionWords.js";

const LIVE: Standing = { link: { phase: "live" }, feed: "open", stale: null, symbol: "ACME", seq: 12_345, delayMs: 4, isAsleep: false };
const words = (part: Partial<Standing>) => connectionWords({ ...LIVE, ...part });

describe("what is said of the connection", () => {
  test("is verified only if all of it is: link, feed, book, and a page that looks", () => {
    expect(words({})).toEqual({ tone: "good", word: "Live and verified", detail: "ACME at seq 12,345", isTrusted: true });
    const others: Partial<Standing>[] = [
      { link: { phase: "offline" } }, { link: { phase: "connecting", attempt: 1 } }, { link: { phase: "reconnecting", attempt: 1, reason: "", inMs: 0 } },
      { link: { phase: "refused", code: 4505, reason: "" } }, { feed: "stale" }, { feed: "resyncing" }, { isAsleep: true },
      ...(["joining", "disconnected", "gap", "corrupt", "behind", "delisted", "unfollowed", "feed"] as const).map((stale) => ({ stale })),
    ];
    for (const each of others) {
      expect(words(each).isTrusted).toBe(false);
      expect(words(each).word).not.toContain("verified");
      expect(words(each).tone).not.toBe("good");
    }
  });

  test("names what is wrong", () => {
    expect(words({ link: { phase: "reconnecting", attempt: 2, reason: "nobody answers", inMs: 2_400 } }).detail).toBe("attempt 3 in 3 s; nobody answers");
    expect(words({ link: { phase: "refused", code: 4505, reason: "expired" } }).detail).toBe("the token has ended: log in again");
    expect(words({ link: { phase: "refused", code: 4500, reason: "names nobody" } }).detail).toBe("names nobody");
    expect(words({ stale: "delisted" }).detail).toBe("ACME: it is not listed any more");
    expect(words({ stale: undefined })).toMatchObject({ word: "Live", detail: "no book is shown" });
  });

  test("names the replica by its session's name", () => {
    expect([replicaOf("gateway-2:8101-3fa9c1d20b44"), replicaOf("g1-42"), replicaOf("3fa9c1d20b44"), replicaOf("")]).toEqual(["gateway-2:8101", "g1", "", ""]);
  });

  test("late is late, and still verified", () => {
    expect(words({ delayMs: 2_340 })).toMatchObject({ tone: "warn", word: "Lagging", isTrusted: true, detail: "changes come 2.3 s late; ACME verified at seq 12,345" });
    expect(words({ delayMs: null }).word).toBe("Live and verified");
  });
});
