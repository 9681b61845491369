/** Receipts in the page: proven by its own code, where browsers give no cryptography too, and told when they do not hold. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage } from "./desk.mjs";
import { Market, until } from "./market.mjs";

const ELSEWHERE = "desk.example.test";

describe("a receipt", () => {
  let market, browser, orderId;

  before(async () => {
    market = await Market.start({ ledger: true });
    // The page's own name is not this machine's, and what the test answers has no address: it counts as from elsewhere.
    browser = await browse(`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`, "--disable-features=LocalNetworkAccessChecks");
    const ann = await market.client("ann");
    orderId = await ann.order("ACME", { side: "bid", price: 9_000, quantity: 7 });
    await ann.close();
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
  });

  /** Open a page and ask for the receipt, again until its block has been signed. */
  async function receipt(options) {
    const desk = await DeskPage.open(browser, market, "ann", options);
    await desk.tab("Executions");
    const button = desk.page.getByRole("table", { name: "Executions" }).getByRole("button", { name: String(orderId), exact: true }).first();
    const dialog = desk.page.getByRole("dialog", { name: `Receipt of order ${orderId}` });
    await until("the record has it", async () => {
      if ((await dialog.count()) > 0) await desk.page.keyboard.press("Escape");
      await button.click();
      await dialog.getByText(/(Not p|P)roven\./).first().waitFor({ timeout: 3_000 }).catch(() => undefined);
      return (await dialog.getByText(/(Not p|P)roven\./).count()) > 0;
    }, 60_000);
    return { desk, dialog };
  }

  it("is proven in the page, and kept as a file", async () => {
    const { desk, dialog } = await receipt();
    await dialog.getByText("Proven.", { exact: true }).waitFor();
    await dialog.getByText(/Accepted: 7 lots at 90\.00/).waitFor();
    const [file] = await Promise.all([desk.page.waitForEvent("download"), dialog.getByRole("button", { name: "Save the file" }).click()]);
    assert.equal(file.suggestedFilename(), `receipt-${orderId}.json`);
    await desk.close();
  });

  it("is proven on a page of plain http, without the browser's cryptography and without WASM", async () => {
    const { desk, dialog } = await receipt({
      origin: market.origin.replace("127.0.0.1", ELSEWHERE),
      prepare: async (page) => {
        await page.addInitScript("delete globalThis.WebAssembly");
        await page.route(/:\d+\/v1\//, async (route) => {
          const response = await route.fetch(); // the record lets its own pages ask alone, and this name is none of them
          await route.fulfill({ response, headers: { ...response.headers(), "access-control-allow-origin": "*" } });
        });
      },
    });
    assert.deepEqual(await desk.page.evaluate(() => [isSecureContext, crypto.subtle === undefined, typeof WebAssembly]), [false, true, "undefined"]);
    await desk.page.getByText(/plain http/).first().waitFor();
    await dialog.getByText("Proven.", { exact: true }).waitFor();
    await desk.close();
  });

  it("that was changed on the way is not proven, and the page says why", async () => {
    const { desk, dialog } = await receipt({
      prepare: (page) =>
        page.route(/\/v1\/receipts\//, async (route) => {
          const response = await route.fetch();
          const text = await response.text();
          const changed = text.replace(/"leaf":"(.)/g, (found, letter) => `"leaf":"${letter === "A" ? "B" : "A"}`);
          await route.fulfill({ response, body: changed === text ? text.replace(/\d/, "9") : changed });
        }),
    });
    await dialog.getByText("Not proven.", { exact: true }).waitFor();
    assert.equal(await dialog.getByText("Proven.", { exact: true }).count(), 0);
    await desk.close();
  });
});

describe("a browser that lacks what the page needs", () => {
  let market, browser;

  before(async () => {
    market = await Market.start({ ledger: false });
    browser = await browse();
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
  });

  for (const [what, text] of [["WebSocket", /This browser has no WebSocket/], ["Worker", /This browser has no workers/]]) {
    it(`is told so: ${what}`, async () => {
      const desk = await DeskPage.open(browser, market, "ann", { isTrusted: false, prepare: (page) => page.addInitScript(`delete globalThis.${what}`) });
      await desk.page.getByRole("alert").getByText(text).waitFor();
      await desk.close();
    });
  }

  it("is told nothing where it lacks WASM alone, which the page does not use", async () => {
    const desk = await DeskPage.open(browser, market, "ann", { prepare: (page) => page.addInitScript("delete globalThis.WebAssembly") });
    await desk.ticket("Buy", "90.00", 1);
    await until("an order rests", async () => (await desk.orders()).length === 1);
    await desk.close();
  });
});
