/** A tab that is hidden or frozen, and then looked at again, is never called verified while it is wrong. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Chromium } from "./chromium.mjs";
import { VERIFIED } from "./desk.mjs";
import { Market, pause, until } from "./market.mjs";

const HIDDEN_MS = Number(process.env.HIDDEN_S ?? 120) * 1_000;
/** A page may be so far behind what a program knows: both hear it over sockets of their own. */
const BEHIND_MS = 2_000;

/** A test that has seen nothing proves nothing. */
function assertSeen({ judged, compared }) {
  assert.ok(judged >= 10 && compared > 0, `${judged} paints were verified, ${compared} of them compared with a program's book`);
}

/** Notes in the page, as it is painted, what it says and shows. */
const WITNESS = `(() => {
  window.seen = [];
  window.look = () => {
    const text = (where) => document.querySelector(where)?.textContent ?? "";
    return { at: Date.now(), word: text(".connection .word"), detail: text(".connection .detail"), bid: text(".ladder-row.best-bid .price"), state: document.visibilityState };
  };
  const watch = () => { const one = window.look(); window.seen.push(one); requestAnimationFrame(watch); };
  watch();
})()`;

describe("a page that nobody looks at", () => {
  let market, browser, desk, blank, client, book;
  /** Every state of the book by its number: its best bid, and when it was heard. */
  const truth = new Map();

  before(async () => {
    market = await Market.start({ bots: 100, hot: true, ledger: false });
    client = await market.client("witness");
    book = await client.book("ACME");
    void (async () => {
      for await (const state of book) {
        truth.set(state.seq, { bid: state.bestBid?.price ?? 0, at: Date.now() });
      }
    })().catch(() => undefined); // it ends with the connection
    browser = await Chromium.start();
    desk = await browser.open(`${market.origin}/#token=${market.mint("ann")}`);
    await desk.show();
    await until("it is verified", async () => (await desk.value(`document.querySelector(".connection .word")?.textContent`).catch(() => "")) === VERIFIED);
    blank = await browser.open("about:blank");
    await desk.show();
    await desk.value(WITNESS);
  });

  after(async () => {
    await client?.close();
    await browser?.stop();
    await market?.stop();
  });

  /** Look at all that was painted since: what was called verified was then so. */
  async function judge(since) {
    const seen = await desk.value(`window.seen.splice(0)`);
    let judged = 0;
    let compared = 0;
    for (const { at, word, detail, bid } of seen) {
      if (at < since || word !== VERIFIED) continue;
      const seq = Number(/at seq ([\d,]+)/.exec(detail)?.[1].replace(/,/g, ""));
      const later = [...truth].filter(([number, { at: heard }]) => number > seq && heard < at - BEHIND_MS);
      assert.equal(later.length, 0, `called verified at seq ${seq}, ${later.length} changes ago`);
      judged += 1;
      const known = truth.get(seq); // the witness may have been told of it together with later ones
      if (known === undefined || bid === "") continue;
      assert.equal(Math.round(Number(bid.replace(/,/g, "")) * 100), known.bid, `the best bid at seq ${seq}`);
      compared += 1;
    }
    return { judged, compared };
  }

  it("is verified and right before", async () => {
    const since = Date.now();
    await pause(3_000);
    assert.equal(await desk.value("document.visibilityState"), "visible");
    assertSeen(await judge(since));
  });

  it(`hidden for ${HIDDEN_MS / 1_000} s, it says nothing that is not so when it is shown`, async () => {
    await blank.show();
    await until("it is hidden", async () => (await desk.value("document.visibilityState")) === "hidden");
    await pause(HIDDEN_MS);
    assert.equal(await desk.value("document.visibilityState"), "hidden");
    const shown = Date.now();
    await desk.show();
    await until("it is visible", async () => (await desk.value("document.visibilityState")) === "visible");
    await until("it is verified again", async () => (await desk.value("window.look().word")) === VERIFIED);
    await pause(3_000);
    assertSeen(await judge(shown));
  });

  it("frozen, and woken without its socket, it looks again first", async () => {
    await blank.show();
    await desk.ask("Page.setWebLifecycleState", { state: "frozen" });
    await pause(20_000); // longer than a gateway waits for a client that does not read
    await desk.ask("Page.setWebLifecycleState", { state: "active" });
    const shown = Date.now();
    await desk.show();
    await until("it is verified again", async () => (await desk.value("window.look().word")) === VERIFIED, 60_000);
    await pause(3_000);
    assertSeen(await judge(shown));
  });
});
