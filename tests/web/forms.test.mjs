/** What else a page shows and sends: its replica, own orders whole at every width, quotes, exercises, and orders of who is away. */

import assert from "node:assert/strict";
import { hostname } from "node:os";
import { after, before, describe, it } from "node:test";

import { browse, DeskPage } from "./desk.mjs";
import { Market, until } from "./market.mjs";

const WIDTHS = [360, 900, 1280, 1440, 3840];

describe("a page with an account", () => {
  let market, browser;

  before(async () => {
    market = await Market.start({
      gateways: 2, accounts: true, ledger: false,
      instruments: [
        { symbol: "ACME", name: "ACME common stock" },
        {
          symbol: "ACME-C90", kind: "option", name: "ACME call, 90 USD", lot_size: 10,
          option: { underlying: "ACME", right: "call", strike: 9_000, expiry: "2027-03-19", expires_at: 1_805_472_000_000_000, multiplier: 10 },
        },
      ],
    });
    browser = await browse();
    const deposit = (user) => ({ action: "make_transfer", transfer_id: `money-${user}`, kind: "deposit", asset: "USD", debit: "~bank", credit: user, amount: 100_000_000_000_000 });
    const grant = (user, asset, amount) => ({ action: "make_transfer", transfer_id: `lots-${user}-${asset}`, kind: "grant", asset, debit: "~issuer", credit: user, amount });
    await market.decide("begin", ...["ann", "max", "eve"].map(deposit), grant("max", "ACME", 100_000), grant("eve", "ACME-C90", 5));
  });

  after(async () => {
    await browser?.close();
    await market?.stop();
  });

  it("says which replica it is on, and what is behind that when it is asked", async () => {
    const desks = await Promise.all(market.gateways.map((url) => DeskPage.open(browser, market, "ann", { origin: new URL(url).origin.replace(/^ws/, "http") })));
    for (const [at, desk] of desks.entries()) {
      const name = `${hostname().slice(0, 64)}:${market.port + at}`;
      await until("the replica is named", async () => (await desk.page.locator(".replica").textContent()).includes(name));
      await desk.page.setViewportSize({ width: 360, height: 740 });
      await desk.page.locator(".connection button.plain").click(); // where there is no room for it, it is a touch away
      const details = desk.page.getByRole("dialog", { name: "Connection" });
      await details.getByText(name, { exact: true }).waitFor();
      await details.getByText(/^Live and verified: ACME at seq/).waitFor();
      await desk.page.keyboard.press("Escape");
      await until("it closes", async () => (await details.count()) === 0);
      await desk.close();
    }
  });

  it("cuts nothing of own orders in the ladder, at any width", async () => {
    const desk = await DeskPage.open(browser, market, "ann");
    const [ann, max] = await Promise.all([market.client("ann"), market.client("max")]);
    const { price } = (await ann.book("ACME")).bestBid;
    await max.order("ACME", { side: "bid", price, quantity: 123_456 });
    for (const [at, quantity] of [[price, 12_345], [price - 1, 7]]) await ann.order("ACME", { side: "bid", price: at, quantity });
    await until("her place is known", async () => /^12,345\u226412\dk$/.test((await desk.page.locator(".chip").first().textContent()) ?? ""));
    for (const width of WIDTHS) {
      await desk.page.setViewportSize({ width, height: 900 });
      await until("it is drawn", async () => (await desk.page.locator(".chip").count()) >= 2);
      const cut = await desk.page.evaluate(() => [...document.querySelectorAll(".chip, .chip small, .ladder-row .price, .ladder-row b")].filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0).map((each) => `${each.className} ${each.textContent} ${each.scrollWidth} ${each.clientWidth}`));
      assert.deepEqual(cut, [], `at ${width}`);
      const outside = await desk.page.evaluate(() => [...document.querySelectorAll(".chip")].filter((each) => each.getBoundingClientRect().right > each.closest(".ladder").getBoundingClientRect().right + 1).length);
      assert.equal(outside, 0, `at ${width}`);
    }
    await Promise.all([ann.cancelAll(), max.cancelAll()]);
    await Promise.all([ann.close(), max.close()]);
    await desk.close();
  });
});
