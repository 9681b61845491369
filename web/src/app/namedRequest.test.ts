import { beforeEach, describe, expect, test } from "vitest";

import type { Answer } from "../worker/protocol.js";
import { NamedRequest } from "./namedRequest.js";
import { SAFE_MS } from "./ticketForm.js";

const YES: Answer = { type: "answer", id: 1, ok: true, code: "", text: "", data: {} };

describe("a request with a name", () => {
  let request: NamedRequest;
  let names: string[];

  beforeEach(() => {
    request = new NamedRequest();
    names = [];
  });

  const send = (answer: Partial<Answer> | Promise<Answer>, now = 0) =>
    request.send(now, "Exercise 2 X", (name) => {
      names.push(name);
      return Promise.resolve(answer).then((found) => ({ ...YES, ...found }));
    });

  test("keeps its name until it has happened, and is not sent while it is under way", async () => {
    const first = send({ ok: false, code: "unanswered" });
    expect([request.state(), await send({})]).toEqual(["sent", false]);
    expect([await first, request.state()]).toEqual([false, "unknown"]);
    expect(request.trouble()).toMatch(/sending it again is safe/);
    expect(await send({ ok: false, code: "duplicate_order" }, 5)).toBe(true);
    expect(request.done()).toMatch(/counts once/);
    await send({});
    expect(names).toHaveLength(3);
    expect([names[0] === names[1], names[1] === names[2]]).toEqual([true, false]);
  });

  test("that is refused says the exchange's sentence, and is another one once it was changed", async () => {
    expect(await send({ ok: false, code: "insufficient_cash", text: "lots: needs 2,400.00 USD, 1,000.00 are free" })).toBe(false);
    expect([request.trouble(), request.done()]).toEqual(["lots: needs 2,400.00 USD, 1,000.00 are free", ""]);
    request.change();
    expect(request.trouble()).toBe("");
    await send({});
    expect([request.done(), names[0] === names[1]]).toEqual(["Exercise 2 X: done.", false]);
  });

  test("is not sent again under a name that the exchange may have forgotten", async () => {
    await send({ ok: false, code: "unanswered" });
    expect(await send({}, SAFE_MS + 1)).toBe(false);
    expect([names.length, request.state()]).toEqual([1, "idle"]);
    expect(request.trouble()).toMatch(/too late/);
  });
});
