import { describe, expect, test } from "vitest";

import { amountText, changeText, lotsText, millionths, moneyText, priceText, signedMoneyText, valueOf } from "./money.js";

const ACME = { symbol: "ACME", tick_size: "0.01", currency: "USD", lot_size: 1 };
const FINE = { symbol: "FINE", tick_size: "0.000125", currency: "USD", lot_size: 100 };
const WHOLE = { symbol: "WHOLE", tick_size: "5", currency: "JPY", lot_size: 1 };

describe("money", () => {
  test("is read and written exactly", () => {
    expect(millionths("-1050.250000")).toBe(-1_050_250_000n);
    expect(millionths("0.1")).toBe(100_000n);
    expect(millionths("12")).toBe(12_000_000n);
    for (const wrong of ["", "1.", "1e3", "1,000", "0.1234567", "+1"]) expect(millionths(wrong)).toBeNull();
    expect(moneyText(1_234_500_000n)).toBe("1,234.50");
    expect(moneyText(-500_000n)).toBe("\u22120.50");
    expect(moneyText(1n)).toBe("0.000001");
    expect(moneyText(0n)).toBe("0.00");
    expect(moneyText(123_456_789_012_345_678_900_000n)).toBe("123,456,789,012,345,678.90");
    expect(signedMoneyText(250_000n)).toBe("+0.25");
    expect(signedMoneyText(0n)).toBe("0.00");
  });

  test("of an order is price by lots by what a tick and a lot are", () => {
    expect(valueOf(ACME, 10_200, 50)).toBe(5_100_000_000n);
    expect(valueOf(FINE, 3, 7)).toBe(262_500n);
    expect(valueOf(ACME, 2_147_483_647, 4_294_967_295)).toBe(92_233_720_304_123_248_650_000n);
  });
});

describe("prices and lots", () => {
  test("have the instrument's decimals, and figures of the same width", () => {
    expect(priceText(ACME, 10_200)).toBe("102.00");
    expect(priceText(ACME, 102_000_000)).toBe("1,020,000.00");
    expect(priceText(FINE, 3)).toBe("0.000375");
    expect(priceText(WHOLE, 3)).toBe("15");
    expect(priceText(ACME, 0)).toBe("\u2013");
    expect(amountText(ACME, -5)).toBe("\u22120.05");
    expect(amountText(ACME, 0)).toBe("0.00");
    expect(lotsText(-12_000)).toBe("\u221212,000");
  });

  test("changes say their direction by a sign", () => {
    expect(changeText(10_000, 10_125)).toBe("+1.25 %");
    expect(changeText(10_000, 9_999)).toBe("\u22120.01 %");
    expect(changeText(10_000, 10_000)).toBe("0.00 %");
    expect(changeText(0, 5)).toBe("\u2013");
  });
});
