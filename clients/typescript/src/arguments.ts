/**
 * What callers give, checked before anything is sent: types vanish at run time, and JavaScript never had them.
 *
 * A price is a whole number of ticks. What is none is never rounded here: an order at 99.9 that became one at 99 would be
 * somebody's loss. Ranges are the exchange's business, which knows the instrument; what no
 * message can hold is refused here, because a wish that cannot be written could not be made again on the next connection.
 */

import { InvalidArgument } from "./errors.js";
import { checkedToken } from "./tokenSource.js";

const UNITS: Readonly<Record<string, string>> = {
  price: " of ticks", quantity: " of lots", depth: " of levels", interval_ms: " of milliseconds", intervalMs: " of milliseconds",
  order_id: "", lots: "", start: " of rows", bid: " of ticks", bid_quantity: " of lots", ask: " of ticks", ask_quantity: " of lots",
  trigger: " of ticks", protection_bp: " of basis points", minimum: " of lots",
  expires_at: " of microseconds",
};
const ADVICE: Readonly<Record<string, string>> = { price: "; ticksOf turns an amount of money into ticks" };
const SWITCHES: readonly string[] = ["post_only", "on"];
/** Of any name given here; the exchange's own limits are lower. A request that is far too long ends the connection. */
export const TEXT_LETTERS_MAX = 256;
/** Half a letter, which UTF-8 does not have. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;

/**
 * Return if every field is of its type. What is null or undefined counts as left out.
 *
 * @throws InvalidArgument naming the field, its rule and the value.
 */
export function checkFields(fields: object): void {
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (value === undefined || value === null) continue;
    if (name in UNITS) {
      if (!Number.isSafeInteger(value)) throw refused(name, `is a whole number${UNITS[name] ?? ""}`, value);
    } else if (SWITCHES.includes(name)) {
      if (typeof value !== "boolean") throw refused(name, "is true or false", value);
    } else if (name === "actions") {
      if (!Array.isArray(value) || value.length === 0) throw refused(name, "is an array of actions, one or more", value);
    } else if (name === "pairs") checkPairs(value);
    else if (name === "token") checkToken(value);
    else checkText(name, value);
  }
}

/** A token is longer than any name, and no sentence repeats anything of it. */
function checkToken(value: unknown): void {
  try {
    checkedToken(value);
  } catch (error) {
    throw new InvalidArgument((error as Error).message);
  }
}

function checkPairs(value: unknown): void {
  const rule = "is an array of 1 to 15 pairs, each an object with an instrument and what is bid and asked";
  if (!Array.isArray(value) || value.length < 1 || value.length > 15) throw refused("pairs", rule, value);
  for (const pair of value as unknown[]) {
    if (typeof pair !== "object" || pair === null || Array.isArray(pair)) throw refused("pairs", rule, pair);
    checkFields(pair);
  }
}

/**
 * Return if it is a text that a request can hold.
 *
 * @throws InvalidArgument naming the field, its rule and the value.
 */
export function checkText(name: string, value: unknown): void {
  if (typeof value !== "string") throw refused(name, "is a text", value);
  if (value.length > TEXT_LETTERS_MAX) throw refused(name, `is a text of at most ${TEXT_LETTERS_MAX} letters`, value);
  if (LONE_SURROGATE.test(value)) throw refused(name, "is a text without lone surrogates, which UTF-8 does not have", value);
}

/** Return if it names one instrument. @throws InvalidArgument if it is no text that a request can hold, or the "*" of all. */
export function checkSymbol(value: unknown): void {
  checkText("instrument", value);
  if (value === "*") throw refused("instrument", "is the symbol of one instrument", value);
}

/** Return if so many levels can be given. @throws InvalidArgument if it is no whole number from 0. */
export function checkDepth(value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw refused("depth", "is a whole number of levels from 0", value);
}

/**
 * Return if a WebSocket can be opened at it. Relative ones count from the page, where there is one.
 *
 * @throws InvalidArgument naming the rule; shows no password.
 */
export function checkUrl(value: unknown): void {
  if (typeof value !== "string") throw refused("url", "is a text such as ws://127.0.0.1:8101/v1/stream", typeof value);
  const rule = "url: is an address such as ws://127.0.0.1:8101/v1/stream";
  let url: URL;
  try {
    url = new URL(value, (globalThis as { readonly location?: { readonly href: string } }).location?.href);
  } catch {
    throw new InvalidArgument(`${rule}, which ${value.replace(/\/\/.*@/, "//…@").slice(0, 60)} is not`);
  }
  if (url.username !== "" || url.password !== "") throw new InvalidArgument(`${rule}, without a user and a password: the token says who you are`);
  if (!/^(ws|http)s?:$/.test(url.protocol) || url.hash !== "") throw new InvalidArgument(`${rule}, which ${value.slice(0, 60)} is not`);
}

/** Return a value as a text of at most 60 letters, whatever it is: `String` throws for some. */
function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return String(value).slice(0, 60);
}

function refused(name: string, rule: string, value: unknown): InvalidArgument {
  return new InvalidArgument(`${name}: ${rule}, not ${shown(value)} (${typeof value})${ADVICE[name] ?? ""}`);
}
