/** A busy market and large tables: frames come in time, memory stays, and what is out of sight is not drawn. It runs alone. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage, VERIFIED } from "../desk.mjs";
import { Market, pause, until } from "../market.mjs";

const SECONDS = Number(process.env.LOAD_S ?? 60);
const CHANGES_A_SECOND = 500;
const FRAME_P95_MS = 20;
const LONG_TASK_MS = 100;
/** Beyond what it was after the first seconds: a heap that grows by the minute is not stable over a day. */
const HEAP_GROWTH_BYTES = 4 * 1024 * 1024;
const LEVELS = 10_000;
const USERS = 60;
/** A user may send 200 orders at once, and has 1,000 open. */
const BURST = Math.ceil(LEVELS / USERS);

/** Notes each frame's time and each long task of the page. */
const WATCH = `(() => {
  window.frames_ms = []; window.long_ms = [];
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.long_ms.push(duration); }).observe({ type: "longtask" });
  let before = performance.now();
  const frame = (now) => { window.frames_ms.push(now - before); before = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
})()`;

/** Bytes in use, and seconds of the processor that the page's thread has used: the latter say the same on any machine. */
async function usage(session) {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { metrics } = await session.send("Performance.getMetrics");
  return { bytes: usedSize, cpuS: metrics.find(({ name }) => name === "TaskDuration").value };
}

describe("under load", () => {
  let browser;

  before(async () => {
    browser = await browse();
  });

  after(async () => {
    await browser?.close();
  });

  it(`draws ${CHANGES_A_SECOND} changes a second for ${SECONDS} s at frame rate, in a heap that stays`, async (test) => {
    const market = await Market.start({ bots: CHANGES_A_SECOND, hot: true, ledger: false });
    try {
      const client = await market.client("witness");
      const book = await client.book("ACME");
      const desk = await DeskPage.open(browser, market, "ann");
      await pause(10_000); // what is compiled and cached at first is not counted
      const session = await desk.context.newCDPSession(desk.page);
      await session.send("Performance.enable", { timeDomain: "threadTicks" });
      const before = await usage(session);
      const from = book.seq;
      const began = Date.now();
      await desk.page.evaluate(WATCH);
      await pause(SECONDS * 1_000);
      const { frames, long } = await desk.page.evaluate(() => ({ frames: window.frames_ms.slice(1), long: window.long_ms }));
      const rate = ((book.seq - from) * 1_000) / (Date.now() - began);
      const after = await usage(session);
      const grown = after.bytes - before.bytes;
      frames.sort((one, other) => one - other);
      const p95 = frames[Math.floor(frames.length * 0.95)];
      const worst = Math.max(0, ...long);
      test.diagnostic(`${rate.toFixed(0)} changes/s, ${frames.length} frames, p95 ${p95.toFixed(1)} ms, longest task ${worst.toFixed(0)} ms, ${(((after.cpuS - before.cpuS) * 1_000) / frames.length).toFixed(1)} ms of the page's processor a frame, heap ${(before.bytes / 1e6).toFixed(1)} MB and ${(grown / 1e6).toFixed(2)} more`);
      assert.ok(rate > CHANGES_A_SECOND * 0.8, `the market makes ${rate.toFixed(0)} changes a second`);
      assert.equal(await desk.standing(), VERIFIED);
      assert.ok(p95 <= FRAME_P95_MS, `p95 of a frame's time is ${p95.toFixed(1)} ms`);
      assert.deepEqual(long.filter((ms) => ms > LONG_TASK_MS), [], "long tasks");
      assert.ok(grown < HEAP_GROWTH_BYTES, `the heap has grown by ${grown} bytes in ${SECONDS} s`);
      await desk.close();
      await client.close();
    } finally {
      await market.stop();
    }
  });

  it(`shows a book of ${LEVELS} levels, and as many executions, and draws what is in sight`, async (test) => {
    const market = await Market.start({ bots: 0, instruments: [{ symbol: "DEEP", name: "Ten thousand levels" }] });
    const clients = [];
    try {
      const desk = await DeskPage.open(browser, market, "maker");
      for (let user = 0; user < USERS; user += 1) clients.push(await market.client(`user-${user}`));
      /** One order of each user at a time, so that the gateway has room for what others ask. */
      const orders = async (place) => {
        for (let at = 0; at < BURST; at += 1) await Promise.all(clients.map((client, user) => place(client, user * BURST + at)));
      };
      await orders((client, at) => client.order("DEEP", { side: "ask", price: 20_000 + at, quantity: 1 }));
      await until("all levels are there", async () => (await levels(clients[0])) >= LEVELS, 60_000);
      const grid = desk.page.getByRole("grid", { name: "Ladder of DEEP" });
      await desk.verified();
      assert.ok((await grid.getByRole("row").count()) < 200, "rows out of sight are not drawn");
      await desk.tab("Depth");
      await desk.verified();
      await desk.tab("Executions");
      await pause(5_000); // each may send a burst again
      const maker = await market.client("maker");
      // Better than the best price of a market that rests: whoever takes meets the maker.
      await maker.order("DEEP", { side: "bid", price: 10_000, quantity: LEVELS });
      await orders((client, at) => (at < LEVELS ? client.order("DEEP", { side: "ask", price: 10_000, quantity: 1 }) : undefined));
      await maker.close();
      const table = desk.page.getByRole("table", { name: "Executions" });
      await until("all executions are there", async () => Number(await table.getAttribute("aria-rowcount")) >= LEVELS, 60_000);
      assert.ok((await table.getByRole("row").count()) < 200, "rows out of sight are not drawn");
      await table.locator(".rows-body").evaluate((body) => body.scrollTo(0, body.scrollHeight));
      await until("the oldest is in sight", async () => Number(await table.getByRole("row").last().getAttribute("aria-rowindex")) >= LEVELS);
      test.diagnostic(`${await desk.page.evaluate(() => document.querySelectorAll("*").length)} elements in the page`);
      assert.equal(await desk.standing(), VERIFIED);
      await desk.close();
    } finally {
      await Promise.all(clients.map((client) => client.close()));
      await market.stop();
    }
  });
});

async function levels(client) {
  const book = await client.book("DEEP");
  return book.bids().length + book.asks().length;
}
