/**
 * What callers give, checked before anything is sent: types vanish at run time, and JavaScript never had them.
 *
 * A price is a whole number of ticks. What is none is never rounded here: an order at 99.9 that became one at 99 would be
 * somebody's loss. Ranges are the exchange's business, which knows the instrument.
 */

import { InvalidArgument } from "./errors.js";

const UNITS: Readonly<Record<string, string>> = {
  price: " of ticks", quantity: " of lots", depth: " of levels", interval_ms: " of milliseconds", intervalMs: " of milliseconds",
  order_id: "",
};
const ADVICE: Readonly<Record<string, string>> = { price: "; ticksOf turns an amount of money into ticks" };
const SWITCHES: readonly string[] = ["post_only", "on"];

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
    } else if (typeof value !== "string") throw refused(name, "is a text", value);
  }
}

function refused(name: string, rule: string, value: unknown): InvalidArgument {
  const shown = String(value).slice(0, 60);
  return new InvalidArgument(`${name}: ${rule}, not ${shown} (${typeof value})${ADVICE[name] ?? ""}`);
}
