/** The proofs' vectors in protocol/vectors: what must be proven, what must be refused, and for what. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { InvalidArgument } from "../src/index.js";
import { checkConsistency, isConsistent, leafHash, NotProven, OtherSize, readKeys, rootByInclusion, verifyHead, verifyReceipt } from "../src/proofs/index.js";
import { vectors } from "./repository.js";

interface ReceiptCase {
  readonly name: string;
  readonly file: string;
  readonly refused: string;
  readonly proves: readonly Readonly<Record<string, string>>[] | null;
}
interface HeadCase {
  readonly name: string;
  readonly old: string;
  readonly new: string;
  readonly proof: string | null;
  readonly verdict: "proven" | "not_proven" | "cannot_be_judged";
}
interface Merkle {
  readonly leaves: readonly string[];
  readonly roots: readonly string[];
  readonly inclusion: readonly { readonly number: number; readonly size: number; readonly path: readonly string[] }[];
  readonly consistency: readonly { readonly old: number; readonly new: number; readonly path: readonly string[] }[];
}

const receipts = vectors<{ readonly keys: string; readonly cases: readonly ReceiptCase[] }>("receipts");
const heads = vectors<{ readonly keys: string; readonly cases: readonly HeadCase[] }>("heads");
const merkle = vectors<Merkle>("merkle");
const keys = readKeys(receipts.keys);

describe("receipts", () => {
  for (const { name, file, refused, proves } of receipts.cases) {
    if (proves !== null) {
      test(`proven: ${name}`, () => {
        const proven = verifyReceipt(file, keys);
        assert.deepEqual(proven.executions.map(({ fields }) => shown(fields)), proves);
        assert.deepEqual(verifyReceipt(Buffer.from(file), keys), proven);
      });
    } else {
      test(`refused: ${name}`, () => {
        assert.throws(() => verifyReceipt(file, keys), (error) => error instanceof NotProven && error.message.includes(refused));
      });
    }
  }

  test("no byte can be changed", () => { // every fifth: a signature takes 5 ms
    const file = Buffer.from(receipts.cases.find(({ name }) => name.includes("own block"))?.file ?? "");
    verifyReceipt(file, keys);
    for (let place = 0; place < file.length; place += 5) {
      const changed = Buffer.from(file);
      changed[place] = (changed[place] ?? 0) ^ 1;
      assert.throws(() => verifyReceipt(changed, keys), NotProven, `byte ${place}`);
    }
    assert.throws(() => verifyReceipt(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), file]), keys), NotProven);
  });
});

describe("heads", () => {
  for (const each of heads.cases) {
    test(each.name, () => {
      assert.equal(judged(each), each.verdict);
    });
  }
});

function judged(each: HeadCase): HeadCase["verdict"] {
  try {
    checkConsistency(verifyHead(each.old, keys), verifyHead(each.new, keys), each.proof);
    return "proven";
  } catch (error) {
    if (error instanceof OtherSize) return "cannot_be_judged";
    if (error instanceof NotProven) return "not_proven";
    throw error;
  }
}

describe("trees", () => {
  const roots = merkle.roots.map(bytes);

  test("inclusion", () => {
    for (const { number, size, path } of merkle.inclusion) {
      const leaf = leafHash(bytes(merkle.leaves[number] ?? ""));
      const root = rootByInclusion(leaf, BigInt(number), BigInt(size), path.map(bytes));
      assert.deepEqual(Buffer.from(root ?? []).toString("hex"), merkle.roots[size]);
      assert.equal(rootByInclusion(leaf, BigInt(number), BigInt(size), [...path.map(bytes), leaf]), null);
      assert.equal(rootByInclusion(leaf, BigInt(size), BigInt(size), path.map(bytes)), null);
    }
  });
  test("consistency, and none with a wrong root or path", () => {
    const of = (size: number): Uint8Array => roots[size] ?? new Uint8Array();
    for (const { old, new: size, path } of merkle.consistency) {
      const check = (from: number, to: number, hashes: readonly Uint8Array[]): boolean =>
        isConsistent(BigInt(old), of(from), BigInt(size), of(to), hashes);
      assert.ok(check(old, size, path.map(bytes)));
      assert.ok(!check(old - 1, size, path.map(bytes)));
      assert.ok(!check(old, size - 1, path.map(bytes)));
      assert.ok(!check(old, size, [...path.map(bytes), of(1)]));
      if (path.length > 0) assert.ok(!check(old, size, path.slice(1).map(bytes)));
    }
    assert.ok(!isConsistent(0n, of(0), 5n, of(5), []));
  });
});

describe("keys", () => {
  test("one key may be given in hexadecimal digits", () => {
    const [[id, key]] = [...keys] as [[string, Uint8Array]];
    assert.deepEqual([...readKeys(Buffer.from(key).toString("hex"))], [[id, key]]);
  });
  for (const text of ["", "[]", "null", '{"keys":[]}', '{"keys":[null]}', '{"keys":[{"kty":"RSA"}]}', receipts.keys.replace('"kid": "', '"kid": "0')]) {
    test(`refused: ${text.slice(0, 30)}`, () => {
      assert.throws(() => readKeys(text), InvalidArgument);
    });
  }
});

function shown(fields: Readonly<Record<string, bigint | string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}
