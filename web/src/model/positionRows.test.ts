import type { Instrument } from "openoutcry";
import { describe, expect, test } from "vitest";

import { moneyRows, positionRows } from "./positionRows.js";

const ACME = { symbol: "ACME", tick_size: "0.01", lot_size: 10, currency: "USD" } as Instrument;
const instrumentOf = (symbol: string) => (symbol === "ACME" ? ACME : undefined);

describe("positions", () => {
  test("have their average, their value and what would be won", () => {
    const holdings = { ACME: { lots: 60, reserved: 20, restricted: [{ until: 5, lots: 7, why: "vesting" }, { until: 50, lots: 30, why: "vesting" }], cost: "60000.000000" } };
    const [row] = positionRows({ positions: { ACME: 60 }, holdings, keepsAccounts: true }, 10, instrumentOf, () => 10_100);
    expect(row).toMatchObject({ lots: 60, offered: 20, free: 10, average: 100_000_000n, value: 60_600_000_000n, unrealised: 600_000_000n, currency: "USD" });
    expect(row?.held).toEqual([{ until: 50, lots: 30, why: "vesting" }]);
    const [then] = positionRows({ positions: { ACME: 60 }, holdings, keepsAccounts: true }, 50, instrumentOf, () => 10_100);
    expect(then).toMatchObject({ free: 40, held: [] }); // at the very moment
  });

  test("without a price, without accounts or of what is short say nothing rather than something wrong", () => {
    const holdings = { ACME: { lots: -5, reserved: 0, restricted: [], cost: "0.000000" } };
    expect(positionRows({ positions: {}, holdings, keepsAccounts: true }, 0, instrumentOf, () => 0)[0]).toMatchObject({ average: null, value: null, unrealised: null, free: 0 });
    expect(positionRows({ positions: { ACME: 5 }, holdings: {}, keepsAccounts: false }, 0, instrumentOf, () => 100)[0]).toMatchObject({ average: null, cost: null, unrealised: null, value: 50_000_000n });
    expect(positionRows({ positions: { GONE: 5 }, holdings: {}, keepsAccounts: false }, 0, instrumentOf, () => 100)[0]).toMatchObject({ lots: 5, value: null });
  });

  test("none is none", () => {
    expect(positionRows({ positions: {}, holdings: { ACME: { lots: 0, reserved: 0, restricted: [], cost: "0.000000" } }, keepsAccounts: true }, 0, instrumentOf, () => 1)).toEqual([]);
  });
});

describe("money", () => {
  test("is held, reserved, free and won", () => {
    const account = { cash: { USD: "1000.500000" }, reserved: { USD: "400.000000" }, result: { USD: "-2.000000" }, keepsAccounts: true };
    expect(moneyRows(account, [])).toEqual([{ currency: "USD", held: 1_000_500_000n, reserved: 400_000_000n, free: 600_500_000n, result: -2_000_000n, unrealised: 0n }]);
    expect(moneyRows({ ...account, keepsAccounts: false }, [])[0]?.result).toBeNull();
  });
});
