/** Users at their pages: they trade with each other, and each bad thing that may happen to a page is told and survived. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage, VERIFIED } from "./desk.mjs";
import { Market, pause, until } from "./market.mjs";

const MARKUP = `<img src=x onerror="window.broken=1"><b>O'Brien & "Sons"</b> {{7*7}} \${7*7}`;
const ENDS_IN_S = 45;

describe("the page", () => {
  let market, browser, other;

  before(async () => {
    const ends = Date.now() * 1_000 + ENDS_IN_S * 1_000_000;
    const expiry = new Date(ends / 1_000).toISOString().slice(0, 10);
    market = await Market.start({
      gateways: 2,
      instruments: [
        { symbol: "ACME", name: "ACME common stock" },
        { symbol: "MARKUP", kind: "internal", name: MARKUP },
        {
          symbol: "ACME-BRIEF", kind: "option", name: "An option that ends at once", lot_size: 10,
          option: { underlying: "ACME", right: "call", strike: 10_000, expiry, expires_at: ends, at_expiry: "lapse" },
        },
      ],
      environment: { OUTCRY_PAGE_ZONE: "Asia/Tokyo" },
    });
    [browser, other] = await Promise.all([browse(), browse()]);
  });

  after(async () => {
    await browser?.close();
    await other?.close();
    await market?.stop();
  });

  it("shows an instrument that ends while it is looked at, and the others go on", async () => {
    const desk = await DeskPage.open(browser, market, "olga");
    await desk.look("ACME-BRIEF");
    const symbols = desk.page.getByRole("listbox", { name: "Instruments" });
    await until("it is not listed any more", async () => (await symbols.locator('[data-symbol="ACME-BRIEF"]').count()) === 0, 90_000);
    // It stays on the screen, greyed: nobody's next order goes into another instrument by itself.
    assert.equal(await desk.page.locator(".headline h1").textContent(), "ACME-BRIEF");
    await desk.page.locator(".headline").getByText(/^Delisted/).waitFor();
    assert.notEqual(await desk.standing(), VERIFIED);
    assert.equal(await desk.send().isDisabled(), true);
    await desk.look("ACME");
    await desk.close();
  });

  it("lets two users in two browsers trade, and both see it", async () => {
    const [ann, bob] = await Promise.all([DeskPage.open(browser, market, "ann"), DeskPage.open(other, market, "bob")]);
    await ann.ticket("Buy", "100.00", 7); // between the best prices of a market that rests
    await until("ann's order rests", async () => (await ann.orders()).length === 1);
    const cell = bob.page.getByRole("gridcell", { name: "Bid 7 lots at 100.00, 7 from the best" });
    await cell.waitFor();
    await bob.ticket("Sell", "100.00", 4);
    for (const [desk, left] of [[ann, ["3"]], [bob, []]]) {
      const trade = desk.page.getByRole("table", { name: "Time and sales" }).getByRole("row").nth(1);
      await until("the trade is on the tape", async () => /100\.00.*4/.test((await trade.textContent().catch(() => "")) ?? ""));
      await until("what is left is shown", async () => (await desk.orders()).map((row) => row[2]).join() === left.join());
      await desk.tab("Executions");
      const event = desk.page.getByRole("table", { name: "Executions" }).getByRole("row").nth(1);
      await until("the execution is shown", async () => /ACME.*100\.00/.test((await event.textContent()) ?? ""));
      assert.equal(await desk.standing(), VERIFIED);
    }
    await ann.page.keyboard.press("F8");
    await until("one key cancels all", async () => (await ann.orders()).length === 0);
    await ann.close();
    await bob.close();
  });

  it("sends one order for a double click", async () => {
    const desk = await DeskPage.open(browser, market, "dora");
    await desk.ticket("Buy", "90.00", 5, { isSent: false });
    await desk.send().dblclick();
    await until("the order rests", async () => (await desk.orders()).length > 0);
    await pause(1_000); // a second one would have come by now
    const client = await market.client("dora");
    assert.equal((await client.account()).orders.length, 1);
    await client.close();
    await desk.close();
  });

  it("sends one order for a slow double click and for a key that is held, though the exchange has answered in between", async (context) => {
    const desk = await DeskPage.open(browser, market, "hilda");
    const client = await market.client("hilda");
    context.after(() => client.close());
    const account = await client.account();
    const stand = async (count) => {
      await until(`${count} stand`, () => account.orders.length >= count);
      await pause(700); // further ones would have come by now
      assert.equal(account.orders.length, count);
    };
    const again = async () => {
      await desk.page.mouse.down({ clickCount: 2 }); // where it is: the second half of a double click
      await desk.page.mouse.up({ clickCount: 2 });
    };
    await desk.ticket("Buy", "90.00", 5, { isSent: false });
    const { x, y } = await desk.send().boundingBox();
    await desk.page.mouse.click(x + 9, y + 9);
    await until("the first is answered", () => account.orders.length === 1);
    await again();
    await stand(1);
    const hold = async (key) => {
      for (let times = 0; times < 8; times += 1) {
        await desk.page.keyboard.down(key);
        await pause(50);
      }
      await desk.page.keyboard.up(key);
    };
    await desk.page.locator("#ticket-quantity").focus();
    await hold("Enter");
    await stand(2);
    await desk.send().focus();
    await hold("Enter");
    await stand(3);
    await desk.page.locator(".ladder").getByRole("checkbox").check();
    await desk.page.locator(".ladder-row .cell.bid").last().focus();
    await hold("Enter");
    await stand(4);
    const cell = await desk.page.locator(".ladder-row .cell.bid").last().boundingBox();
    await desk.page.mouse.click(cell.x + 5, cell.y + 5);
    await until("the first is answered", () => account.orders.length === 5);
    await again();
    await stand(5);
    await client.cancelAll();
    await desk.close();
  });

  it("says the exchange's sentence beside the field that caused it", async () => {
    const desk = await DeskPage.open(browser, market, "rita");
    await desk.ticket("Buy", "100.005", 1);
    const price = desk.page.locator("#error-price");
    await until("the price is refused", async () => (await price.textContent()) !== "");
    assert.equal(await desk.page.locator("#ticket-price").getAttribute("aria-invalid"), "true");
    assert.deepEqual(await desk.orders(), []);
    await desk.close();
  });

  it("shows markup as text, wherever it comes from", async () => {
    const user = "x.y@a+b_c-d";
    const desk = await DeskPage.open(browser, market, user);
    await desk.look("MARKUP");
    await desk.page.locator(".headline").getByText(MARKUP, { exact: true }).waitFor();
    await desk.page.getByRole("searchbox").fill(MARKUP);
    await desk.page.locator("#ticket-price").fill(MARKUP);
    await desk.page.locator("#ticket-quantity").fill(MARKUP);
    await desk.send().click();
    await pause(500);
    assert.equal(await desk.page.evaluate(() => document.querySelectorAll("img, #page b b").length), 0);
    assert.equal(await desk.page.evaluate(() => "broken" in window), false);
    await desk.page.goto(`${market.origin}/#token=${encodeURIComponent(MARKUP)}`);
    await desk.page.reload();
    await pause(500);
    assert.equal(await desk.page.evaluate(() => "broken" in window), false);
    await desk.close();
  });

  it("says when the token has ended, and logs in with another", async () => {
    const desk = await DeskPage.open(browser, market, "tom", { token: market.mint("tom", { seconds: 20 }) });
    await desk.page.getByText(/Your login ends in \d+ s/).waitFor(); // it is warned of while there is time
    await until("it has ended", async () => (await desk.standing()) === "Refused", 60_000);
    await desk.page.getByRole("alert").getByText(/token has ended/).waitFor();
    if ((await desk.page.getByLabel("Token").count()) === 0) await desk.page.getByRole("button", { name: "Log out" }).click();
    await desk.page.getByLabel("Token").fill(market.mint("tom"));
    await desk.page.getByRole("button", { name: "Log in", exact: true }).click();
    await desk.verified();
    await desk.close();
  });

  it("says so when its gateway is killed, and is verified again without a reload", async () => {
    const desk = await DeskPage.open(browser, market, "kim");
    await desk.page.evaluate(() => (window.isTheSame = true));
    const [gateway] = market.pids("services.gateway", String(market.port));
    assert.ok(gateway > 0);
    process.kill(gateway, "SIGKILL");
    await until("the banner says so", async () => /Reconnecting|Connecting|Not connected/.test(await desk.standing()), 15_000);
    assert.equal(await desk.page.locator(".desk.untrusted").count(), 1, "books are greyed");
    await desk.verified(60_000);
    assert.equal(await desk.page.evaluate(() => window.isTheSame), true);
    assert.equal(await desk.page.locator(".desk.untrusted").count(), 0);
    await desk.close();
  });

  it("keeps the exchange's time where the browser's clock is wrong by an hour", async () => {
    const wrong = `(() => {
      const RealDate = Date, off = 3_600_000;
      globalThis.Date = class extends RealDate {
        constructor(...parts) { parts.length === 0 ? super(RealDate.now() + off) : super(...parts); }
        static now() { return RealDate.now() + off; }
      };
    })();\n`;
    // What the test answers has no address, and so counts as from elsewhere.
    const clockless = await browse("--disable-features=LocalNetworkAccessChecks");
    const desk = await DeskPage.open(clockless, market, "cleo", {
      prepare: async (page) => {
        await page.addInitScript(wrong);
        await page.route("**/assets/main-*.js", async (route) => {
          const response = await route.fetch();
          await route.fulfill({ response, body: wrong + (await response.text()) });
        });
      },
    });
    await desk.page.getByText(/computer's clock is (60 min|1 h) ahead/).waitFor();
    assert.equal(await desk.standing(), VERIFIED);
    await desk.ticket("Buy", "80.00", 1);
    await until("an order rests all the same", async () => (await desk.orders()).length === 1);
    await desk.close();
    await clockless.close();
  });

  it("works over plain http under another name, and says what is missing there", async () => {
    const plain = await browse("--host-resolver-rules=MAP desk.example.test 127.0.0.1");
    try {
      const origin = market.origin.replace("127.0.0.1", "desk.example.test");
      const desk = await DeskPage.open(plain, market, "", { token: "", origin, isTrusted: false });
      assert.equal(await desk.page.evaluate(() => isSecureContext || crypto.subtle !== undefined), false);
      await desk.page.getByText(/plain http/).waitFor();
      await desk.page.getByLabel("Token").fill(market.mint("hal"));
      await desk.page.getByRole("button", { name: "Log in", exact: true }).click();
      await desk.verified();
      await desk.ticket("Buy", "81.00", 2);
      await until("an order rests", async () => (await desk.orders()).length === 1);
      await desk.close();
    } finally {
      await plain.close();
    }
  });
});

describe("without the record", () => {
  let market, browser;

  before(async () => {
    // Nobody listens there: the record is away.
    market = await Market.start({ ledger: false, environment: { OUTCRY_PAGE_LEDGER_URL: "http://127.0.0.1:9" } });
    browser = await browse();
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
  });

  it("the page goes on without history, and says so", async () => {
    const desk = await DeskPage.open(browser, market, "ann");
    await desk.tab("Executions");
    await desk.page.getByText(/record|ledger|history/i).first().waitFor();
    await desk.ticket("Buy", "99.00", 1);
    await until("orders are entered", async () => (await desk.orders()).length === 1);
    assert.equal(await desk.standing(), VERIFIED);
    await desk.close();
  });
});
