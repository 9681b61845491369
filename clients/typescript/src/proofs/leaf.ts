/** Leaves: one execution, transfer or refusal each, one msgpack array of the layout's number, a salt and the fields. */

import { NotProven } from "./notProven.js";
import { utf8 } from "./proofFile.js";

/** A leaf's fields: integers as bigints, texts. */
export type Fields = Readonly<Record<string, bigint | string>>;
/** What a leaf is. */
export type Table = "execution" | "transfer" | "refusal";

/** Fields of each layout, in order; a text's name ends with a colon. */
const LAYOUTS: ReadonlyMap<bigint, readonly [Table, readonly string[]]> = new Map([
  [1n, ["execution", names(
    "history position ordinal user: user_seq event: time order_id client_order_id: instrument: side: kind: time_in_force: price quantity " +
      "remaining fill_price fill_quantity trade_id liquidity: reason: trigger expires_at expires_on: held_until",
  )]],
  [2n, ["transfer", names(
    "history position ordinal time transfer_id: kind: asset: debit: credit: amount debit_user_seq credit_user_seq available_from actor: " +
      "confirmed_by: note:",
  )]],
  [3n, ["refusal", names("history position ordinal time user: command: instrument: code: text: rule_id: request:")]],
]);
const SALT_BYTES = 16;

/** Read a leaf's bytes. @throws NotProven if they are none of a layout that is known. */
export function readLeaf(data: Uint8Array): { readonly table: Table; readonly fields: Fields } {
  const values = new Values(data);
  if (values.array() !== 3) throw new NotProven("a leaf is not an array of layout, salt and fields");
  const number = values.next();
  const layout = typeof number === "bigint" ? LAYOUTS.get(number) : undefined;
  if (layout === undefined) throw new NotProven(`a leaf has the layout ${String(number)}, which this version does not know`);
  const salt = values.next();
  if (!(salt instanceof Uint8Array) || salt.length !== SALT_BYTES) throw new NotProven(`a leaf's salt is not ${SALT_BYTES} bytes`);
  const [table, fields] = layout;
  if (values.array() !== fields.length) throw new NotProven(`a leaf of ${table} does not have ${fields.length} fields`);
  const found = fields.map((field): [string, bigint | string] => {
    const value = values.next();
    const isText = field.endsWith(":");
    if (value instanceof Uint8Array || typeof value !== (isText ? "string" : "bigint")) throw new NotProven(`a leaf's field ${field} is of the wrong type`);
    return [isText ? field.slice(0, -1) : field, value];
  });
  if (!values.isDone) throw new NotProven("a leaf goes on behind its fields");
  return { table, fields: Object.fromEntries(found) };
}

/** The few kinds of msgpack that leaves are made of; a float is none, though a number could hold it. */
class Values {
  readonly #data: Uint8Array;
  readonly #view: DataView;
  #place = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get isDone(): boolean {
    return this.#place === this.#data.length;
  }

  /** Return how many values an array has. */
  array(): number {
    const kind = this.#byte();
    if (kind >> 4 === 0x9) return kind & 0x0f;
    if (kind === 0xdc) return Number(this.#unsigned(2));
    throw new NotProven("a leaf is not msgpack, or not of arrays");
  }

  next(): bigint | string | Uint8Array {
    const kind = this.#byte();
    if (kind < 0x80) return BigInt(kind);
    if (kind >= 0xe0) return BigInt(kind - 0x100);
    if (kind >> 5 === 0x5) return this.#text(kind & 0x1f);
    if (kind >= 0xcc && kind <= 0xcf) return this.#unsigned(1 << (kind - 0xcc));
    if (kind >= 0xd0 && kind <= 0xd3) return BigInt.asIntN(8 << (kind - 0xd0), this.#unsigned(1 << (kind - 0xd0)));
    if (kind >= 0xd9 && kind <= 0xdb) return this.#text(Number(this.#unsigned(1 << (kind - 0xd9))));
    if (kind === 0xc4) return this.#take(this.#byte());
    throw new NotProven(`a leaf holds a value of kind 0x${kind.toString(16)}, which none has`);
  }

  #byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  #unsigned(bytes: number): bigint {
    return this.#take(bytes).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  }

  #text(bytes: number): string {
    return utf8(this.#take(bytes), "a leaf's text");
  }

  #take(bytes: number): Uint8Array {
    if (this.#place + bytes > this.#view.byteLength) throw new NotProven("a leaf ends too early");
    this.#place += bytes;
    return this.#data.subarray(this.#place - bytes, this.#place);
  }
}

function names(text: string): readonly string[] {
  return text.split(" ");
}
