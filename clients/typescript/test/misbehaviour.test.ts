/** The client against a server that misbehaves on purpose: it notices, says so, and is whole again. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { connect, ConnectionRefused, InvalidArgument, Market, nodeDialer, NotConnected, OrderRefused, OutcomeUnknown, Refused, standardDialer, Unanswered } from "../src/index.js";
import type { Book, ConnectOptions } from "../src/index.js";
import { until, within } from "./children.js";
import { PYTHON, without } from "./repository.js";
import { ScriptedServer } from "./scriptedServer.js";
import type { Fault } from "./scriptedServer.js";

describe("against the scripted server", { skip: without(PYTHON), timeout: 240_000 }, () => {
  let server: ScriptedServer;
  let market: Market;
  let book: Book;

  async function enter(options: Partial<ConnectOptions> = {}): Promise<Market> {
    return await connect(server.url, { token: "ada", ...options });
  }

  /** The replica is what the server holds, and says so. */
  async function isWhole(): Promise<boolean> {
    const { seq, digest } = await server.seen();
    return !book.stale && book.seq === seq && book.digest === digest;
  }

  /** End the connection in some way, and let nobody in until that was noticed and `meanwhile` has happened. */
  async function interrupt(act: string, args: Readonly<Record<string, unknown>> = {}, meanwhile?: () => Promise<void>) {
    await server.tell("refuse_handshakes", { status: 503 });
    await server.tell(act, args);
    await until(() => book.staleReason === "disconnected", "stale");
    await meanwhile?.();
    await server.tell("refuse_handshakes", { status: null });
  }

  /** Loop over the book until an error ends it. */
  async function loopsEnd(): Promise<void> {
    for await (const _ of book);
  }

  beforeEach(async () => {
    server = await ScriptedServer.start();
    await server.change([[9_998, 20], [9_997, 5]], [[10_001, 7]]);
    market = await enter();
    book = await market.book("ACME");
  });
  afterEach(async () => {
    await market.close();
    await server.stop();
  });

  test("snapshot, then deltas, in both encodings", async () => {
    const json = await enter({ encoding: "json" });
    const other = await json.book("ACME");
    await server.change([[9_998, 25]], [[10_001, 0], [10_003, 7]]);
    await until(isWhole, "the change");
    await until(() => other.seq === book.seq, "the change, in JSON");
    assert.deepEqual(book.bids(), [[9_998, 25], [9_997, 5]]);
    assert.deepEqual([other.bestAsk, other.digest], [{ price: 10_003, quantity: 7 }, book.digest]);
    await json.close();
  });

  const harmful: [Fault, string][] = [
    ["WRONG_DIGEST", "corrupt"],
    ["WRONG_LEVEL", "corrupt"],
    ["LOST", "gap"],
    ["SWAPPED", "gap"],
  ];
  for (const [fault, reason] of harmful) {
    test(`${fault}: ${reason}, said, and healed by a snapshot`, async () => {
      const reasons: (string | null)[] = [];
      const watching = (async () => {
        for await (const { staleReason } of book) reasons.push(staleReason);
      })();
      await server.change([[9_990, 1]], [], fault);
      await server.change([[9_991, 1]]);
      await until(isWhole, "whole again");
      assert.ok(((await server.seen()).requests["resync"] ?? 0) >= 1);
      const { gaps, corruptions } = market.statistics;
      assert.ok(gaps + corruptions >= 1);
      await market.close();
      await watching;
      assert.ok(reasons.includes(reason) || reasons.includes("behind"), String(reasons));
    });
  }

  test("TWICE: harmless", async () => {
    await server.change([[9_990, 1]], [], "TWICE");
    await until(() => market.statistics.duplicates === 1, "the repetition");
    assert.ok(await isWhole());
    assert.equal((await server.seen()).requests["resync"], undefined);
  });

  test("a lost last change is noticed by the heartbeat", async () => {
    await server.change([[9_990, 1]], [], "LOST");
    await until(isWhole, "whole again");
    assert.equal(market.statistics.gaps, 1);
  });

  test("silence: stale after 3 s, and back as soon as anyone speaks", async () => {
    const began = performance.now();
    await server.tell("heartbeats", { on: false });
    await until(() => book.stale, "stale");
    assert.ok(performance.now() - began > 2_500);
    await server.tell("heartbeats", { on: true });
    await until(isWhole, "whole again");
    assert.equal((await server.seen()).connections, 2);
  });

  for (const confirms of [true, false]) {
    test(`sudden end: resumed by one delta, or by ${confirms ? "an empty one" : "silence"} if nothing was missed`, async () => {
      await server.tell("confirm_resume", { on: confirms });
      await interrupt("drop");
      await until(isWhole, "resumed with nothing missed");
      await interrupt("drop", {}, async () => {
        await server.tell("unheard", { bids: [[9_990, 3]] });
        await server.tell("unheard", { bids: [[9_998, 0]] });
      });
      await until(isWhole, "resumed");
      assert.equal(market.statistics.snapshots, 1);
      assert.equal((await server.seen()).requests["resync"], undefined);
    });
  }

  test("a lost history is replaced by the new one", async () => {
    const { epoch } = book;
    await server.tell("new_epoch");
    await server.tell("drop");
    await until(() => book.epoch === epoch + 1, "the new epoch");
    assert.ok(await isWhole());
  });

  test("goodbye: back in the slot that it gave, not before", async () => {
    const began = performance.now();
    await server.tell("goodbye", { code: 4000, text: "shutting down", reconnect_in_ms: 300 });
    await until(async () => (await server.seen()).connections === 2, "back");
    await until(isWhole, "whole again");
    assert.ok(performance.now() - began >= 300);
  });

  test("a program that is busy for longer than 3 s does not take that for the server's silence", async () => {
    for (const end = performance.now() + 3_300; performance.now() < end; );
    await server.change([[9_990, 1]]);
    await until(isWhole, "the change");
    assert.equal((await server.seen()).connections, 1);
  });

  test("silence is noticed though every timer is late", async () => {
    await server.tell("heartbeats", { on: false });
    const began = performance.now();
    while (market.isConnected && performance.now() - began < 6_000) {
      for (const end = performance.now() + 400; performance.now() < end; );
      if (performance.now() - began > 3_100) assert.equal(book.staleReason, "disconnected", "by the clock");
      await new Promise((resolve) => setTimeout(resolve));
    }
    assert.ok(!market.isConnected && performance.now() - began < 5_000, `${performance.now() - began} ms`);
    await server.tell("heartbeats", { on: true });
  });

  test("a welcome that cannot be read is left with 4003, whatever letters are in it", async () => {
    const { WebSocketServer } = await import("ws");
    const codes: number[] = [];
    const strange = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "openoutcry.v1.json" });
    strange.on("connection", (socket) => {
      socket.on("close", (code) => codes.push(code));
      const welcome = { type: "welcome", version: "日".repeat(40), session: "日".repeat(40), user: "", server_time: 1, heartbeat_ms: 1, limits: {} };
      socket.send(JSON.stringify([{ type: "goodbye", code: 4000, text: "日".repeat(99), reconnect_in_ms: 5 }, welcome]));
    });
    await new Promise((resolve) => strange.once("listening", resolve));
    const { port } = strange.address() as { port: number };
    const { WebSocket } = await import("ws");
    for (const dialer of [await nodeDialer(), standardDialer(WebSocket as never)]) {
      const entering = new Market([`ws://127.0.0.1:${port}`], { token: "ada", encoding: "json", dialer, random: () => 0 });
      const seen = codes.length;
      await until(() => codes.slice(seen).filter((code) => code === 4003).length >= 3, "three attempts that were left with 4003");
      await entering.close();
    }
    strange.close();
  });

  test("ids of orders need no secure context", async () => {
    const { randomUUID } = crypto;
    Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
    try {
      assert.equal(await market.order("ACME", { side: "bid", price: 1, quantity: 1 }), 1);
    } finally {
      Object.defineProperty(crypto, "randomUUID", { value: randomUUID, configurable: true });
    }
  });

  test("whoever is sent away at once backs off, however near the slot is", async () => {
    const { WebSocketServer } = await import("ws");
    const leaving = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "openoutcry.v1.json" });
    let connections = 0;
    leaving.on("connection", (socket) => {
      connections += 1;
      socket.send(JSON.stringify([{ type: "goodbye", code: 4000, text: "all leave", reconnect_in_ms: 1 }]));
      socket.close(4000);
    });
    await new Promise((resolve) => leaving.once("listening", resolve));
    const { port } = leaving.address() as { port: number };
    const entering = new Market([`ws://127.0.0.1:${port}`], { token: "ada", encoding: "json", dialer: await nodeDialer(), random: () => 0.5 });
    await new Promise((resolve) => setTimeout(resolve, 600));
    await entering.close();
    leaving.close();
    assert.ok(connections >= 2 && connections <= 6, `${connections} connections`);
  });

  test("a goodbye with a final code is final, whatever it says of returning", async () => {
    const ended = assert.rejects(within(loopsEnd(), "the loop's end"), /4502: 20 bad requests in a row/);
    await server.tell("goodbye", { code: 4502, text: "20 bad requests in a row", reconnect_in_ms: 1 });
    await ended;
    assert.equal((await server.seen()).connections, 1);
  });

  test("4000 to 4499: back by itself", async () => {
    for (const code of [4001, 4002, 4499]) {
      await interrupt("close", { code });
      await until(isWhole, `back after ${code}`);
    }
  });

  test("4500 to 4999: gone for good, and every loop is told why", async () => {
    const isFinal = (error: unknown) => error instanceof ConnectionRefused && error.code === 4502;
    const ended = assert.rejects(within(loopsEnd(), "the loop's end"), isFinal);
    await server.tell("close", { code: 4502, reason: "bad requests" });
    await ended;
    await assert.rejects(market.ping(), NotConnected);
    assert.equal((await server.seen()).connections, 1);
  });

  test("a token that has run out is replaced, if there is where to get one", async () => {
    let tokens = 0;
    const renewing = await enter({ token: () => `ada-${(tokens += 1)}` });
    await server.tell("close", { code: 4505 });
    await until(() => tokens === 2 && renewing.isConnected, "back with another token");
    await server.tell("goodbye", { code: 4505, text: "expired", reconnect_in_ms: 0 });
    await until(() => tokens === 3 && renewing.isConnected, "back with a third");
    await renewing.close();
  });

  test("a token function that fails costs an attempt, and no more", async () => {
    let calls = 0;
    const failing = await enter({
      token: () => {
        calls += 1;
        if (calls === 1) throw new Error("the provider is away");
        return calls === 2 ? Promise.reject(new Error("away still")) : "ada\n";
      },
      random: () => 0,
    });
    assert.equal(failing.welcome?.user, "ada");
    assert.equal(calls, 3);
    await failing.close();
  });

  test("a market whose token function never settles can be left", async () => {
    const waiting = new Market([server.url], { token: () => new Promise<string>(() => undefined), dialer: await nodeDialer() });
    const refused = assert.rejects(waiting.ready());
    await within(waiting.close(), "leaving");
    await refused;
  });

  test("what is no token is refused at once", async () => {
    const { connections } = await server.seen();
    await assert.rejects(enter({ token: "ada lovelace" }), /token: must be letters, digits/);
    assert.equal((await server.seen()).connections, connections);
  });

  test("a handshake that is refused says whether the token has expired", async () => {
    await server.tell("refuse_handshakes", { status: 401, text: "4505 token: expired; get a new one\n" });
    await assert.rejects(enter(), (error) => error instanceof ConnectionRefused && error.code === 4505);
    await server.tell("refuse_handshakes", { status: null });
  });

  test("a handshake refused with 401 or 400 is final; 503 is not", async () => {
    for (const status of [401, 400]) {
      await server.tell("refuse_handshakes", { status });
      await assert.rejects(enter(), (error) => error instanceof ConnectionRefused && error.code === status);
    }
    await server.tell("refuse_handshakes", { status: 503 });
    const entering = enter();
    await server.tell("refuse_handshakes", { status: null });
    await (await entering).close();
  });

  test("a frame that breaks the protocol ends the connection, and the next one is good", async () => {
    await interrupt("send_text", { text: "[[" });
    await until(isWhole, "whole again");
  });

  test("without a header in the handshake, login comes first", async () => {
    const { WebSocket } = await import("ws");
    const browser = await enter({ dialer: standardDialer(WebSocket as never) });
    assert.equal((await server.seen()).requests["login"], 1);
    assert.equal((await browser.book("ACME")).digest, book.digest);
    await browser.close();
  });

  test("windows are verified too", async () => {
    const window = await market.book("ACME", { depth: 5 });
    await server.change([[9_998, 0]]);
    await until(isWhole, "the change");
    assert.equal(window, book, "a book has one depth a connection");
  });

  test("the gateway's feed: stale while it says so", async () => {
    await server.tell("feed", { state: "stale", reason: "no feed for 3 s" });
    await until(() => book.staleReason === "feed", "stale");
    await server.tell("feed", { state: "open" });
    await until(() => !book.stale, "open");
    assert.equal(market.feedState, "open");
  });

  test("a slow loop skips to the newest state", async () => {
    const loop = book[Symbol.asyncIterator]();
    await loop.next();
    for (let quantity = 1; quantity <= 50; quantity += 1) await server.change([[9_000, quantity]]);
    await until(isWhole, "all changes");
    await loop.next();
    const next = loop.next().then(() => "more", () => "end");
    assert.equal(book.bids().at(-1)?.[1], 50);
    assert.equal(await Promise.race([next, Promise.resolve("nothing queued")]), "nothing queued");
  });

  test("trades come once, and a hole is told by its ids", async () => {
    const trades = market.trades("ACME")[Symbol.asyncIterator]();
    await until(async () => ((await server.seen()).requests["subscribe"] ?? 0) >= 2, "followed");
    await server.tell("trade", { price: 10_000, quantity: 1 });
    await server.tell("trade", { price: 10_000, quantity: 2, skip: 2 });
    const [first, missed, last] = [await trades.next(), await trades.next(), await trades.next()];
    assert.equal(first.value && "trade_id" in first.value && first.value.trade_id, 1);
    assert.deepEqual(missed.value, { instrument: "ACME", first: 2, last: 3 });
    assert.equal(last.value && "trade_id" in last.value && last.value.quantity, 2);
  });

  test("an account with a gap is asked for again", async () => {
    await server.tell("account", { user: "ada", user_seq: 9 });
    const account = await market.account();
    await server.tell("execution", { user_seq: 10 });
    await until(() => account.positions.get("ACME") === 5, "the fill");
    await server.tell("account", { user: "ada", user_seq: 13 });
    await server.tell("execution", { user_seq: 12 });
    await until(() => account.userSeq === 13 && !account.stale, "whole again");
    assert.equal(market.statistics.repairs, 1);
  });

  test("small states", async () => {
    const ticker = await market.ticker("ACME");
    assert.deepEqual([ticker.value?.bid, ticker.value?.ask], [9_998, 10_001]);
    await server.change([[9_999, 1]]);
    await server.tell("ticker");
    await until(() => ticker.value?.bid === 9_999, "the new price");
  });

  test("requests and their replies", async () => {
    assert.equal(await market.order("ACME", { side: "bid", price: 1, quantity: 1 }), 1);
    assert.equal(await market.replace({ order_id: 1 }, { price: 2, quantity: 2 }), 2);
    assert.equal(await market.cancel({ client_order_id: "mine" }), 3);
    assert.equal(await market.cancelAll(), 3);
    assert.equal(await market.cancelOnDisconnect(true), undefined);
    assert.ok((await market.ping()) > 0);
    assert.deepEqual((await market.instruments()).map(({ symbol }) => symbol), ["ACME"]);
  });

  test("a refusal names its code; what is not answered is not known", async () => {
    await server.tell("refuse", { op: "order", code: "off_tick", text: "price" });
    const order = { side: "bid", price: 1, quantity: 1 } as const;
    await assert.rejects(
      market.order("ACME", { ...order, client_order_id: "mine" }),
      (error) => error instanceof OrderRefused && error.code === "off_tick" && error.op === "order" && error.clientOrderId === "mine",
    );
    await assert.rejects(market.order("ACME", { ...order, price: 99.9 }), InvalidArgument);
    await server.tell("refuse", { op: "replace", code: "outcome_unknown", text: "no answer" });
    await assert.rejects(
      market.replace({ client_order_id: "mine" }, { price: 5 }),
      (error) => error instanceof OutcomeUnknown && !(error instanceof Refused) && error.op === "replace" && error.clientOrderId === "mine",
    );
    await server.tell("refuse", { op: "ping", code: "rate_limited", text: "later" });
    await assert.rejects(market.ping(), (error) => error instanceof Refused && !(error instanceof OrderRefused) && error.code === "rate_limited");
    await assert.rejects(market.book("NONE"), (error) => error instanceof Refused && error.code === "unknown_instrument");
    await server.tell("mute", { op: "cancel" });
    const cancelling = assert.rejects(market.cancel({ order_id: 1 }), (error) => error instanceof OutcomeUnknown && error instanceof Unanswered);
    await server.tell("drop");
    await cancelling;
  });

  test("a book that was left vouches for nothing, and depths are whole", async () => {
    for (const depth of [-1, 1.5, NaN, "1"]) assert.throws(() => book.bids(depth as number), InvalidArgument);
    market.unfollow("book", "ACME");
    assert.equal(book.staleReason, "unfollowed");
    assert.ok(!book.hasState);
    const again = await market.book("ACME");
    assert.equal(again.staleReason, null);
    assert.equal(book.staleReason, "unfollowed");
    book = again;
  });

  test('"*" is no instrument, and is not followed', async () => {
    for (const follow of ["book", "top", "ticker", "status"] as const) await assert.rejects(market[follow]("*"), InvalidArgument);
    assert.throws(() => market.trades("*"), InvalidArgument);
    const { subscribe } = (await server.seen()).requests;
    assert.equal(subscribe, 1);
  });

  test("a market that was left gives no view that waits", async () => {
    await market.close();
    await market.close();
    await assert.rejects(within(market.book("ACME"), "no book", 500), NotConnected);
    await assert.rejects(within(market.ticker("ACME"), "no ticker", 500), NotConnected);
    await assert.rejects(within(market.account(), "no account", 500), NotConnected);
    assert.throws(() => market.trades("ACME"), NotConnected);
    await within(loopsEnd(), "the end of a loop that had begun before", 500);
  });

  test("a handshake that is answered by anything else is refused for good", async () => {
    const { createServer } = await import("node:http");
    for (const status of [200, 302, 307]) {
      const other = createServer((_, response) => response.writeHead(status, { Location: "/elsewhere" }).end());
      other.on("upgrade", (_, socket) => socket.end(`HTTP/1.1 ${status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n`));
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      const { port } = other.address() as { port: number };
      await assert.rejects(connect(`ws://127.0.0.1:${port}/`, { token: "ada" }), (error) => error instanceof ConnectionRefused && error.code === status);
      other.close();
    }
  });

  test("a dialler that throws ends the market by a sentence", async () => {
    const throws = standardDialer(class { constructor() { throw new DOMException("an insecure WebSocket may not be opened", "SecurityError"); } } as never);
    await assert.rejects(connect(server.url, { token: "ada", dialer: throws }), /^OpenOutcryError: ws:.* cannot be dialled: SecurityError/);
  });

  test("several replicas: the next one is tried", async () => {
    const other = await ScriptedServer.start();
    const roaming = await connect([server.url, other.url], { token: "ada", random: () => 0 });
    await server.tell("drop");
    await until(async () => (await other.seen()).connections === 1, "at the other");
    await roaming.close();
    await other.stop();
  });
});

