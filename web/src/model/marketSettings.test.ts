import { describe, expect, test } from "vitest";

import { actionWords, readSettings } from "./marketSettings.js";

describe("what is set and what waits", () => {
  test("is read row by row; kinds that are not known are passed by", () => {
    const found = readSettings(3, [
      ["market", true, true],
      ["rule", "Q4", "blackout", ["finance"], ["EVIL"], 0, 1_797_552_000_000_000, {}, false, true],
      ["clearance", "C-17", "u-1", "ACME", "ask", 100, 0, 1_796_400_000_000_000, 60],
      ["kill", "user", "u-9", 5, "leaver"],
      ["proposal", "p-1", "admin-1", 7, [["set_kill", { scope: "user", on: false, name: "u-9", reason: "" }]]],
      ["limits", "", "staff", null, { open_orders_max: 20 }],
      ["groups", "u-2", ["finance", "staff"]],
      ["hologram", 1, 2],
      "no row",
    ]);
    expect(found).toMatchObject({ revision: 3, keepsAccounts: true, needsTwo: true });
    expect(found.rules[0]).toMatchObject({ id: "Q4", kind: "blackout", groups: ["finance"], isDiscreet: false, isInForce: true });
    expect(found.clearances[0]).toMatchObject({ lots: 100, used: 60, side: "ask" });
    expect(found.kills[0]).toEqual({ scope: "user", name: "u-9", since: 5, reason: "leaver" });
    expect(found.proposals[0]?.actions).toEqual([["set_kill", { scope: "user", on: false, name: "u-9", reason: "" }]]);
    expect(found.limits[0]).toMatchObject({ owner: "group staff", instrument: "" });
  });

  test("an action is a line of what it says", () => {
    expect(actionWords("set_kill", { scope: "user", on: false, name: "u-9", reason: "" })).toBe("Kill switch, scope user, name u-9");
    expect(actionWords("set_clearance", { clearance_id: "C-17", lots: 100, from_us: 0, until_us: 1_796_400_000_000_000 })).toBe("Set clearance, clearance id C-17, lots 100, until 2026-12-04 16:00:00 UTC");
    expect(actionWords("set_limits", { limits: { order_value_max: 50_000_000_000, may_short: null }, steps: [1, 2, 3, 4, 5, 6, 7] })).toBe("Set limits, limits order value max 50,000.00, steps 7 of them");
    expect(actionWords("make_transfer", { kind: "deposit", asset: "USD", amount: 1_000_500_000 })).toBe("Transfer, kind deposit, asset USD, amount 1,000.50");
    expect(actionWords("make_transfer", { kind: "grant", asset: "ACME", amount: 500 })).toBe("Transfer, kind grant, asset ACME, amount 500");
    expect(actionWords("melt", {})).toBe("melt");
  });
});
