/** Bytes of a fixed layout, read from the left: tags, hashes, and integers of 8 bytes, big-endian, signed. */

import { NotProven } from "./notProven.js";
import { utf8 } from "./proofFile.js";

/** Reads what is signed or hashed. */
export class FixedLayout {
  readonly #data: Uint8Array;
  #place = 0;

  /** @throws NotProven if the bytes do not begin with the tag, 16 letters, or are not as many as they must be. */
  constructor(data: Uint8Array, tag: string, bytes: number, what: string) {
    if (data.length !== bytes) throw new NotProven(`${what} has ${data.length} bytes, not ${bytes}`);
    this.#data = data;
    const found = this.take(16);
    if (!found.every((byte, place) => byte === tag.charCodeAt(place))) throw new NotProven(`${what} is not one of this version: its first 16 bytes are others`);
  }

  /** Return so many bytes. */
  take(count: number): Uint8Array {
    this.#place += count;
    return this.#data.subarray(this.#place - count, this.#place);
  }

  /** Return an integer. */
  integer(): bigint {
    const bytes = this.take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0);
  }

  /** Return a text that is filled up with zeros. @throws NotProven if it is none. */
  text(bytes: number, what: string): string {
    const padded = this.take(bytes);
    let end = bytes;
    while (end > 0 && padded[end - 1] === 0) end -= 1;
    return utf8(padded.subarray(0, end), what);
  }
}
