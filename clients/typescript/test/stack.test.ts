/** The client against the real stack: Redis, the engine, two gateways, bots that trade. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";

import { connect, ConnectionRefused, Refused, standardDialer } from "../src/index.js";
import type { Book, Execution, Market } from "../src/index.js";
import { Child, until, within } from "./children.js";
import { OUTCRY, ROOT, without } from "./repository.js";

interface Stack {
  readonly gateways: readonly string[];
  readonly instruments: readonly string[];
  readonly redis: string;
  /** A file with one token a line; the key of the tokens is beside it. */
  readonly tokens: string;
}

const CLIENTS = 5;
const FOLLOW_MS = 3_000;

describe("against the real stack", { skip: without(OUTCRY), timeout: 120_000 }, () => {
  let up: Child;
  let stack: Stack;
  /** A gateway of the test's own: `outcry up` ends when one of its own dies. */
  let mortal: Child;
  let gateways: string[] = [];
  let markets: Market[] = [];
  let books: Book[][] = [];
  /** "instrument depth epoch seq" to digest, of all clients. */
  const digests = new Map<string, number>();
  const disagreements: string[] = [];
  const loops: Promise<void>[] = [];

  /** Compare each state that a book is seen in with what other clients saw at the same seq. */
  async function compare(book: Book): Promise<void> {
    for await (const { instrument, depth, epoch, seq, digest, stale } of book) {
      if (stale) continue;
      const key = `${instrument} ${depth} ${epoch} ${seq}`;
      if ((digests.get(key) ?? digest) !== digest) disagreements.push(key);
      digests.set(key, digest);
    }
  }

  before(async () => {
    up = new Child(OUTCRY, ["up", "--gateways", "1", "--port", String(await freePort()), "--bots", "200"]);
    stack = (await up.hear()) as Stack;
    const port = await freePort();
    const secret = `${dirname(stack.tokens)}/token-secret`;
    mortal = new Child(OUTCRY, ["gateway", "--redis-url", stack.redis, "--port", String(port), "--secret-file", secret]);
    await until(() => isReady(port), "the second gateway", 20_000);
    gateways = [`ws://127.0.0.1:${port}/v1/stream`, ...stack.gateways];
    const tokens = readFileSync(stack.tokens, "utf8").split("\n");
    markets = await Promise.all(
      Array.from({ length: CLIENTS }, (_, index) =>
        connect(gateways, {
          token: tokens[index] as string,
          encoding: index === 0 ? "json" : "msgpack",
          random: beginningAt(index % 2), // the even ones begin at the one that will be killed
        }),
      ),
    );
  });
  after(async () => {
    await Promise.all(markets.map((market) => market.close()));
    await Promise.all(loops);
    await mortal.end();
    assert.equal(await up.end(), 0);
  });

  test("five clients hold the same books, every digest right", async () => {
    books = await Promise.all(
      markets.map((market) => Promise.all(stack.instruments.map((instrument) => market.book(instrument)))),
    );
    loops.push(...books.flat().map(compare));
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
    for (const { statistics } of markets) {
      assert.ok(statistics.verified > 100, `${statistics.verified} verified`);
      assert.deepEqual([statistics.gaps, statistics.corruptions, statistics.repairs], [0, 0, 0]);
    }
    assert.deepEqual(disagreements, []);
    assert.ok(digests.size > 100, `${digests.size} states compared`);
  });

  test("windows, tops, tickers and trades", async () => {
    const [market] = markets as [Market];
    const [top, ticker] = await Promise.all([market.top("ACME", { depth: 5 }), market.ticker("ACME")]);
    assert.ok(top.value !== null && top.value.bids.length <= 5 && ticker.value !== null);
    const trades = market.trades("ACME")[Symbol.asyncIterator]();
    let last = 0;
    for (let count = 0; count < 10; count += 1) {
      const { value } = await within(trades.next(), "trades", 20_000);
      assert.ok(value && "trade_id" in value && (last === 0 || value.trade_id === last + 1));
      last = value.trade_id;
    }
    const definitions = await market.instruments();
    assert.deepEqual(definitions.map(({ symbol }) => symbol).sort(), [...stack.instruments].sort());
  });

  test("a window of 10 levels is verified as the whole book is", async () => {
    const market = markets[1] as Market;
    const { verified } = market.statistics;
    const window = await market.book("ACME", { depth: 10 });
    await until(() => window.bids().length <= 10 && window.asks().length <= 10 && !window.stale, "the window");
    await until(() => market.statistics.verified > verified + 50, "changes");
    assert.deepEqual([market.statistics.gaps, market.statistics.corruptions], [0, 0]);
    await market.book("ACME");
    await until(() => window.bids().length > 10, "the whole book again");
  });

  test("an order rests, is refused twice over, is replaced, cancelled, and another trades", async () => {
    const market = markets[2] as Market;
    const account = await market.account();
    const executions: Execution[] = [];
    loops.push(
      (async () => {
        for await (const execution of account) executions.push(execution);
      })(),
    );
    const resting = { side: "bid", price: 1, quantity: 5, client_order_id: "ts-1" } as const;
    const order_id = await market.order("ACME", resting);
    await assert.rejects(market.order("ACME", resting), (error) => error instanceof Refused && error.code === "duplicate_order" && error.orderId === order_id);
    await market.replace({ order_id }, { price: 2, quantity: 7 });
    await until(() => account.orders.some(({ price, remaining }) => price === 2 && remaining === 7), "the new terms");
    await market.cancel({ client_order_id: "ts-1" });
    await until(() => account.orders.length === 0, "its end");
    await until(() => books[2]?.[0]?.bestAsk !== null, "an offer");
    await market.order("ACME", { side: "bid", kind: "market", quantity: 1 });
    await until(() => account.positions.get("ACME") === 1, "the fill");
    await until(() => executions.some(({ event, fill_quantity }) => event === "filled" && fill_quantity === 1), "its execution");
    // The refused repetition is none of them.
    assert.deepEqual(executions.map(({ event }) => event).slice(0, 3), ["accepted", "replaced", "cancelled"]);
    assert.equal(account.stale, false);
    for (const on of [true, false]) {
      await market.cancelOnDisconnect(on);
      await until(() => account.cancelOnDisconnect === on, "the account that says so");
    }
  });

  test("a gateway is killed: its users resume at the other, with deltas", async () => {
    const atFirst = markets.filter((_, index) => index % 2 === 0);
    const snapshots = atFirst.map(({ statistics }) => statistics.snapshots);
    const sessions = atFirst.map(({ welcome }) => welcome?.session);
    mortal.kill();
    await until(() => atFirst.every(({ welcome }, index) => welcome?.session !== sessions[index]), "back", 20_000);
    await until(() => books.flat().every((book) => !book.stale), "whole", 20_000);
    const verified = markets.map(({ statistics }) => statistics.verified);
    await until(() => markets.every(({ statistics }, index) => statistics.verified > (verified[index] ?? 0) + 20), "changes", 20_000);
    assert.deepEqual(disagreements, []);
    for (const { statistics } of markets) assert.deepEqual([statistics.gaps, statistics.corruptions], [0, 0]);
    // The one that follows a top as well gets that as a snapshot.
    assert.deepEqual(atFirst.slice(1).map(({ statistics }) => statistics.snapshots), snapshots.slice(1));
  });

  test("a wrong token is refused for good, in the handshake and as login", async () => {
    const [gateway] = stack.gateways as [string];
    const { WebSocket } = await import("ws");
    const isRefused = (code: number) => (error: unknown) => error instanceof ConnectionRefused && error.code === code;
    await assert.rejects(connect(gateway, { token: "none" }), isRefused(4500));
    await assert.rejects(connect(gateway, { token: "none", dialer: standardDialer(WebSocket as never) }), isRefused(4500));
  });

  test("the README's example runs", async () => {
    const [, code] = /```js\n(.*?)```/s.exec(readFileSync(`${ROOT}clients/typescript/README.md`, "utf8")) as unknown as [string, string];
    const path = `${ROOT}clients/typescript/dist/readme.js`;
    writeFileSync(path, code);
    const token = readFileSync(stack.tokens, "utf8").split("\n")[CLIENTS] as string;
    const env = { ...process.env, OUTCRY_URL: gateways.join(","), OUTCRY_TOKEN: token };
    const output = execFileSync(process.execPath, [path], { env, timeout: 20_000, encoding: "utf8" });
    assert.match(output, /order \d+: accepted/);
    assert.match(output, /order \d+: filled/);
    assert.equal(output.match(/verified/g)?.length, 10);
  });
});

/** Return a source of random numbers that picks this one of two gateways first. */
function beginningAt(index: number): () => number {
  let isFirst = true;
  return () => {
    if (!isFirst) return Math.random();
    isFirst = false;
    return index / 2;
  };
}

/** Return a port that is free at present. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Return whether a gateway wants users. */
async function isReady(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false; // it does not listen yet
  }
}
