/**
 * Money, prices and lots as people read them, exactly: whole numbers inside, text at the edge.
 *
 * Money is whole millionths of a currency, as a bigint: sums outgrow what numbers hold.
 */

import { amountOf } from "openoutcry";
import type { Instrument } from "openoutcry";

type Priced = Pick<Instrument, "symbol" | "tick_size" | "currency" | "lot_size">;

const MILLION = 1_000_000n;
const DECIMAL = /^(-?)(\d+)(?:\.(\d{1,6}))?$/;
/** A minus as wide as a figure: columns stay aligned. */
export const MINUS = "\u2212";
/** Where there is no value. */
export const NONE = "\u2013";

/** Read decimal text of at most six places, such as "-1050.250000", as millionths; null if it is none. */
export function millionths(text: string): bigint | null {
  const found = DECIMAL.exec(text);
  if (found === null) return null;
  const [, sign = "", whole = "0", part = ""] = found;
  const value = BigInt(whole) * MILLION + BigInt(part.padEnd(6, "0"));
  return sign === "-" ? -value : value;
}

/** What so many lots at so many ticks are worth, in millionths. */
export function valueOf({ tick_size, lot_size }: Priced, ticks: number, lots: number): bigint {
  return BigInt(ticks) * BigInt(lots) * BigInt(lot_size) * (millionths(tick_size) ?? 0n);
}

/** Write millionths with at least two decimals, and more only where they say something: "1,234.50". */
export function moneyText(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(7, "0");
  const part = digits.slice(-6).replace(/0{1,4}$/, "");
  return `${value < 0n ? MINUS : ""}${grouped(digits.slice(0, -6))}.${part}`;
}

/** The same with a sign in front, of what rose or fell. */
export function signedMoneyText(value: bigint): string {
  return value > 0n ? `+${moneyText(value)}` : moneyText(value);
}

/** Write a price in the instrument's decimals: "1,020,000.00"; a dash for 0, which is no price. */
export function priceText(instrument: Priced, ticks: number): string {
  return ticks === 0 ? NONE : amountText(instrument, ticks);
}

/** Write what so many ticks are, 0 and below too, such as the distance of two prices. */
export function amountText(instrument: Priced, ticks: number): string {
  const [whole = "0", part] = amountOf(instrument, Math.abs(ticks)).split(".");
  return `${ticks < 0 ? MINUS : ""}${grouped(whole)}${part === undefined ? "" : `.${part}`}`;
}

/** Write whole lots: "12,000". */
export function lotsText(lots: number): string {
  return `${lots < 0 ? MINUS : ""}${grouped(String(Math.abs(lots)))}`;
}

/** Write a change in per cent of what was: "+1.25 %"; a dash if there was nothing. */
export function changeText(from: number, to: number): string {
  if (from === 0 || to === 0) return NONE;
  const hundredths = Math.round(((to - from) / from) * 10_000);
  const text = `${grouped(String(Math.floor(Math.abs(hundredths) / 100)))}.${String(Math.abs(hundredths) % 100).padStart(2, "0")} %`;
  return `${hundredths > 0 ? "+" : hundredths < 0 ? MINUS : ""}${text}`;
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, ",");
}
