/**
 * Files that prove something: JSON outside, bytes inside, and one way only to write each.
 *
 * What is proven are bytes in lower-case hexadecimal digits. A file must be exactly what `JSON.stringify` with an indent
 * of one makes of it, and an end of line: then no byte of it can be changed unnoticed, not even a space.
 */

import { HASH_BYTES, PATH_HASHES_MAX } from "./merkle.js";
import { NotProven } from "./notProven.js";

/** Bytes of a file. */
export const FILE_BYTES_MAX = 16 * 2 ** 20;

/** Reads a value of the file at a path such as `blocks[0].path`. */
export type Reader<T> = (value: unknown, path: string) => T;
type Members<T> = { readonly [K in keyof T]: Reader<T[K]> };

/**
 * Read a file.
 *
 * @param file All of it.
 * @param format What its member `format` must be.
 * @param members The others, in order, and how each is read.
 * @throws NotProven if it is not such a file, or written in any other way.
 */
export function readProof<T>(file: string | Uint8Array, format: string, members: Members<T>): T {
  if (file.length > FILE_BYTES_MAX) throw new NotProven(`the file has ${file.length} bytes, the limit is ${FILE_BYTES_MAX}`);
  const text = typeof file === "string" ? file : utf8(file, "the file");
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new NotProven(`the file is not JSON: ${(error as Error).message}`);
  }
  if (isObject(content) && content["format"] !== format) throw new NotProven(`format: must be "${format}"`);
  const found = object<T & { format: unknown }>({ format: (value: unknown) => value, ...members } as Members<T & { format: unknown }>)(content, "");
  checkWriting(text, `${JSON.stringify(content, null, 1)}\n`);
  return found;
}

/** Return the reader of an object with exactly these members, in this order. */
export function object<T>(readers: Members<T>): Reader<T> {
  const names = Object.keys(readers) as (keyof T & string)[];
  return (value, path) => {
    if (!isObject(value) || Object.keys(value).join() !== names.join()) {
      throw new NotProven(`${path === "" ? "the file" : path}: must have the members ${names.join(", ")}, in this order`);
    }
    return Object.fromEntries(names.map((name) => [name, readers[name](value[name], path === "" ? name : `${path}.${name}`)])) as T;
  };
}

/** Return the reader of a list with so many members. */
export function listOf<T>(reader: Reader<T>, least: number, most: number): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < least || value.length > most) throw new NotProven(`${path}: must be a list of ${least} to ${most}`);
    return (value as unknown[]).map((one, number) => reader(one, `${path}[${number}]`));
  };
}

/** Return the reader of so many bytes, in hexadecimal digits. */
export function hexBytes(least: number, most: number): Reader<Uint8Array> {
  return (value, path) => {
    if (typeof value !== "string" || !/^(?:[0-9a-f]{2})*$/.test(value)) throw new NotProven(`${path}: must be bytes in lower-case hexadecimal digits`);
    const bytes = value.length / 2;
    if (bytes < least || bytes > most) throw new NotProven(`${path}: must be ${least === most ? least : `${least} to ${most}`} bytes, not ${bytes}`);
    return Uint8Array.from({ length: bytes }, (_, place) => Number.parseInt(value.slice(2 * place, 2 * place + 2), 16));
  };
}

/** Read a whole number from 0 on. */
export const wholeNumber: Reader<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new NotProven(`${path}: must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  return value as number;
};

/** Reads a path of hashes, from below. */
export const hashPath = listOf(hexBytes(HASH_BYTES, HASH_BYTES), 0, PATH_HASHES_MAX);

/** Read bytes as UTF-8; a mark at the beginning is a letter like others. @throws NotProven if they are none. */
export function utf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotProven(`${what} is not text in UTF-8`);
  }
}

/** Write bytes in hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function checkWriting(text: string, canonical: string): void {
  if (text === canonical) return;
  const lines = text.split("\n");
  const line = canonical.split("\n").findIndex((each, number) => each !== lines[number]);
  throw new NotProven(`line ${line === -1 ? lines.length : line + 1} is not written as it was given out: keep such files as they are`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
