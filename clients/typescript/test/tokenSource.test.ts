import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { OpenOutcryError } from "../src/errors.js";
import { checkedToken, nextToken, TokenFailed } from "../src/tokenSource.js";

const MARK = "eyJ-a-marked-secret";
const ignore = () => undefined;

describe("tokens", () => {
  test("a file's line end is no part of it", () => {
    for (const text of [`${MARK}\n`, `${MARK}\r\n`, ` ${MARK} `]) assert.equal(checkedToken(text), MARK);
  });

  test("what is none is refused, and never repeated", () => {
    const wrong = ["", " \n", null, undefined, 7, `Bearer ${MARK}`, `${MARK}\n${MARK}`, `${MARK}\u00e9`, `"${MARK}"`, "a".repeat(8_001)];
    for (const token of wrong) {
      assert.throws(() => checkedToken(token), (error) => error instanceof OpenOutcryError && !error.message.includes(MARK));
    }
  });

  test("a function that throws, rejects, gives none or never settles has failed, without its words", async () => {
    const functions: (() => string | Promise<string>)[] = [
      () => { throw new RangeError(MARK); },
      () => Promise.reject(new TypeError(MARK)),
      () => Promise.reject(MARK),
      () => `${MARK} ${MARK}`,
      () => 7 as never,
      () => new Promise<string>(ignore),
    ];
    for (const source of functions) {
      await assert.rejects(nextToken(source, ignore, 20), (error) => error instanceof TokenFailed && !error.message.includes(MARK));
    }
  });

  test("waiting can be given up", async () => {
    await assert.rejects(nextToken(() => new Promise<string>(ignore), (giveUp) => giveUp()), /closed by the client/);
  });

  test("an async function's token is stripped", async () => {
    assert.equal(await nextToken(async () => `${MARK}\n`, ignore), MARK);
  });
});
