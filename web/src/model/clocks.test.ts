import { describe, expect, test } from "vitest";

import { Delays } from "./delays.js";
import { ServerClock } from "./serverClock.js";
import { aheadText, clockText, leftText, momentText, preciseText, zoneText } from "./times.js";

describe("the exchange's clock", () => {
  test("is guessed from the quickest answer, whatever this computer's clock says", () => {
    const clock = new ServerClock();
    expect([clock.isKnown, clock.at(0)]).toEqual([false, NaN]);
    clock.told(100, 1_000_100); // not asked for: good until there is better
    expect([clock.at(100), clock.errorMs]).toEqual([1_000_100, Infinity]);
    clock.heard(200, 240, 5_000_220); // 20 ms each way
    clock.heard(300, 500, 5_000_320); // slow: says less
    expect([clock.at(1_000), clock.errorMs]).toEqual([5_001_000, 20]);
    clock.told(2_000, 1);
    expect(clock.at(1_000)).toBe(5_001_000);
  });

  test("follows a drift: old answers are forgotten", () => {
    const clock = new ServerClock();
    clock.heard(0, 2, 1_001);
    for (let at = 10; at < 40; at += 1) clock.heard(at, at + 10, 2_005 + at);
    expect(clock.offset).toBe(2_000);
  });
});

describe("delays", () => {
  test("are the newest and what 99 of 100 did not exceed, of the last minute", () => {
    const delays = new Delays();
    expect(delays.summary(0)).toBeNull();
    for (let at = 1; at <= 200; at += 1) delays.add(at, at);
    expect(delays.summary(200)).toEqual({ now: 200, p99: 198, count: 200 });
    delays.add(60_150, 3);
    expect(delays.summary(60_150)).toEqual({ now: 3, p99: 200, count: 52 });
    expect(delays.summary(200_000)).toBeNull();
  });

  test("stay bounded, and are never below 0", () => {
    const delays = new Delays();
    for (let at = 0; at < 10_000; at += 1) delays.add(at / 100, -5);
    expect(delays.summary(100)).toEqual({ now: 0, p99: 0, count: 4_096 });
  });
});

describe("times", () => {
  const US = 1_795_170_662_512_345; // 2026-11-20 10:31:02.512345 UTC

  test("are told in the user's zone or the exchange's", () => {
    expect(clockText(US / 1_000, "UTC")).toBe("10:31:02");
    expect(clockText(US / 1_000, "Europe/Berlin")).toBe("11:31:02");
    expect(preciseText(US, "UTC")).toBe("10:31:02.512");
    expect(momentText(US, "America/New_York")).toBe("20 Nov 2026, 05:31:02");
    expect(zoneText(US / 1_000, "UTC")).toBe("UTC");
    expect([clockText(NaN), preciseText(0), momentText(0), zoneText(NaN)]).toEqual(["\u2013", "\u2013", "\u2013", ""]);
  });

  test("a moment ahead has its day where it is not near", () => {
    const now = Date.UTC(2026, 11, 1, 12);
    expect(aheadText((now + 3_600_000) * 1_000, now, "UTC")).toBe("13:00:00");
    expect(aheadText((now + 86_400_000) * 1_000, now, "UTC")).toBe("2 Dec 2026, 12:00:00");
  });

  test("what is left, until any moment", () => {
    expect([leftText(65_000), leftText(7_265_000), leftText(400), leftText(400 * 86_400_000), leftText(0), leftText(-5)]).toEqual(["1:05", "2:01:05", "0:01", "400 days", "any moment", "any moment"]);
  });
});
