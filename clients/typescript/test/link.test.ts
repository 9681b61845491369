/** The link as a shell of one's own uses it: what it says of each attempt, and that a person may cut a wait short. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { FeedSession, Link } from "../src/index.js";
import type { Dialer, SocketEnd } from "../src/index.js";

/** No replica is there: each attempt ends at once, as it does in browsers. */
const NOBODY: Dialer = {
  sendsToken: false,
  dial(_url, _subprotocol, _token, { onEnd }) {
    queueMicrotask(() => onEnd({ code: 1006, reason: "" }));
    return { send: () => undefined, close: () => undefined };
  },
};

describe("a link without a replica", () => {
  test("says whom it dials, how that ended and how long it waits; a wait can be cut short", async () => {
    const dialled: string[] = [];
    const waits: (readonly [SocketEnd, number])[] = [];
    const link = new Link(new FeedSession(), {
      urls: ["ws://one/v1/stream", "ws://two/v1/stream"],
      token: "header.payload.signature",
      dialer: NOBODY,
      random: () => 0.999, // begins with the second; waits about 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5 s
      onEvent: () => undefined,
      onDial: (url) => dialled.push(url),
      onWait: (end, waitMs) => {
        waits.push([end, waitMs]);
        if (waits.length === 7) link.close();
        setTimeout(() => link.hurry(), 1);
      },
    });
    const begin = performance.now();
    await link.run();
    assert.ok(performance.now() - begin < 5_000, "it waited 11 s instead of being hurried");
    assert.deepEqual(dialled.slice(0, 3), ["ws://two/v1/stream", "ws://one/v1/stream", "ws://two/v1/stream"]);
    assert.deepEqual(waits[0], [{ code: 1006, reason: "" }, 99.9]);
    assert.deepEqual(waits.map(([, waitMs]) => Math.round(waitMs)), [100, 200, 400, 799, 1598, 3197, 4995]);
  });

  test("to hurry while nothing waits does nothing", () => {
    const link = new Link(new FeedSession(), { urls: ["ws://one/"], token: "t", dialer: NOBODY, random: () => 0, onEvent: () => undefined });
    assert.doesNotThrow(() => link.hurry());
  });
});
