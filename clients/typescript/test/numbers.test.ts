/** The table of docs/numbers.md: what msgpack libraries for JavaScript make of a large whole number. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";

import { ROOT } from "./repository.js";

/** A time: µs since 1970, above 2³² and below 2⁵³. */
const TIME = 1_796_000_000_000_000;
const TIME_ON_THE_WIRE = Buffer.from(`cf${TIME.toString(16).padStart(16, "0")}`, "hex");
const KINDS: Readonly<Record<number, string>> = { 0xca: "float32", 0xcb: "float64", 0xce: "uint32", 0xcf: "uint64", 0xd3: "int64" };

interface Library {
  readonly encode: (value: unknown) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => unknown;
}

const load = createRequire(import.meta.url);
/** Their declarations differ as much as they do; the two functions are all that is used. */
const [plain, packr, lite, notepack, five] = ["@msgpack/msgpack", "msgpackr", "msgpack-lite", "notepack.io", "msgpack5"].map(
  (name) => load(name) as never,
) as unknown as [
  Library,
  { pack: Library["encode"]; unpack: Library["decode"]; Packr: new (options: object) => { pack: Library["encode"]; unpack: Library["decode"] } },
  Library,
  Library,
  () => { encode: (value: unknown) => { slice: () => Uint8Array }; decode: Library["decode"] },
];
const numbers = new packr.Packr({ int64AsType: "number", useRecords: false });
const LIBRARIES: Readonly<Record<string, Library>> = {
  "@msgpack/msgpack 3.1.3": plain,
  "msgpackr 2.1.4, `pack` and `unpack`": { encode: packr.pack, decode: packr.unpack },
  'msgpackr 2.1.4, `new Packr({ int64AsType: "number", useRecords: false })`': {
    encode: (value) => numbers.pack(value), decode: (bytes) => numbers.unpack(bytes),
  },
  "msgpack-lite 0.1.26": lite,
  "notepack.io 3.0.1": notepack,
  "msgpack5 6.1.0": { encode: (value) => five().encode(value).slice(), decode: (bytes) => five().decode(Buffer.from(bytes)) },
};

const rows = readFileSync(`${ROOT}docs/numbers.md`, "utf8").split("\n").filter((line) => line.startsWith("|")).map((line) => line.split(" | "));

for (const [name, { encode, decode }] of Object.entries(LIBRARIES)) {
  test(`${name} does what the table says`, () => {
    const read = decode(TIME_ON_THE_WIRE);
    assert.equal(String(read), String(TIME));
    const [, reads, small, large] = rows.find(([first]) => first === `| ${name}`) ?? [];
    const written = [2 ** 31, TIME].map((value) => KINDS[encode(value)[0] as number]);
    assert.deepEqual([typeof read, ...written], [reads, small, large]);
    const request = encode({ op: "ping", id: TIME });
    assert.deepEqual(plain.decode(request), { op: "ping", id: TIME }, "a map that everybody can read");
  });
}
