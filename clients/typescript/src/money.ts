/**
 * Prices in money and prices in ticks, exactly: an instrument's `tick_size` is a decimal text, and numbers have no 0.1.
 */

import { InvalidArgument } from "./errors.js";
import type { Instrument } from "./messages.js";

/** Highest price in ticks, of any instrument. */
const TICKS_MAX = 2n ** 31n - 1n;
const DECIMAL = /^(-?)(\d{1,30})(?:\.(\d{1,30}))?$/;

type Priced = Pick<Instrument, "symbol" | "tick_size" | "currency">;

/**
 * Turn a price in money into ticks.
 *
 * @param amount A decimal text such as "99.90"; a number counts as the shortest decimal that means it: 99.9 is 99.9.
 * @throws InvalidArgument if it is no amount, lies between two ticks, or is beyond every price.
 */
export function ticksOf(instrument: Priced, amount: string | number): number {
  const text = typeof amount === "number" ? String(amount) : amount;
  const found = typeof text === "string" ? DECIMAL.exec(text) : null;
  if (found === null) throw new InvalidArgument(`amount: is a decimal text such as "99.90", or a number, not ${String(text).slice(0, 60)}`);
  const decimals = Math.max(decimalsOf(text), decimalsOf(instrument.tick_size));
  const value = scaled(text, decimals);
  const tick = scaled(instrument.tick_size, decimals);
  const ticks = value / tick;
  if (ticks > TICKS_MAX || ticks < -TICKS_MAX) throw new InvalidArgument(`amount: ${text} ${instrument.currency} is more than ${TICKS_MAX} ticks`);
  if (ticks * tick !== value) {
    const other = Number(ticks) + (value > 0n ? 1 : -1);
    const nearest = [Number(ticks), other].sort((a, b) => a - b).map((each) => amountOf(instrument, each));
    throw new InvalidArgument(
      `amount: ${text} is no whole number of ${instrument.symbol}'s ticks of ${instrument.tick_size} ${instrument.currency}; ` +
        `the nearest are ${nearest.join(" and ")}`,
    );
  }
  return Number(ticks);
}

/**
 * Write what so many ticks are worth in the instrument's currency, with all decimals that the tick has.
 *
 * @throws InvalidArgument if they are no whole number.
 */
export function amountOf(instrument: Priced, ticks: number): string {
  if (!Number.isSafeInteger(ticks)) throw new InvalidArgument(`ticks: is a whole number, not ${String(ticks).slice(0, 60)}`);
  const decimals = decimalsOf(instrument.tick_size);
  const value = BigInt(ticks) * scaled(instrument.tick_size, decimals);
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  return `${value < 0n ? "-" : ""}${whole}${decimals > 0 ? `.${digits.slice(digits.length - decimals)}` : ""}`;
}

function decimalsOf(text: string): number {
  return text.split(".")[1]?.length ?? 0;
}

/** Return a decimal text as a whole number of 10^-decimals. */
function scaled(text: string, decimals: number): bigint {
  const [whole = "0", part = ""] = text.split(".");
  return BigInt(whole + part.padEnd(decimals, "0"));
}
