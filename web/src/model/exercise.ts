/** What exercising an option would bring and cost, exactly. */

import type { Instrument } from "openoutcry";

import { lotsText, moneyText, priceText, valueOf } from "./money.js";

/** Whether the exchange acts on an option's terms: without an end it does not. */
export function isExercised(instrument: Instrument | undefined): boolean {
  return (instrument?.option?.expires_at ?? 0) > 0;
}

/** Whether it may be done before its end. */
export function isExercisedAnyTime({ option }: Instrument): boolean {
  return (option?.style ?? "any") === "any";
}

/** "pay 2,400.00 USD and get 20 ACME"; "" if the underlying or the lots are not known. */
export function exchangeWords({ option }: Instrument, underlying: Instrument | undefined, lots: number): string {
  if (option === null || underlying === undefined || lots < 1) return "";
  const shares = lots * (option.multiplier ?? 1);
  const money = `${moneyText(valueOf(underlying, option.strike, shares))} ${underlying.currency}`;
  const things = `${lotsText(shares)} ${underlying.symbol}`;
  return option.right === "put" ? `give ${things} and get ${money}` : `pay ${money} and get ${things}`;
}

/** "A right to buy 10 ACME at 120.00 a lot". */
export function rightWords({ option }: Instrument, underlying: Instrument | undefined): string {
  if (option === null) return "";
  const strike = underlying === undefined ? `${lotsText(option.strike)} ticks` : `${priceText(underlying, option.strike)} ${underlying.currency}`;
  return `Each lot is a right to ${option.right === "put" ? "sell" : "buy"} ${lotsText(option.multiplier ?? 1)} ${option.underlying} at ${strike}`;
}

/** What happens at its end, in words. */
export const AT_EXPIRY: Readonly<Record<string, string>> = { cash: "what it is worth is paid", exercise: "it is exercised by itself", lapse: "it lapses" };
