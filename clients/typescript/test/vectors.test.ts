/** The wire vectors in protocol/vectors: whoever reads and writes these bytes speaks the protocol. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { bookDigest, decodePacket, encodeRequest, levelDigest, mix, ProtocolError } from "../src/index.js";
import type { Encoding, Identified, Message } from "../src/index.js";
import { vectors } from "./repository.js";

interface Vector<T> {
  readonly name: string;
  readonly value: T;
  readonly json: string;
  readonly msgpack: string;
}
interface DigestVectors {
  readonly mix: readonly { readonly x: number; readonly mixed: number }[];
  readonly level: readonly { readonly side: 0 | 1; readonly price: number; readonly quantity: number; readonly digest: number }[];
  readonly book: readonly { readonly bids: [number, number][]; readonly asks: [number, number][]; readonly digest: number }[];
}

const messages = vectors<Vector<Message>[]>("messages");
const requests = vectors<Vector<Identified>[]>("requests");
const digests = vectors<DigestVectors>("digest");

describe("messages", () => {
  for (const { name, value, json, msgpack } of messages) {
    test(`${name}: read alike from both encodings`, () => {
      assert.deepEqual(decodePacket(json, "json"), [value]);
      assert.deepEqual(decodePacket(Buffer.from(msgpack, "hex"), "msgpack"), [value]);
    });
  }

  test("every type has a vector", () => {
    assert.equal(new Set(messages.map(({ value }) => value.type)).size, 15);
  });
});

describe("requests", () => {
  for (const { name, value, json, msgpack } of requests) {
    test(`${name}: written as the vectors have it`, () => {
      // Python writes letters beyond ASCII as escapes, JavaScript as they are: both are the same JSON.
      assert.equal(encodeRequest(value, "json"), JSON.stringify(JSON.parse(json)));
      assert.equal(Buffer.from(encodeRequest(value, "msgpack") as Uint8Array).toString("hex"), msgpack);
    });
  }

  test("a field that is undefined is not written: the server would refuse it", () => {
    assert.equal(encodeRequest({ op: "cancel_all", id: 1, instrument: undefined }, "json"), '{"op":"cancel_all","id":1}');
    assert.equal(Buffer.from(encodeRequest({ op: "ping", id: 1, extra: undefined } as Identified, "msgpack"))[0], 0x82);
  });
});

describe("digest", () => {
  test("mix", () => {
    for (const { x, mixed } of digests.mix) assert.equal(mix(x), mixed);
  });
  test("of a level", () => {
    for (const { side, price, quantity, digest } of digests.level) {
      assert.equal(levelDigest(side === 0 ? "bid" : "ask", price, quantity), digest);
    }
  });
  test("of a book", () => {
    for (const { bids, asks, digest } of digests.book) assert.equal(bookDigest(bids, asks), digest);
  });
});

describe("what version 1 does not know", () => {
  test("a field at the end is ignored, by position and by name", () => {
    const later = '[{"type":"goodbye","code":4000,"text":"","reconnect_in_ms":5,"where":"elsewhere"}]';
    const goodbye = { type: "goodbye", code: 4000, text: "", reconnect_in_ms: 5 };
    assert.deepEqual(decodePacket(later, "json"), [goodbye]);
    assert.deepEqual(decodePacket(Buffer.from("91950bcd0fa0a005a3616263", "hex"), "msgpack"), [goodbye]);
  });

  test("an account of a server of before holds nothing", () => {
    const before = '[{"type":"account","user_seq":1,"orders":[],"positions":{},"cash":{},"cancel_on_disconnect":false}]';
    const account = { type: "account", user_seq: 1, orders: [], positions: {}, cash: {}, cancel_on_disconnect: false, holdings: null, reserved: null, result: null };
    assert.deepEqual(decodePacket(before, "json"), [account]);
    assert.deepEqual(decodePacket(Buffer.from("919609019080" + "80c2", "hex"), "msgpack"), [account]);
  });

  test("a type is ignored, and what follows it in the packet is not", () => {
    const trail = '{"type":"goodbye","code":4000,"text":"","reconnect_in_ms":5}';
    assert.equal(decodePacket(`[{"type":"weather","price":5},${trail}]`, "json").length, 1);
    assert.equal(decodePacket(Buffer.from("9292cc63059" + "40bcd0fa0a005", "hex"), "msgpack").length, 1);
  });

  test("an enumerated text may be new", () => {
    const [status] = decodePacket('[{"type":"status","instrument":null,"state":"moved","reason":"","time":1}]', "json");
    assert.equal(status?.type === "status" && status.state, "moved");
  });
});

describe("what no version allows is an error, never a wrong value", () => {
  const malformed: [string, Encoding, string | Uint8Array][] = [
    ["no JSON", "json", "{"],
    ["no UTF-8", "json", Uint8Array.of(0x22, 0xff, 0x22)],
    ["no packet", "json", '{"type":"goodbye"}'],
    ["no type", "json", "[{}]"],
    ["null for a message", "json", "[null]"],
    ["a missing field", "json", '[{"type":"heartbeat","server_time":1}]'],
    ["a fraction", "json", '[{"type":"heartbeat","server_time":1.5,"books":{}}]'],
    ["a negative seq", "json", '[{"type":"heartbeat","server_time":1,"books":{"ACME":-1}}]'],
    ["an unsafe integer", "json", '[{"type":"heartbeat","server_time":9007199254740993,"books":{}}]'],
    ["a level without a quantity", "json",
      '[{"type":"delta","instrument":"A","prev_seq":1,"seq":2,"time":3,"depth":0,"bids":[[1]],"asks":[],"digest":4}]'],
    ["a third side", "json",
      '[{"type":"trade","instrument":"A","seq":1,"trade_id":1,"time":1,"price":1,"quantity":1,"aggressor_side":"both"}]'],
    ["bytes that end too soon", "msgpack", Uint8Array.of(0x91, 0x94)],
    ["a message that does not begin with its type", "msgpack", Uint8Array.of(0x91, 0x80)],
    ["a msgpack message that is too short", "msgpack", Uint8Array.of(0x91, 0x92, 0x08, 0x01)],
    ["text where bytes are spoken", "msgpack", "[]"],
  ];
  for (const [name, encoding, payload] of malformed) {
    test(name, () => assert.throws(() => decodePacket(payload, encoding), ProtocolError));
  }
});
