/**
 * Readers of single values: each takes what a decoder made of the wire and returns it typed, or throws.
 *
 * Bytes from outside are checked here and nowhere else.
 */

import { ProtocolError } from "./errors.js";

/** Check one value. `where` names it in the error's text. */
export type Reader<T> = (value: unknown, where: string) => T;

/** The fields of a message or record in the order of the wire, each with its reader. */
export type Shape<T> = { readonly [K in keyof T]-?: Reader<T[K]> };

/** One of these texts, or one that a later server may add. */
export type OneOf<T extends string> = T | (string & {});

function complain(where: string, wanted: string, value: unknown): never {
  throw new ProtocolError(`${where}: must be ${wanted}, not ${shown(value)}`);
}

/** Show a value in at most 40 characters. */
function shown(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "a map"; // however deep
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? `${inner}` : inner)) ?? "nothing";
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** A whole number from 0 to 2⁵³-1. */
export const whole: Reader<number> = (value, where) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : complain(where, "a whole number from 0", value);

/** A whole number from -(2⁵³-1) to 2⁵³-1. */
export const signed: Reader<number> = (value, where) =>
  Number.isSafeInteger(value) ? (value as number) : complain(where, "a whole number below 2⁵³", value);

export const text: Reader<string> = (value, where) => (typeof value === "string" ? value : complain(where, "a text", value));

/** A whole number from 1 up to a limit. */
export const positive =
  (max = Number.MAX_SAFE_INTEGER): Reader<number> =>
  (value, where) =>
    whole(value, where) >= 1 && (value as number) <= max ? (value as number) : complain(where, `a whole number from 1 to ${max}`, value);

/** A decimal text of this form. */
export const decimal =
  (form: RegExp): Reader<string> =>
  (value, where) =>
    form.test(text(value, where)) ? (value as string) : complain(where, "a decimal", value);

export const flag: Reader<boolean> = (value, where) =>
  typeof value === "boolean" ? value : complain(where, "true or false", value);

/** A text out of a list that may grow: any text is let through. */
export const oneOf =
  <T extends string>(): Reader<OneOf<T>> =>
  (value, where) =>
    text(value, where);

/** One of exactly these texts. */
export const only =
  <T extends string>(...texts: readonly T[]): Reader<T> =>
  (value, where) =>
    (texts as readonly unknown[]).includes(value) ? (value as T) : complain(where, texts.join(" or "), value);

export const orNull =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value, where) =>
    value === null ? null : read(value, where);

/** As `orNull`, of a field that a server of before does not send. */
export const laterOrNull =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value, where) =>
    value === undefined || value === null ? null : read(value, where);

/** A field that a server of before does not send: then it is `fallback`. */
export const later =
  <T>(read: Reader<T>, fallback: T): Reader<T> =>
  (value, where) =>
    value === undefined ? fallback : read(value, where);

/** A record without the fields that are undefined. */
export const sparse =
  <T extends object>(read: Reader<T>): Reader<T> =>
  (value, where) =>
    Object.fromEntries(Object.entries(read(value, where)).filter(([, field]) => field !== undefined)) as T;

/** An array with these values at first; what is beyond them is ignored. */
export const tuple =
  <T extends readonly unknown[]>(...reads: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> =>
  (value, where) =>
    Array.isArray(value) ? (reads.map((read: Reader<unknown>, index) => read(value[index], `${where}[${index}]`)) as unknown as T) : complain(where, "a list", value);

/** A whole number or a text or null: what a request may be named by. */
export const requestId: Reader<number | string | null> = (value, where) =>
  value === null || typeof value === "string" ? value : whole(value, where);

export const list =
  <T>(read: Reader<T>): Reader<readonly T[]> =>
  (value, where) =>
    Array.isArray(value) ? value.map((item, index) => read(item, `${where}[${index}]`)) : complain(where, "a list", value);

/** Highest price in ticks, and the most lots of a level: the digest counts both modulo 2³². */
const PRICE_MAX = 2 ** 31 - 1;
const LEVEL_QUANTITY_MAX = 2 ** 32 - 1;

/** `[price, quantity, …]` with at least `length` whole numbers; a quantity of 0 where `quantityMin` is 0. */
export const level =
  <T extends readonly number[]>(length: T["length"], quantityMin: 0 | 1): Reader<T> =>
  (value, where) => {
    if (!Array.isArray(value) || value.length < length || !value.every((item) => Number.isSafeInteger(item) && item >= 0)) {
      return complain(where, `${length} whole numbers from 0`, value);
    }
    const [price, quantity] = value as [number, number];
    if (price < 1 || price > PRICE_MAX) return complain(where, "a level with a price", price);
    if (quantity < quantityMin || quantity > LEVEL_QUANTITY_MAX) return complain(where, "a level with a quantity", quantity);
    return value as unknown as T;
  };

/** A map from text, whatever the values. */
export const mapOf =
  <T>(read: Reader<T>): Reader<Readonly<Record<string, T>>> =>
  (value, where) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return complain(where, "a map", value);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, read(item, `${where}.${key}`)]));
  };

export const anything: Reader<unknown> = (value) => value;

/**
 * A record by position (an array) or by name (a map). What is beyond the shape is ignored: later servers add fields at
 * the end.
 */
export function record<T>(shape: Shape<T>): Reader<T> {
  const fields = Object.entries(shape) as [string, Reader<unknown>][];
  return (value, where) => {
    if (typeof value !== "object" || value === null) return complain(where, "a record", value);
    const result: Record<string, unknown> = {};
    fields.forEach(([name, read], index) => {
      const field: unknown = Array.isArray(value) ? value[index] : (value as Record<string, unknown>)[name];
      result[name] = read(field, `${where}.${name}`);
    });
    return result as T;
  };
}
