import { describe, expect, test } from "vitest";

import { Ring } from "./ring.js";
import { callWord, refusingSentence, stateSentence, stateWord } from "./stateWords.js";
import { claimsOf } from "./tokenClaims.js";
import { partInSight } from "./windowed.js";

describe("a ring", () => {
  test("keeps the newest, in order, and no more than its limit", () => {
    const ring = new Ring<number>(3);
    expect([ring.last, ring.at(0), ring.newest(5)]).toEqual([undefined, undefined, []]);
    for (const each of [1, 2, 3, 4, 5]) ring.push(each);
    expect([ring.size, ring.at(0), ring.at(2), ring.at(3), ring.last]).toEqual([3, 3, 5, undefined, 5]);
    expect([ring.newest(2), ring.newest(9, 1)]).toEqual([[5, 4], [4, 3]]);
    ring.clear();
    ring.push(9);
    expect([ring.size, ring.last]).toEqual([1, 9]);
  });
});

describe("a long list", () => {
  test("is drawn where it is in sight, and a little beyond", () => {
    expect(partInSight(0, 260, 26, 10_000)).toEqual({ first: 0, end: 16 });
    expect(partInSight(26_000, 260, 26, 10_000)).toEqual({ first: 994, end: 1_016 });
    expect(partInSight(0, 260, 26, 3)).toEqual({ first: 0, end: 3 });
    expect(partInSight(99_999, 260, 26, 3)).toEqual({ first: 3, end: 3 });
  });
});

describe("states", () => {
  test("are said where they are not trading, with their reason", () => {
    expect(stateWord({ state: "open", phase: "continuous" })).toBe("");
    expect(stateWord({ state: "auction", phase: "opening" })).toBe("Opening call");
    expect(stateWord({ state: "auction", phase: "later" })).toBe("Auction call");
    expect(stateSentence({ state: "halted", phase: "", reason: "news <b>pending</b>" })).toBe("Halted: news <b>pending</b>");
    expect(stateSentence({ state: "closed", phase: "", reason: "pending_settlement" })).toBe("Closed: the settlement price is awaited");
    expect(refusingSentence({ state: "halted", phase: "", reason: "news" })).toMatch(/^Halted: news\. Orders and changes are refused/);
    expect(refusingSentence({ state: "delisted", phase: "", reason: "" })).toBe("Delisted. It is not listed any more.");
    expect([refusingSentence(undefined), refusingSentence({ state: "auction", phase: "opening", reason: "" })]).toEqual(["", ""]);
    expect([stateSentence(undefined), stateWord(undefined), callWord("closing")]).toEqual(["Trading", "", "Closing call"]);
  });
});

describe("a token", () => {
  const token = (claims: unknown) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

  test("says who it is of; nothing of it is believed", () => {
    expect(claimsOf(token({ sub: "änne", roles: ["admin", 5], exp: 9 }))).toEqual({ user: "änne", roles: ["admin"], expiresAt: 9 });
    expect(claimsOf(token({ sub: 5, roles: "admin" }))).toEqual({ user: "", roles: [], expiresAt: 0 });
    for (const wrong of ["", "a.b", "a.!!.c", "hello"]) expect(claimsOf(wrong)).toBeNull();
  });
});
